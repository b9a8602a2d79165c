"""The rows above chart and table: what the filter buttons, the sentence and the cards state."""

import dataclasses
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import vl_convert
from support.widget_driver import press, put, walk

import etelecom_analytics as et
from etelecom_analytics.language import speaking
from etelecom_analytics.readable_dates import period_text
from etelecom_analytics.widgets.event_chart import EventChart
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.explorer.group_filters import FilterChips
from etelecom_analytics.widgets.explorer.kpi_cards import KpiCards
from etelecom_analytics.widgets.explorer.status_bar import StatusBar
from etelecom_analytics.widgets.menu import MenuButton

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
ZONE = "Asia/Ho_Chi_Minh"


@pytest.fixture(scope="module")
def shared() -> et.Explorer:
    """One for tests that restore its state first."""
    return et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)


def part(explorer: et.Explorer, kind: type) -> Any:
    return next(each for each in walk(explorer) if isinstance(each, kind))


def buttons(explorer: et.Explorer, *, active: bool | None = None) -> list[str]:
    """The labels of the menus; only those that are highlighted, or not."""
    menus = [each for each in walk(explorer) if isinstance(each, MenuButton)]
    return [each.label for each in menus if active is None or each.active is active]


def lines(explorer: et.Explorer) -> list[str]:
    """The visible lines of the status: the sentence, and warnings."""
    status = part(explorer, StatusBar)
    texts = [status._sentence.value, status._warnings.value]
    return [re.sub("<[^>]*>", "", text) for text in texts if text]


def test_buttons_name_the_filters_and_show_their_values(shared: et.Explorer):
    shared.restore({"direction": "in"})
    assert buttons(shared) == [
        *("Dates", "Inbound", "State", "Agent", "Number", "Duration", "More filters"),
        *("", "About these calls"),
    ]
    assert buttons(shared, active=True) == ["Inbound"]

    extension = SAMPLE.calls["extension_id"].drop_nulls()[0]
    put(shared, "First day", date(2026, 11, 3))
    put(shared, "Last day", date(2026, 11, 5))
    put(shared, "Direction", "out")
    put(shared, "Call state", "not_answered")
    put(shared, "Duration", "less_than")
    put(shared, "Extensions", (extension,))
    assert buttons(shared, active=True) == [
        *(
            "3–5 Nov",
            "Outbound",
            "not answered",
            "less than 30 s",
            f"Extensions: …{extension[-4:]}",
        ),
    ]
    names = [each.name for each in walk(shared) if isinstance(each, MenuButton)]
    assert names[:3] == ["Dates: 3–5 Nov 2026", "Direction: Outbound", "State: not answered"]
    press(shared, "Reset")
    assert buttons(shared, active=True) == ["Inbound"]


def test_filtered_number_is_masked_on_its_button(shared: et.Explorer):
    shared.restore({"direction": "in"})
    put(shared, "Number", "0912345678")

    assert buttons(shared, active=True) == ["Inbound", "091*****78"]
    assert "number 091*****78" in lines(shared)[0]


def test_invalid_dates_mark_their_button_until_they_are_valid(shared: et.Explorer):
    shared.restore({"direction": "in"})
    put(shared, "First day", date(2026, 11, 5))
    put(shared, "Last day", date(2026, 11, 3))
    assert buttons(shared)[0] == "⚠ from Thu 5 Nov"  # the last valid one
    put(shared, "Last day", date(2026, 11, 6))
    assert buttons(shared)[0] == "5–6 Nov"


