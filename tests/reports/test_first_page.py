"""The first page: figures of summarize and compare, and no change without a verdict."""

import dataclasses
import html
import json
import re
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from support.real_calls import needs_real_calls, real_calls
from support.weeks import LAST_WEEK, OPTIONS, weeks_of_calls

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.fetch_report import Gap
from etelecom_analytics.formatting import format_value
from etelecom_analytics.local_time import HOME_ZONE, zone
from etelecom_analytics.locale.display import Display
from etelecom_analytics.locale.short_finding import short_finding_text
from etelecom_analytics.locale.value_text import change_text
from etelecom_analytics.reports.headlines import headline
from etelecom_analytics.reports.overview_cards import overview_cards
from etelecom_analytics.reports.overview_content import overview_markup
from etelecom_analytics.reports.report_periods import last_period

MEASURES = ["offered", "answer_rate", "service_level", "asa_s", "abandon_rate", "agent_talk_avg_s"]
INBOUND = et.CallQuery(direction="in")
WEEK = et.CallQuery(direction="in", date_from=LAST_WEEK[0], date_to=LAST_WEEK[1])
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def ordinary() -> et.CallLogs:
    return weeks_of_calls(5)


@pytest.fixture(scope="module")
def bad_week() -> et.CallLogs:
    return weeks_of_calls(5, missed=0.4)


_PAGES: dict[str, tuple[et.CallLogs, dict[str, Any]]] = {}
"""Pages by their arguments, with the logs: as long as these live, no others have their id."""


def page_of(logs: et.CallLogs, query: et.CallQuery = WEEK, **options: Any) -> dict[str, Any]:
    """The data of a page, made once for all tests."""
    key = repr((id(logs), query, options))
    if key not in _PAGES:
        page = et.reports.first_page(logs, query, **({"options": OPTIONS} | options))
        _PAGES[key] = logs, page.data
    return json.loads(json.dumps(_PAGES[key][1]))  # as the kernel of a notebook sends it


def card_of(page: dict[str, Any], title: str) -> dict[str, Any]:
    return next(card for card in page["cards"] if card["title"].startswith(title))


@pytest.mark.slow
def test_figures_are_those_of_summarize(ordinary: et.CallLogs):
    page = page_of(ordinary)
    calls = ordinary.calls.filter(WEEK.to_expr())
    row = et.summarize(calls, measures=MEASURES, options=OPTIONS, confidence=True).row(
        0, named=True
    )
    units = [et.metrics.MEASURES[name].unit for name in MEASURES]

    assert [card["value"] for card in page["cards"]] == [
        format_value(row[name], unit) for name, unit in zip(MEASURES, units, strict=True)
    ]
    assert card_of(page, "Service level")["basis"] == (
        f"{row['service_level_num']:,} of {row['service_level_den']:,}"
    )
    missed = row["answer_rate_den"] - row["answer_rate_num"]
    assert page["support"].startswith(
        f"{missed:,} of {row['offered']:,} inbound calls were missed; "
    )
    days = et.summarize(calls, "day", ["offered", "missed"], options=OPTIONS)
    assert [column["total"] for column in page["days"]["columns"]] == [
        f"{count:,}" for count in days["offered"]
    ]
    hours = et.summarize(calls, ["day", "hour"], ["missed", "offered"], options=OPTIONS)
    worst = hours.sort("missed", "offered", "day", "hour", descending=[True, False, False, False])
    assert [(each["lost"], each["total"]) for each in page["worst"]["rows"]] == [
        (str(missed), str(offered)) for missed, offered in worst["missed", "offered"].head(3).rows()
    ]


