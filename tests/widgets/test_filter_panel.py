"""FilterPanel: what is set comes out as one query and its calls, and nothing that is set can break it."""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from widget_driver import control, press, put, said, walk

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, QueryError, UnknownName
from etelecom_analytics.query import COMPARISONS
from etelecom_analytics.schema import CALL_SCHEMA, CALL_STATES, DIRECTIONS
from etelecom_analytics.widgets import FilterPanel
from etelecom_analytics.widgets.panel import Observers

NASTY = "<img src=x onerror=alert(1)>"


def starting(calls: pl.DataFrame, *starts: str) -> pl.DataFrame:
    """Calls that began at these moments in UTC."""
    moments = [datetime.fromisoformat(start).replace(tzinfo=UTC) for start in starts]
    return calls.head(len(starts)).with_columns(
        started_at=pl.Series(moments, dtype=CALL_SCHEMA["started_at"])
    )


def test_it_begins_with_all_calls(calls: pl.DataFrame):
    panel = FilterPanel(calls)

    assert panel.query == et.CallQuery()
    assert_frame_equal(panel.filtered, calls)
    assert "1,500 of 1,500 calls" in said(panel)


def test_each_control_asks_its_own_question(calls: pl.DataFrame):
    extensions = calls["extension_id"].drop_nulls().unique().sort()[:2].to_list()
    number = calls.filter(direction="in")["caller"].drop_nulls()[0]
    panel = FilterPanel(calls)
    put(panel, "Direction", "in")
    put(panel, "Call state", "answered")
    put(panel, "Duration", "greater_than")
    put(panel, "Seconds", 5)
    put(panel, "Extensions", tuple(extensions))
    put(panel, "Number", f" {number} ")
    put(panel, "First day", date(2026, 11, 2))
    put(panel, "Last day", date(2026, 11, 8))

    asked = {
        "direction": "in",
        "call_state": "answered",
        "duration": ("greater_than", 5),
        "extension_ids": extensions,
        "call_number": number,
    }
    assert panel.query == et.CallQuery(**asked, date_from="2026-11-02", date_to="2026-11-09")
    assert_frame_equal(panel.filtered, calls.filter(panel.query.to_expr()))

    press(panel, "Reset")
    assert panel.query == et.CallQuery()
    assert control(panel, "Number").value == ""
    assert_frame_equal(panel.filtered, calls)


def test_seconds_wait_for_a_comparison(calls: pl.DataFrame):
    panel = FilterPanel(calls)

    assert control(panel, "Seconds").disabled
    put(panel, "Duration", "less_than_or_equal_to")
    assert not control(panel, "Seconds").disabled
    assert panel.query.duration == ("less_than_or_equal_to", 30)


@pytest.mark.parametrize(
    ("time_zone", "dates", "first", "last"),
    [
        # 18:30 UTC on the last of November is already December in Ho Chi Minh City
        ("Asia/Ho_Chi_Minh", "today", date(2026, 12, 1), date(2026, 12, 1)),
        ("Asia/Ho_Chi_Minh", "yesterday", date(2026, 11, 30), date(2026, 11, 30)),
        ("Asia/Ho_Chi_Minh", "last 7 days", date(2026, 11, 25), date(2026, 12, 1)),
        ("Asia/Ho_Chi_Minh", "this month", date(2026, 12, 1), date(2026, 12, 1)),
        ("UTC", "today", date(2026, 11, 30), date(2026, 11, 30)),
        ("UTC", "this month", date(2026, 11, 1), date(2026, 11, 30)),
        ("America/New_York", "last 7 days", date(2026, 11, 24), date(2026, 11, 30)),
    ],
)
def test_days_are_local_and_today_is_that_of_the_latest_call(
    calls: pl.DataFrame, time_zone: str, dates: str, first: date, last: date
):
    some = starting(
        calls,
        "2026-11-01T00:00:00",
        "2026-11-30T16:59:59",
        "2026-11-30T17:00:00",
        "2026-11-30T18:30:00",
    )
    panel = FilterPanel(some, time_zone=time_zone)
    put(panel, "Dates", dates)

    assert (control(panel, "First day").value, control(panel, "Last day").value) == (first, last)
    local = pl.col("started_at").dt.convert_time_zone(time_zone).dt.date()
    assert_frame_equal(panel.filtered, some.filter(local.is_between(first, last)))
    assert panel.state() == {"dates": dates, "time_zone": time_zone}

    put(panel, "Dates", "all")
    assert (control(panel, "First day").value, control(panel, "Last day").value) == (None, None)
    assert panel.filtered.height == 4