def test_ids_without_a_name_are_shortened(shared: et.Explorer):
    first, second = SAMPLE.calls["user_id"].drop_nulls().unique().sort().head(2)
    shared.restore({"direction": "in", "user_id": first})
    assert buttons(shared, active=True) == ["Inbound", f"…{first[-4:]}"]
    assert lines(shared)[0].startswith(f"Inbound, agent …{first[-4:]}, 2–8 Nov 2026: ")
    assert f"Agent: {first}" in [part.name for part in walk(shared) if isinstance(part, MenuButton)]

    shared.restore({"direction": "in", "group_filters": {"user_id": [first, second]}})
    ids = f"…{first[-4:]}, …{second[-4:]}"
    assert part(shared, FilterChips).children[0].description == f"user id: {ids}  ✕"
    assert lines(shared)[0].startswith(f"Inbound, user id {ids}, 2–8 Nov 2026: ")

    shared.restore({"chart": {"tab": "group", "by": "user_id"}, "user_id": first})
    view = part(shared, EventChart)
    assert f"Selected: …{first[-4:]}: " in view.chosen["note"]
    svg = vl_convert.vegalite_to_svg(view.chart["spec"])
    labels = re.findall(r"<text[^>]*>(…?\d{4,})</text>", svg)
    assert {f"…{first[-4:]}", f"…{second[-4:]}"} <= {*labels}
    assert max(map(len, labels)) == 5


def test_reset_empties_the_search_of_the_table(
    shared: et.Explorer, monkeypatch: pytest.MonkeyPatch
):
    shared.restore({"direction": "in"})
    table, sent = part(shared, CallTable), []
    monkeypatch.setattr(table, "send", sent.append)
    table._handle_custom_msg({"kind": "search", "text": "no such text"}, [])
    assert table.content["rows"] == []
    press(shared, "Reset")
    assert (table.content["search"], table.content["found"], len(table.content["rows"])) == (
        *("", "", 12),
    )
    assert sent == [{"kind": "clear"}]
    press(shared, "Reset")
    assert len(sent) == 1


def test_queue_and_hotline_have_a_button_where_the_calls_have_them():
    logs = dataclasses.replace(
        SAMPLE, calls=SAMPLE.calls.with_columns(hotline=pl.lit("19001234"), department_id=None)
    )
    options = et.MetricOptions(ivr_numbers=("8000",), queue_numbers=("8100",))
    other = et.Explorer(logs, options=options, debounce_s=0)
    assert buttons(other)[4:6] == ["Queue", "Hotline"]
    put(other, "Queue", "8100")

    assert other.group_filters == {"queue": "8100"}
    assert 0 < other.filtered.height < SAMPLE.calls.filter(direction="in").height
    assert buttons(other, active=True) == ["Inbound", "8100"]
    assert lines(other)[0].startswith("Inbound, queue 8100, 2–8 Nov 2026: ")
    assert part(other, FilterChips).children == ()  # not a second time


def test_unchanged_chips_stay_the_same_widgets(shared: et.Explorer):
    shared.restore({"direction": "in"})
    shared.restore({"group_filters": {"hour": 9}})
    chip = part(shared, FilterChips).children[0]
    put(shared, "Direction", "out")
    assert part(shared, FilterChips).children[0] is chip  # so it keeps the focus
    press(shared, chip.description)
    assert part(shared, FilterChips).children == ()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"direction": "in"}, "Inbound, 2–8 Nov 2026: 851 of 1,200 calls. Complete."),
        ({}, "2–8 Nov 2026: 1,200 of 1,200 calls. Complete."),
        (
            {"dates": "yesterday", "direction": "out", "call_state": "answered"},
            "Outbound, state answered, Sat 7 Nov 2026: 17 of 1,200 calls. Complete.",
        ),
        (
            {"direction": "in", "group_filters": {"weekday": 3}, "offer_filters": {"user_id": "7"}},
            "Inbound, weekday Wed, offer to user id 7, 2–8 Nov 2026: 0 of 1,200 calls. Complete. "
            "No call matches: remove a filter, or press Reset.",
        ),
        (
            {"date_from": "2026-11-01", "date_to": "2026-11-03"},
            "1–2 Nov 2026: 227 of 1,200 calls. Complete from Mon 2 Nov 2026 00:00 through "
            "Tue 3 Nov 2026 00:00; not fetched: Sun 1 Nov 2026 00:00 to Mon 2 Nov 2026 00:00.",
        ),
        (
            {"date_from": "2026-12-01", "date_to": "2026-12-02"},
            "Tue 1 Dec 2026: 0 of 1,200 calls. "
            "Not fetched: Tue 1 Dec 2026 00:00 to Wed 2 Dec 2026 00:00.",
        ),
        (
            {"group_filters": {"day": ["2026-11-02", "2026-11-04"]}, "date_from": "2026-11-01"},
            "Mon 2 Nov, Wed 4 Nov, from Sun 1 Nov 2026: 415 of 1,200 calls. Complete.",
        ),
        (
            {"group_filters": {"day": ["2026-11-01", "2026-11-08"]}, "date_from": "2026-11-01"},
            "Sun 1 Nov, Sun 8 Nov, from Sun 1 Nov 2026: 44 of 1,200 calls. These days were not "
            "fetched completely, so their counts are too low.",
        ),
        (
            {"group_filters": {"day": ["2026-10-29", "2026-11-01"]}, "date_from": "2026-10-01"},
            "Thu 29 Oct, Sun 1 Nov, from Thu 1 Oct 2026: 0 of 1,200 calls. Not fetched.",
        ),
        (
            {"external_id": "order-1234", "date_from": "2026-11-02T08:30:00+07:00"},
            "External id order-1234, from Mon 2 Nov 2026 08:30: 0 of 1,200 calls. Complete. "
            "No call matches: remove a filter, or press Reset.",
        ),
    ],
)
def test_sentence_states_the_filters_the_calls_and_what_is_missing(
    state: dict[str, object], sentence: str, shared: et.Explorer
):
    shared.restore(state)
    assert [line for line in lines(shared) if "internal call" not in line] == [sentence]