@pytest.mark.slow
def test_changes_and_verdicts_are_those_of_compare(bad_week: et.CallLogs):
    page = page_of(bad_week)
    previous = et.CallQuery(direction="in", date_from="2026-10-26", date_to="2026-11-02")
    before, after, history = (
        bad_week.calls.filter(query.to_expr()) for query in (previous, WEEK, INBOUND)
    )
    rows = et.metrics.compare(before, after, MEASURES, options=OPTIONS, history=history)

    assert page["note"] == "Changes are against Mon 26 Oct – Sun 1 Nov 2026."
    verdicts = {row["measure"]: row["verdict"] for row in rows.iter_rows(named=True)}
    assert {"changed", "no evidence"} <= set(verdicts.values())
    for row, card in zip(rows.iter_rows(named=True), page["cards"], strict=True):
        change, better = card["change"], et.metrics.MEASURES[row["measure"]].better
        assert change["text"] == change_text(row["before"], row["after"], row["unit"])
        if row["verdict"] != "changed":
            assert (change["sign"], change["tone"]) == ("", "flat")
            assert change["verdict"] in ("no evidence of a change", "too few days to tell")
        else:
            is_rise = row["adjusted"] > (1 if row["scale"] == "ratio" else 0)
            assert change["sign"] == ("▲" if is_rise else "▼")
            is_good = None if better is None else is_rise == (better == "higher")
            tones = {None: ("flat", "changed"), True: ("good", "better"), False: ("bad", "worse")}
            assert (change["tone"], change["verdict"]) == tones[is_good]


@pytest.mark.slow
def test_headline_states_the_bad_week_and_its_target(bad_week: et.CallLogs):
    page = page_of(bad_week, targets={"answer_rate": 0.8})
    calls, history = (bad_week.calls.filter(query.to_expr()) for query in (WEEK, INBOUND))
    expected = et.metrics.findings(calls, history=history, options=OPTIONS)

    assert expected.verdict == "found"
    first, second, *_ = expected.table.rows(named=True)
    assert page["headline"].startswith(short_finding_text(first))
    assert page["headline"].endswith("below the target of 80 %.")
    assert page["days"]["text"].endswith("The lowest is outside the usual range of such days.")
    assert page["others"][0] == f"{short_finding_text(second)}."


@pytest.mark.slow
def test_ordinary_week_is_as_usual(ordinary: et.CallLogs):
    page = page_of(ordinary)
    calls = ordinary.calls.filter(WEEK.to_expr())
    level = et.summarize(calls, measures="service_level", options=OPTIONS).item()

    assert page["headline"] == f"Service level {level:.1%}".replace("%", " %") + (
        ", as usual; nothing stands out."
    )
    assert page["others"] == []
    words = page["headline"] + page["support"] + str(page["cards"])
    assert not re.search(r"▲|▼|better|worse|rose|fell", words)
    strict = page_of(ordinary, targets={"service_level": 1.0})
    assert ", as usual but below the target of 100 %; nothing stands out." in strict["headline"]


@pytest.mark.slow
def test_single_week_claims_no_change():
    logs = et.sample_logs()
    page = page_of(logs, INBOUND, targets={"service_level": 0.01})

    assert page["headline"].endswith(
        "target of 1 % met; too few other days to tell whether that is usual."
    )
    assert page["note"].startswith("No changes are shown: the previous period is not in the")
    assert all(card["change"]["text"] == "" for card in page["cards"])
    assert (
        "There are too few other days to tell whether the lowest is unusual."
        in page["days"]["text"]
    )


@pytest.mark.parametrize(
    ("name", "value", "target", "sign", "tone", "words"),
    [
        ("service_level", 0.85, 0.8, "✓", "good", "target of 80 % met"),
        ("service_level", 0.75, 0.8, "✗", "bad", "below the target of 80 %"),
        ("asa_s", 19.0, 20.0, "✓", "good", "target of 20 s met"),
        ("asa_s", 75.0, 70.0, "✗", "bad", "above the target of 1:10"),
        ("offered", 10, 20.0, "", "flat", "target 20"),
        ("service_level", None, 0.8, "", "flat", "target 80 %"),
    ],
)
def test_target_is_good_or_bad_by_sign_word_and_tone(
    name: str, value: float | None, target: float, sign: str, tone: str, words: str
):
    unit = et.metrics.MEASURES[name].unit
    row = {"measure": name, "unit": unit, "before": None, "after": value, "difference": None}
    parts = {f"{name}_num": 1, f"{name}_den": 2}
    (card,) = overview_cards(
        pl.DataFrame([row]),
        parts,
        pl.DataFrame({"label": ["Mon"]}),
        targets={name: target},
        options=OPTIONS,
        is_known=True,
    )

    assert card["target"] == {"sign": sign, "tone": tone, "text": words}