def test_a_day_of_last_month_when_a_month_begins(calls: pl.DataFrame):
    panel = FilterPanel(calls, as_of="2027-03-01")
    put(panel, "Dates", "yesterday")

    assert panel.query == et.CallQuery(date_from="2027-02-28", date_to="2027-03-01")


def test_a_chosen_day_makes_the_range_custom(calls: pl.DataFrame):
    panel = FilterPanel(calls, as_of="2026-11-05")
    put(panel, "Dates", "last 7 days")
    put(panel, "Last day", date(2026, 11, 3))

    assert control(panel, "Dates").value == "custom"
    assert panel.query == et.CallQuery(date_from="2026-10-30", date_to="2026-11-04")
    assert panel.state() == {
        "dates": "custom",
        "date_from": "2026-10-30",
        "date_to": "2026-11-04",
        "time_zone": "Asia/Ho_Chi_Minh",
    }

    put(panel, "Last day", None)
    assert panel.query == et.CallQuery(date_from="2026-10-30")


def test_times_within_a_day_stay_until_another_day_is_chosen(calls: pl.DataFrame):
    query = et.CallQuery(date_from="2026-11-03T08:30", date_to="2026-11-05T17:00")
    panel = FilterPanel(calls, query=query)

    assert (control(panel, "First day").value, control(panel, "Last day").value) == (
        date(2026, 11, 3),
        date(2026, 11, 5),
    )
    assert "2026-11-03T08:30:00+07:00" in said(panel)
    put(panel, "Direction", "in")
    assert panel.query == et.CallQuery(
        direction="in", date_from="2026-11-03T08:30", date_to="2026-11-05T17:00"
    )
    put(panel, "First day", date(2026, 11, 4))
    assert panel.query == et.CallQuery(
        direction="in", date_from="2026-11-04", date_to="2026-11-05T17:00"
    )
    put(panel, "Last day", date(2026, 11, 4))
    assert panel.query == et.CallQuery(direction="in", date_from="2026-11-04", date_to="2026-11-05")


@pytest.mark.parametrize(
    ("label", "value", "says"),
    [
        ("Number", "12\t34", "call_number"),
        (
            "First day",
            date(2026, 11, 20),
            "The first day (2026-11-20) lies after the last day (2026-11-05).",
        ),
        ("First day", date(2, 1, 1), "date_from lies outside"),
        ("Last day", date(9999, 12, 30), "date_to lies outside"),
        ("Last day", date.max, "The last day lies too far ahead."),
    ],
)
def test_what_cannot_be_asked_is_said_and_the_last_query_stays(
    calls: pl.DataFrame, label: str, value: object, says: str
):
    query = et.CallQuery(direction="in", date_to="2026-11-06")
    panel = FilterPanel(calls, query=query)
    seen: list[et.CallQuery] = []
    panel.observe_query(seen.append)
    before = control(panel, label).value
    put(panel, label, value)

    assert says in said(panel)
    assert 'role="alert"' in said(panel)
    assert (panel.query, seen) == (query, [])
    assert_frame_equal(panel.filtered, calls.filter(query.to_expr()))
    assert "what the controls say now cannot be asked" in repr(panel)

    put(panel, label, before)
    assert 'role="alert"' not in said(panel)
    assert "cannot be" not in repr(panel)
    assert panel.query == query


def test_an_extension_id_that_is_none_is_said(calls: pl.DataFrame):
    panel = FilterPanel(calls.head(5).with_columns(extension_id=pl.lit(NASTY)))
    put(panel, "Extensions", (NASTY,))

    assert panel.query == et.CallQuery()
    assert "extension_ids is an id" in said(panel)
    assert "<img" not in said(panel)


def test_text_from_outside_stays_text(calls: pl.DataFrame):
    panel = FilterPanel(calls)
    put(panel, "Number", NASTY)

    assert panel.query.call_number == NASTY
    for shown in (said(panel), panel._repr_html_()):
        assert "<img" not in shown
        assert "&lt;img" in shown


def test_observers_are_told_once_a_change_until_they_leave(calls: pl.DataFrame):
    panel = FilterPanel(calls)
    seen: list[et.CallQuery] = []
    leave, other = panel.observe_query(seen.append), panel.observe_query(seen.append)
    other()
    put(panel, "Direction", "in")
    assert seen == [et.CallQuery(direction="in")]
    panel.restore({"direction": "out", "call_state": "answered", "dates": "all"})
    assert seen[1:] == [et.CallQuery(direction="out", call_state="answered")]
    panel.restore(panel.state())
    leave()
    leave()
    put(panel, "Direction", "")
    assert len(seen) == 2