def test_second_logs_of_internal_calls_are_stated(shared: et.Explorer):
    """A filter on days leaves them out, and one on dates does not."""
    days = {"date_from": "2026-11-02", "date_to": "2026-11-04"}
    shared.restore(days)
    logs = shared.filtered
    twice = et.summarize(logs, measures="internal_twice").item()
    warning = lines(shared)[1]
    assert warning.startswith(f"⚠ {twice} of these calls are second logs of internal calls, which")

    shared.restore({**days, "group_filters": {"day": ["2026-11-02", "2026-11-03"]}})
    sentence, warning = lines(shared)
    assert f": {logs.height - twice} of 1,200 calls." in sentence
    assert warning.startswith(f"⚠ {twice} second logs of internal calls are left out, since")
    shared.restore({**days, "direction": "ext_out"})
    assert len(lines(shared)) == 1


def test_sentence_of_a_table_does_not_state_completeness():
    explorer = et.Explorer(SAMPLE.calls, options=OPTIONS, debounce_s=0)
    assert lines(explorer) == ["Inbound: 851 of 1,200 calls."]
    empty = et.Explorer(SAMPLE.calls.clear(), options=OPTIONS, debounce_s=0)
    assert lines(empty) == ["Inbound: 0 of 0 calls."]


def test_warnings_stay_visible_and_other_facts_are_in_a_popover():
    query = dataclasses.replace(SAMPLE.query, direction="in")
    logs = et.CallLogs(calls=SAMPLE.calls.filter(direction="in"), query=query, report=SAMPLE.report)
    explorer = et.Explorer(logs, debounce_s=0)
    sentence, warnings = lines(explorer)

    assert sentence == "Inbound, 2–8 Nov 2026: 851 of 851 calls. Complete."
    assert warnings.startswith("⚠ 8000 looks like an IVR")
    assert warnings.endswith("⚠ only calls with inbound direction; these logs have no other calls")
    assert part(explorer, StatusBar)._all_directions.layout.display == "none"
    assert "today" in explorer._facts_table.value


@pytest.mark.slow
def test_button_shows_the_calls_of_all_directions(shared: et.Explorer):
    shared.restore({"direction": "in"})
    button = part(shared, StatusBar)._all_directions
    shared.restore({"direction": "in", "group_filters": {"hour": 9}})
    assert button.layout.display is None
    press(shared, "Show all directions")
    assert (shared.query.direction, shared.group_filters) == (None, {"hour": 9})
    assert button.layout.display == "none"
    press(shared, "Undo")
    assert shared.query.direction == "in"


def cards(explorer: et.Explorer) -> list[list[str]]:
    """The texts of each card, without the markup."""
    parts = part(explorer, KpiCards).value.split('class="etelecom-kpi"')[1:]
    return [re.findall("<div[^>]*>([^<]+)</div>", each) for each in parts]