def test_a_rise_is_good_or_bad_by_the_measure():
    def tone_of(name: str, before: float, after: float) -> tuple[str, str]:
        unit = et.metrics.MEASURES[name].unit
        row = {"measure": name, "unit": unit, "before": before, "after": after}
        changed = {"difference": after - before, "adjusted": after - before, "scale": "difference"}
        (card,) = overview_cards(
            pl.DataFrame([row | changed | {"verdict": "changed"}]),
            {f"{name}_num": 1, f"{name}_den": 2},
            pl.DataFrame({"label": ["Mon"]}),
            targets={},
            options=OPTIONS,
            is_known=True,
        )
        return card["change"]["sign"], card["change"]["tone"]

    assert tone_of("answer_rate", 0.5, 0.6) == ("▲", "good")
    assert tone_of("answer_rate", 0.6, 0.5) == ("▼", "bad")
    assert tone_of("asa_s", 10.0, 20.0) == ("▲", "bad")
    assert tone_of("asa_s", 20.0, 10.0) == ("▼", "good")
    assert tone_of("agent_talk_avg_s", 20.0, 10.0) == ("▼", "flat")


def test_headline_never_states_a_change_without_a_verdict():
    nothing = et.metrics.findings(et.sample_logs().calls)
    assert nothing.verdict == "cannot tell"
    row = {"measure": "answer_rate", "unit": "share", "before": 0.9, "after": 0.5}
    change = {"difference": -0.4, "adjusted": -0.4, "scale": "difference", "q_value": 0.01}

    def text(verdict: str) -> str:
        table = pl.DataFrame([row | change | {"verdict": verdict}])
        return headline(
            table,
            nothing,
            leads=["answer_rate"],
            targets={},
            display=Display(options=OPTIONS),
            reference=et.CallQuery(date_from="2026-10-26", date_to="2026-11-02"),
        )[0]

    assert text("changed") == (
        "Answer rate fell to 50.0 %, 40.0 points less than in the previous period."
    )
    assert text("no evidence").endswith("no evidence of a change from the previous period.")
    assert text("cannot tell").endswith("too few other days to tell whether that is usual.")


@pytest.mark.slow
def test_waiting_callers_are_those_of_the_ledger(ordinary: et.CallLogs):
    page = page_of(ordinary)
    calls = ordinary.calls.filter(WEEK.in_range())
    options = dataclasses.replace(OPTIONS, as_of=ordinary.report.complete_to)
    ledger = et.metrics.missed_ledger(calls, options=options).filter(outcome="open")

    assert page["callers"]["count"] == f"{ledger['number'].n_unique():,}"
    first = ledger.sort("started_at").row(0, named=True)
    caller, when, _, tries, _ = page["callers"]["rows"][0]
    assert re.fullmatch(r"\d{3}\*+\d{2}", caller)
    assert when == first["started_at"].astimezone(zone(HOME_ZONE)).strftime("%a %-d %b, %H:%M")
    assert tries == str(first["attempts"])
    shown = page_of(ordinary, show_numbers=True)["callers"]["rows"][0][0]
    assert shown == first["caller"]
    kept = page_of(ordinary, own_numbers=[shown])["callers"]["rows"][0][0]
    assert kept == shown
    table = et.reports.open_callers(calls, options=options, limit=3)
    assert repr(table).splitlines()[1].startswith(f"{caller} | {when} | ")


@pytest.mark.slow
def test_callbacks_are_unknown_without_outbound_calls(ordinary: et.CallLogs):
    inbound = dataclasses.replace(
        ordinary,
        calls=ordinary.calls.filter(direction="in"),
        query=dataclasses.replace(ordinary.query, direction="in"),
    )
    page = page_of(inbound)

    assert "There are no outbound calls, so callbacks are unknown" in page["callers"]["text"]
    assert page["support"].endswith("callers did not get through later.")
    assert "Only calls of inbound direction were fetched." in page["notices"]


@pytest.mark.slow
def test_one_banner_has_gaps_numbers_and_problems(ordinary: et.CallLogs):
    begin = datetime.fromisoformat("2026-11-03T08:00+07:00")
    report = dataclasses.replace(
        ordinary.report,
        gaps=(Gap(begin, begin + timedelta(hours=2)),),
        running_long=("1", "2"),
    )
    partly = dataclasses.replace(ordinary, report=report)
    page = et.reports.first_page(partly, WEEK, options=et.MetricOptions())
    notices, markup = page.data["notices"], page._repr_html_()

    assert notices[0] == (
        "Not complete: Tue 3 Nov 08:00 to Tue 3 Nov 10:00 was not fetched, so counts are too low."
    )
    assert page.data["period"].endswith("not complete")
    assert any("8000 looks like an IVR" in each for each in notices)
    assert "2 calls have no end after 12 hours and are left out." in notices
    assert markup.count('class="banner"') == 1
    banner = re.search(r'<div class="banner".*?</div>', markup, re.DOTALL)
    assert banner
    assert all(each in html.unescape(banner[0]) for each in notices)
    assert page_of(ordinary)["notices"] == []
    assert 'class="banner"' not in overview_markup(page_of(ordinary))