def test_a_callback_that_fails_is_said_on_the_panel(calls: pl.DataFrame):
    panel = FilterPanel(calls)

    def fail(query: et.CallQuery) -> None:
        raise ValueError(f"{NASTY} 0912345678")

    panel.observe_query(fail)
    put(panel, "Direction", "in")

    assert "A callback failed: ValueError: &lt;img" in said(panel)
    assert "0912345678" not in said(panel)
    assert panel.query == et.CallQuery(direction="in")
    assert "A callback failed" in said(panel)
    panel._observers = Observers()
    put(panel, "Direction", "out")
    assert "A callback failed" not in said(panel)


def test_changes_settle_into_one_while_a_loop_runs(calls: pl.DataFrame):
    async def change() -> list[et.CallQuery]:
        panel = FilterPanel(calls, debounce_s=0.05)
        seen: list[et.CallQuery] = []
        panel.observe_query(seen.append)
        for typed in ("0", "09", "091"):
            put(panel, "Number", typed)
            await asyncio.sleep(0.01)
        assert seen == []
        assert "1,500 of 1,500" in said(panel)
        await asyncio.sleep(0.2)
        assert len(seen) == 1

        put(panel, "Number", "0912")
        assert panel.query == et.CallQuery(call_number="0912")  # reading does not wait
        await asyncio.sleep(0.2)
        assert len(seen) == 2

        put(panel, "Number", "09123")
        panel.close()
        await asyncio.sleep(0.2)
        return seen

    assert asyncio.run(change()) == [
        et.CallQuery(call_number="091"),
        et.CallQuery(call_number="0912"),
    ]


def test_without_a_delay_a_loop_changes_nothing(calls: pl.DataFrame):
    async def change() -> str:
        panel = FilterPanel(calls, debounce_s=0)
        put(panel, "Direction", "in")
        return said(panel)

    assert "direction in" in asyncio.run(change())


_moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1))
_asked = st.fixed_dictionaries(
    {
        "time_zone": st.sampled_from(
            ["Asia/Ho_Chi_Minh", "UTC", "America/New_York", "Australia/Lord_Howe"]
        )
    },
    optional={
        "dates": st.lists(
            st.one_of(_moments, _moments.map(datetime.date).map(str)),
            min_size=2,
            max_size=2,
            unique_by=str,
        ),
        "direction": st.sampled_from(DIRECTIONS),
        "call_state": st.sampled_from(CALL_STATES),
        "call_number": st.text("0123456789+<>& ", max_size=12).filter(
            lambda text: not text or text.strip()
        ),
        "duration": st.tuples(st.sampled_from(list(COMPARISONS)), st.integers(0, 2**31 - 1)),
        "extension_ids": st.lists(st.integers(1, 2**63 - 1).map(str), max_size=3),
        "user_id": st.integers(1, 2**63 - 1).map(str),
        "external_id": st.text("abc'\"\\{}é", max_size=6),
    },
)


def _query(asked: dict[str, Any]) -> et.CallQuery:
    given = dict(asked)
    given |= dict(
        zip(("date_from", "date_to"), sorted(given.pop("dates", []), key=str), strict=False)
    )
    try:
        return et.CallQuery(**given)
    except QueryError:  # two forms of nearly the same moment
        return et.CallQuery(**{name: value for name, value in given.items() if name != "date_to"})