def test_cards_have_value_change_and_title_and_the_rest_on_hover(shared: et.Explorer):
    shared.restore({"direction": "in"})
    assert [card[:2] for card in cards(shared)] == [
        ["849", "Offered"],
        ["85.4 %", "Answer rate"],
        ["17.9 s", "Average speed of answer"],
        ["29.4 s", "90th-percentile wait"],
        ["2:30", "Average agent talk"],
    ]
    shared.restore({"direction": "in", "date_from": "2026-11-05", "date_to": "2026-11-07"})
    offered, answer_rate, *_ = cards(shared)
    assert offered[:3] == ["291", "cannot tell", "Offered"]
    assert answer_rate[2] == "Answer rate"
    assert answer_rate[3].startswith("95 %: ")
    assert answer_rate[4] == "over 291 offered calls"
    assert "answer_rate = answered / offered" in answer_rate
    html = part(shared, KpiCards).value
    assert html.count('tabindex="0"') == html.count("aria-describedby=") == 5
    assert len(set(re.findall(' id="([^"]*)"', html))) == 5


@pytest.mark.parametrize(
    ("measure", "difference", "summary", "judgement"),
    [
        ("answer_rate", 0.054, "▲ +5.4 points", "etelecom-good"),
        ("answer_rate", -0.054, "▼ -5.4 points", "etelecom-bad"),
        ("asa_s", 5.4, "▲ +5.4 s", "etelecom-bad"),
        ("offered", 5, "▲ +5", ""),
    ],
)
def test_colour_of_a_change_comes_with_its_arrow(
    measure: str, difference: float, summary: str, judgement: str, shared: et.Explorer
):
    changed = pl.lit("changed").cast(shared.kpis["verdict"].dtype)
    table = shared.kpis.filter(measure=measure).with_columns(
        before="after", difference=pl.lit(difference), verdict=changed
    )
    widget = KpiCards({})
    widget.show(table, OPTIONS, "")

    assert f'<div class="{f"etelecom-change {judgement}".strip()}">{summary}</div>' in widget.value


@pytest.mark.parametrize(
    ("begin", "end", "english", "vietnamese"),
    [
        ("2026-11-02", "2026-11-09", "2–8 Nov 2026", "02/11/2026 – 08/11/2026"),
        ("2026-10-30", "2026-11-02", "30 Oct – 1 Nov 2026", "30/10/2026 – 01/11/2026"),
        ("2025-12-30", "2026-01-02", "30 Dec 2025 – 1 Jan 2026", "30/12/2025 – 01/01/2026"),
        ("2026-11-03", "2026-11-04", "Tue 3 Nov 2026", "T3 03/11/2026"),
        (None, "2026-11-04", "through Tue 3 Nov 2026", "đến hết T3 03/11/2026"),
        ("2026-11-03", None, "from Tue 3 Nov 2026", "từ T3 03/11/2026"),
        (None, "2026-11-03T08:30", "before Tue 3 Nov 2026 08:30", "trước T3 03/11/2026 08:30"),
        (
            "2026-11-03T08:30",
            "2026-11-04",
            "Tue 3 Nov 2026 08:30 – Wed 4 Nov 2026 00:00",
            "T3 03/11/2026 08:30 – T4 04/11/2026 00:00",
        ),
        (None, None, "", ""),
    ],
)
def test_periods_are_written_as_days(
    begin: str | None, end: str | None, english: str, vietnamese: str
):
    query = et.CallQuery(date_from=begin, date_to=end)
    for language, text in (("en", english), ("vi", vietnamese)):
        with speaking(language):
            assert period_text(query.date_from, query.date_to, ZONE) == text


def test_moments_of_another_zone_are_local_days():
    begin, end = datetime(2026, 11, 1, 17, tzinfo=UTC), datetime(2026, 11, 8, 17, tzinfo=UTC)
    assert period_text(begin, end, ZONE) == "2–8 Nov 2026"
    assert period_text(begin, end, ZONE, year=False) == "2–8 Nov"