@pytest.mark.slow
def test_calls_that_were_not_fetched_are_no_change(ordinary: et.CallLogs):
    begin = datetime.fromisoformat("2026-11-03T00:00+07:00")
    gaps = (Gap(begin, begin + timedelta(days=2.5)),)
    fetched = ~pl.col("started_at").is_between(*gaps[0])
    partly = dataclasses.replace(
        ordinary,
        calls=ordinary.calls.filter(fetched),
        report=dataclasses.replace(ordinary.report, gaps=gaps),
    )
    page = page_of(partly)

    assert "Offered calls" not in page["headline"]
    assert card_of(page, "Offered calls")["change"]["text"] == ""
    assert card_of(page, "Answer rate")["change"]["text"] != ""
    names = {each["name"]: each["is_known"] for each in page["days"]["columns"]}
    assert names == {
        **dict.fromkeys(["Mon\n2", "Thu\n5", "Fri\n6", "Sat\n7", "Sun\n8"], True),
        **dict.fromkeys(["Tue\n3", "Wed\n4"], False),
    }


def test_period_that_was_not_fetched_has_no_figures(ordinary: et.CallLogs):
    page = page_of(
        ordinary, dataclasses.replace(WEEK, date_from="2027-01-04", date_to="2027-01-11")
    )

    assert page["headline"] == "This period was not fetched."
    assert {card["value"] for card in page["cards"]} == {"unknown"}
    assert page["notices"][0] == "This period was not fetched, so its measures are unknown."
    assert "not complete" in page["period"]


@pytest.mark.slow
def test_one_day_is_shown_by_hour_and_compared_with_its_weekday(ordinary: et.CallLogs):
    day = dataclasses.replace(WEEK, date_from="2026-11-04", date_to="2026-11-05")
    page = page_of(ordinary, day)

    assert page["note"] == "Changes are against Wed 28 Oct 2026."
    assert len(page["days"]["columns"]) == 24
    assert page["days"]["heading"] == "How did the day go?"
    assert page["period"].startswith("Wed 4 Nov 2026 · inbound calls")


@pytest.mark.parametrize(
    ("period", "dates"),
    [
        ("day", ("2026-11-08", "2026-11-09")),
        ("week", ("2026-11-02", "2026-11-09")),
        ("month", ("2026-10-01", "2026-11-01")),
    ],
)
def test_last_period_is_whole_and_was_fetched(period: Any, dates: tuple[str, str]):
    logs = weeks_of_calls(6, calls=10)

    assert last_period(logs, period) == tuple(map(date.fromisoformat, dates))
    late = datetime.fromisoformat("2026-11-08T12:00+07:00")
    short = dataclasses.replace(logs.report, complete_from=late)
    assert last_period(dataclasses.replace(logs, report=short), period) is None
    with pytest.raises(errors.UnknownName, match="There is no period 'year'"):
        last_period(logs, "year")  # type: ignore[arg-type]


@pytest.mark.parametrize("height", [0, 1])
@pytest.mark.parametrize("subject", ["calls", "extensions"])
def test_no_call_and_one_call(height: int, subject: Any):
    logs = et.sample_logs()
    few = dataclasses.replace(logs, calls=logs.calls.filter(direction="in").tail(height))
    page = et.reports.first_page(few, INBOUND, options=OPTIONS, subject=subject)

    assert len(page.data["cards"]) == 6
    assert page._repr_html_().count("<svg") <= 6
    expected = "There were no " if height == 0 else "too few other days"
    assert expected in page.data["headline"]