@settings(max_examples=60)
@given(
    asked=_asked, dates=st.sampled_from(["today", "yesterday", "last 7 days", "this month", None])
)
def test_a_state_restores_exactly(calls: pl.DataFrame, asked: dict[str, Any], dates: str | None):
    some = calls.head(20)
    panel = FilterPanel(some, query=_query(asked), time_zone=asked["time_zone"])
    assert panel.query == _query(asked)
    if dates:
        put(panel, "Dates", dates)
    query, state = panel.query, json.loads(json.dumps(panel.state()))

    other = FilterPanel(some, time_zone=asked["time_zone"])
    other.restore(state)
    assert (other.query, other.state()) == (query, state)
    assert_frame_equal(other.filtered, some.filter(query.to_expr()))
    assert (other.code(), repr(other), other._repr_html_()) == (
        panel.code(),
        repr(panel),
        panel._repr_html_(),
    )

    pasted: dict[str, Any] = {"calls": some}
    exec(panel.code(), pasted)  # this is what a person does with it  # noqa: S102
    assert pasted["query"] == query
    assert_frame_equal(pasted["filtered"], panel.filtered)


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ({"directions": "in"}, UnknownName, "direction"),
        ({"dates": "tomorrow"}, QueryError, "today, yesterday"),
        (
            {"dates": ["today"]},
            QueryError,
            "today, yesterday, last 7 days, this month, all, custom",
        ),
        ({"dates": "today", "date_from": "2026-11-02"}, QueryError, '"custom"'),
        ({"date_from": "2026-11-09", "date_to": "2026-11-02"}, QueryError, "must be before"),
        ({"date_from": "2. 11. 2026"}, QueryError, "date_from must be a date"),
        ({"direction": "inn"}, QueryError, "unknown, in, out, ext, ext_in, ext_out"),
        ({"call_state": "lost"}, QueryError, "answered, not_answered"),
        ({"duration": ["under", 3]}, QueryError, "less_than_or_equal_to"),
        ({"duration": ["less_than", 2**31]}, QueryError, "2147483647"),
        ({"extension_ids": ["x"]}, QueryError, "extension_ids is an id"),
        ({"time_zone": "UTC"}, QueryError, "Asia/Ho_Chi_Minh"),
        ({"hotline_ids": ["7"]}, QueryError, "hotline_ids cannot filter a table"),
        ("today", QueryError, "dictionary"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
    calls: pl.DataFrame, state: Any, kind: type[Exception], says: str
):
    panel = FilterPanel(calls, query=et.CallQuery(direction="out"))
    before = panel.state()
    with pytest.raises(kind, match=says):
        panel.restore(state)

    assert panel.state() == before
    assert control(panel, "Direction").value == "out"


def test_a_state_may_say_little(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(direction="out", date_from="2026-11-02"))
    panel.restore({"date_to": "2026-11-05"})
    assert panel.query == et.CallQuery(date_to="2026-11-05")
    panel.restore({})
    assert panel.query == et.CallQuery()


def test_what_has_no_control_is_carried_along_and_said(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(user_id="77"))
    put(panel, "Direction", "in")

    assert panel.query == et.CallQuery(user_id="77", direction="in")
    assert "user 77" in said(panel)


def test_an_extension_without_calls_may_be_asked_for(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(extension_ids=["7", "7"]))

    assert panel.query.extension_ids == ("7", "7")
    assert ("7 (0 calls)", "7") in control(panel, "Extensions").options
    assert panel.filtered.height == 0


def test_a_table_of_nothing_has_no_today_and_says_so(calls: pl.DataFrame):
    panel = FilterPanel(calls.clear())
    put(panel, "Dates", "today")

    assert "No call here has a start" in said(panel)
    assert panel.query == et.CallQuery()
    with pytest.raises(QueryError, match="No call here has a start"):
        panel.restore({"dates": "last 7 days"})
    put(panel, "Dates", "all")
    assert 'role="alert"' not in said(panel)


@pytest.mark.parametrize("given", [None, pl.DataFrame({"id": ["1"]}), "calls"])
def test_what_is_no_table_of_calls_is_refused(given: Any):
    with pytest.raises(InputError, match=r"such as logs\.calls"):
        FilterPanel(given)


def test_a_query_that_a_table_cannot_answer_is_refused(calls: pl.DataFrame):
    with pytest.raises(QueryError, match="hotline_ids cannot filter a table"):
        FilterPanel(calls, query=et.CallQuery(hotline_ids=["7"]))
    with pytest.raises(QueryError, match="same time_zone"):
        FilterPanel(calls, query=et.CallQuery(time_zone="UTC"))


def test_it_leaves_a_text_and_a_table_behind(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(direction="in", call_number="0912345678"))
    bundle = panel._repr_mimebundle_()

    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == repr(panel) == repr(FilterPanel(calls, query=panel.query))
    assert "0912345678" not in repr(panel) + panel._repr_html_()
    assert repr(panel).splitlines()[0] == "FilterPanel"
    assert "of 1,500 calls" in bundle["text/html"]


def test_what_is_left_behind_is_an_output_of_its_own(
    calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    """JupyterLab shows an error in place of a widget that is gone, whatever else the same output holds."""
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "etelecom_analytics.widgets.panel.display", lambda output, *, raw: shown.append(output)
    )
    panel = FilterPanel(calls)
    panel._ipython_display_()
    panel.close()
    panel._ipython_display_()

    live, still, later = (set(output) for output in shown)
    assert live == {"application/vnd.jupyter.widget-view+json"}
    assert still == later == {"text/plain", "text/html"}


def test_closing_takes_every_part_off_the_page(calls: pl.DataFrame):
    panel = FilterPanel(calls)
    parts = list(walk(panel))
    panel.close()
    panel.close()

    assert all(part.comm is None for part in parts)