def test_extensions_have_their_own_page(ordinary: et.CallLogs):
    page = page_of(ordinary, dataclasses.replace(WEEK, direction=None), subject="extensions")
    calls = et.metrics.inward(ordinary.calls.filter(WEEK.in_range()))
    table = et.summarize(
        calls, "target_number", "fair_answer_rate", options=OPTIONS, confidence=True
    )
    lost = table.select(
        "target_number", lost=pl.col("fair_answer_rate_den") - pl.col("fair_answer_rate_num")
    ).sort("lost", descending=True)

    assert page["worst"]["rows"][0]["lost"] == f"{lost['lost'][0]:,}"
    assert page["worst"]["rows"][0]["name"] == lost["target_number"][0]
    assert page["callers"] is None
    assert "offers that could be taken" in page["support"]


@pytest.mark.slow
def test_outbound_calls_have_no_service_level(ordinary: et.CallLogs):
    page = page_of(ordinary, dataclasses.replace(WEEK, direction="out"))

    assert "outbound calls were not answered" in page["support"]
    assert page["callers"] is None
    assert not any("Service level" in card["title"] for card in page["cards"])


def test_text_of_calls_is_escaped(ordinary: et.CallLogs):
    legs = pl.element().struct.with_fields(
        target_number=pl.lit(HOSTILE), trunk_name=pl.lit(HOSTILE)
    )
    calls = ordinary.calls.with_columns(
        caller=pl.lit(f"0912345678{HOSTILE}"), call_targets=pl.col("call_targets").list.eval(legs)
    ).cast(ordinary.calls.schema)
    hostile = dataclasses.replace(ordinary, calls=calls)
    page = et.reports.first_page(hostile, WEEK, subject="extensions", show_numbers=True)
    markup = page._repr_html_()
    assert "<img" not in markup
    assert html.escape(HOSTILE) in markup
    callers = et.reports.open_callers(hostile.calls, options=OPTIONS, show_numbers=True)
    assert "<img" not in callers._repr_html_()
    names = "Trung tâm Chăm sóc Khách hàng Doanh nghiệp Thành phố Hồ Chí Minh"
    row = {"measure": "asr", "dimension": "trunk_name", "group": names, "value": 0.5}
    text = short_finding_text({**row, "usual": 0.7, "change": None, "scale": None})
    assert text == (
        f"Answer-seizure ratio of trunk {names} was 50.0 %, lower than the usual 70.0 %"
    )


def test_findings_mask_external_numbers():
    row = {"measure": "rna_rate", "dimension": "target_number", "group": "0912345678"}
    values = {"value": 0.5, "usual": 0.2, "change": 0.3, "scale": "difference"}

    assert "of 091*****78 was 50.0 %, higher than the usual 20.0 %" in short_finding_text(
        row | values
    )


@pytest.mark.slow
def test_same_calls_give_the_same_page(ordinary: et.CallLogs):
    shuffled = dataclasses.replace(
        ordinary, calls=ordinary.calls.sample(fraction=1, shuffle=True, seed=3)
    )
    again = et.reports.first_page(shuffled, WEEK, options=OPTIONS)

    assert json.dumps(again.data) == json.dumps(page_of(ordinary))


def test_invalid_arguments_are_rejected(ordinary: et.CallLogs):
    with pytest.raises(errors.UnknownName, match="There is no subject 'agents'"):
        et.reports.first_page(ordinary, WEEK, subject="agents")  # type: ignore[arg-type]
    with pytest.raises(errors.InputError, match="targets is a mapping"):
        et.reports.first_page(ordinary, WEEK, targets=[1])  # type: ignore[arg-type]


@needs_real_calls
@pytest.mark.slow
def test_bank_weeks_have_verdicts():
    calls, jerusalem = real_calls(), "Asia/Jerusalem"
    query = et.CallQuery(date_from="1999-02-01", date_to="1999-03-01", time_zone=jerusalem)
    report = dataclasses.replace(
        et.sample_logs().report,
        complete_from=query.date_from,
        complete_to=query.date_to,
        windows=(),
        time_zone=jerusalem,
    )
    logs = et.CallLogs(calls=calls, query=query, report=report)
    first, after = last_period(logs, "week") or (None, None)
    week = et.CallQuery(date_from=first, date_to=after, direction="in", time_zone=jerusalem)
    options = et.MetricOptions(time_zone=jerusalem, queue_numbers=["8002"])
    page = page_of(logs, week, options=options, targets={"service_level": 0.8})

    assert str(first) == "1999-02-22"
    assert page["headline"] == (
        "Service level 45.5 %, as usual but below the target of 80 %; nothing stands out."
    )
    assert page["days"]["text"].endswith("The lowest is within the usual range of such days.")
