"""FilterPanel: controls set one query and its calls; invalid values change nothing."""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples
from support.widget_driver import control, press, put, visible_html, walk

import etelecom_analytics as et
from etelecom_analytics.errors import QueryError, UnknownName
from etelecom_analytics.query import COMPARISONS
from etelecom_analytics.schema import CALL_SCHEMA, CALL_STATES, DIRECTIONS
from etelecom_analytics.widgets import FilterPanel
from etelecom_analytics.widgets.panel import Observers

HOSTILE = "<img src=x onerror=alert(1)>"


def starting(calls: pl.DataFrame, *starts: str) -> pl.DataFrame:
    """Calls that began at these moments in UTC."""
    moments = [datetime.fromisoformat(start).replace(tzinfo=UTC) for start in starts]
    return calls.head(len(starts)).with_columns(
        started_at=pl.Series(moments, dtype=CALL_SCHEMA["started_at"])
    )


def test_starts_with_all_calls(calls: pl.DataFrame):
    panel = FilterPanel(calls)

    assert panel.query == et.CallQuery()
    assert_frame_equal(panel.filtered, calls)
    assert "1,500 of 1,500 calls" in visible_html(panel)


def test_every_control_filters(calls: pl.DataFrame):
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

    fields = {
        "direction": "in",
        "call_state": "answered",
        "duration": ("greater_than", 5),
        "extension_ids": extensions,
        "call_number": number,
    }
    assert panel.query == et.CallQuery(**fields, date_from="2026-11-02", date_to="2026-11-09")
    assert_frame_equal(panel.filtered, calls.filter(panel.query.to_expr()))

    press(panel, "Reset")
    assert panel.query == et.CallQuery()
    assert control(panel, "Number").value == ""
    assert_frame_equal(panel.filtered, calls)


def test_seconds_are_disabled_without_a_comparison(calls: pl.DataFrame):
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
def test_days_are_local_and_today_is_the_day_of_the_latest_call(
    calls: pl.DataFrame, time_zone: str, dates: str, first: date, last: date
):
    table = starting(
        calls,
        "2026-11-01T00:00:00",
        "2026-11-30T16:59:59",
        "2026-11-30T17:00:00",
        "2026-11-30T18:30:00",
    )
    panel = FilterPanel(table, time_zone=time_zone)
    put(panel, "Dates", dates)

    assert (control(panel, "First day").value, control(panel, "Last day").value) == (first, last)
    local = pl.col("started_at").dt.convert_time_zone(time_zone).dt.date()
    assert_frame_equal(panel.filtered, table.filter(local.is_between(first, last)))
    assert panel.state() == {"dates": dates, "time_zone": time_zone}

    put(panel, "Dates", "all")
    assert (control(panel, "First day").value, control(panel, "Last day").value) == (None, None)
    assert panel.filtered.height == 4


def test_yesterday_may_be_in_the_previous_month(calls: pl.DataFrame):
    panel = FilterPanel(calls, as_of="2027-03-01")
    put(panel, "Dates", "yesterday")

    assert panel.query == et.CallQuery(date_from="2027-02-28", date_to="2027-03-01")


def test_setting_a_day_makes_the_range_custom(calls: pl.DataFrame):
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


def test_times_within_a_day_are_preserved_until_another_day_is_set(calls: pl.DataFrame):
    query = et.CallQuery(date_from="2026-11-03T08:30", date_to="2026-11-05T17:00")
    panel = FilterPanel(calls, query=query)

    assert (control(panel, "First day").value, control(panel, "Last day").value) == (
        date(2026, 11, 3),
        date(2026, 11, 5),
    )
    assert "Exact times: Tue 3 Nov 2026 08:30 – Thu 5 Nov 2026 17:00." in visible_html(panel)
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
    ("label", "value", "message"),
    [
        ("Number", "12\x0034", "call_number"),
        (
            "First day",
            date(2026, 11, 20),
            "The first day (2026-11-20) is after the last day (2026-11-05).",
        ),
        ("First day", date(2, 1, 1), "date_from must be in the years"),
        ("Last day", date(9999, 12, 30), "date_to must be in the years"),
        ("Last day", date.max, "The last day is too late."),
    ],
)
def test_invalid_value_is_shown_and_the_last_query_stays(
    calls: pl.DataFrame, label: str, value: object, message: str
):
    query = et.CallQuery(direction="in", date_to="2026-11-06")
    panel = FilterPanel(calls, query=query)
    queries: list[et.CallQuery] = []
    panel.observe_query(queries.append)
    before = control(panel, label).value
    put(panel, label, value)

    assert message in visible_html(panel)
    assert 'role="alert"' in visible_html(panel)
    assert (panel.query, queries) == (query, [])
    assert_frame_equal(panel.filtered, calls.filter(query.to_expr()))
    assert "the controls are not valid" in repr(panel)

    put(panel, label, before)
    assert 'role="alert"' not in visible_html(panel)
    assert "not valid" not in repr(panel)
    assert panel.query == query


def test_invalid_extension_id_is_shown(calls: pl.DataFrame):
    panel = FilterPanel(calls.head(5).with_columns(extension_id=pl.lit(HOSTILE)))
    put(panel, "Extensions", (HOSTILE,))

    assert panel.query == et.CallQuery()
    assert "extension_ids must be an id" in visible_html(panel)
    assert "<img" not in visible_html(panel)


def test_text_is_escaped(calls: pl.DataFrame):
    panel = FilterPanel(calls)
    put(panel, "Number", HOSTILE)

    assert panel.query.call_number == HOSTILE
    for output in (visible_html(panel), panel._repr_html_()):
        assert "<img" not in output
        assert "&lt;img" in output


def test_observers_get_each_query_once_until_removed(calls: pl.DataFrame):
    panel = FilterPanel(calls)
    queries: list[et.CallQuery] = []
    remove, remove_other = panel.observe_query(queries.append), panel.observe_query(queries.append)
    remove_other()
    put(panel, "Direction", "in")
    assert queries == [et.CallQuery(direction="in")]
    panel.restore({"direction": "out", "call_state": "answered", "dates": "all"})
    assert queries[1:] == [et.CallQuery(direction="out", call_state="answered")]
    panel.restore(panel.state())
    remove()
    remove()
    put(panel, "Direction", "")
    assert len(queries) == 2


def test_error_of_a_callback_is_shown(calls: pl.DataFrame):
    panel = FilterPanel(calls)

    def fail(query: et.CallQuery) -> None:
        raise ValueError(f"{HOSTILE} 0912345678")

    panel.observe_query(fail)
    put(panel, "Direction", "in")

    assert "A callback failed: ValueError: &lt;img" in visible_html(panel)
    assert "0912345678" not in visible_html(panel)
    assert panel.query == et.CallQuery(direction="in")
    assert "A callback failed" in visible_html(panel)
    panel._observers = Observers()
    put(panel, "Direction", "out")
    assert "A callback failed" not in visible_html(panel)


@pytest.mark.slow
def test_fast_changes_make_one_query_in_an_event_loop(calls: pl.DataFrame):
    async def change() -> list[et.CallQuery]:
        panel = FilterPanel(calls, debounce_s=0.2)
        queries: list[et.CallQuery] = []
        panel.observe_query(queries.append)
        for text in ("0", "09", "091"):
            put(panel, "Number", text)
            await asyncio.sleep(0.01)
        assert queries == []
        assert "1,500 of 1,500" in visible_html(panel)
        await asyncio.sleep(0.6)
        assert len(queries) == 1

        put(panel, "Number", "0912")
        assert panel.query == et.CallQuery(call_number="0912")  # reading does not wait
        await asyncio.sleep(0.6)
        assert len(queries) == 2

        put(panel, "Number", "09123")
        panel.close()
        await asyncio.sleep(0.6)
        return queries

    assert asyncio.run(change()) == [
        et.CallQuery(call_number="091"),
        et.CallQuery(call_number="0912"),
    ]


def test_changes_apply_at_once_without_a_delay(calls: pl.DataFrame):
    async def change() -> str:
        panel = FilterPanel(calls, debounce_s=0)
        put(panel, "Direction", "in")
        return visible_html(panel)

    assert "inbound direction" in asyncio.run(change())


_moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1))
_fields = st.fixed_dictionaries(
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


def _query(fields: dict[str, Any]) -> et.CallQuery:
    values = dict(fields)
    values |= dict(
        zip(("date_from", "date_to"), sorted(values.pop("dates", []), key=str), strict=False)
    )
    try:
        return et.CallQuery(**values)
    except QueryError:  # the two moments are nearly the same, in different forms
        return et.CallQuery(**{name: value for name, value in values.items() if name != "date_to"})


@pytest.mark.slow
@examples(60)
@given(
    fields=_fields, dates=st.sampled_from(["today", "yesterday", "last 7 days", "this month", None])
)
def test_state_restores_exactly(calls: pl.DataFrame, fields: dict[str, Any], dates: str | None):
    table = calls.head(20)
    panel = FilterPanel(table, query=_query(fields), time_zone=fields["time_zone"])
    assert panel.query == _query(fields)
    if dates:
        put(panel, "Dates", dates)
    query, state = panel.query, json.loads(json.dumps(panel.state()))

    other = FilterPanel(table, time_zone=fields["time_zone"])
    other.restore(state)
    assert (other.query, other.state()) == (query, state)
    assert_frame_equal(other.filtered, table.filter(query.to_expr()))
    assert (other.code(), repr(other), other._repr_html_()) == (
        panel.code(),
        repr(panel),
        panel._repr_html_(),
    )

    names: dict[str, Any] = {"calls": table}
    exec(panel.code(), names)  # as a user does in a notebook  # noqa: S102
    assert names["query"] == query
    assert_frame_equal(names["filtered"], panel.filtered)


@pytest.mark.parametrize(
    ("state", "error", "message"),
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
        ({"extension_ids": ["x"]}, QueryError, "extension_ids must be an id"),
        ({"time_zone": "UTC"}, QueryError, "Asia/Ho_Chi_Minh"),
        ({"hotline_ids": ["7"]}, QueryError, "hotline_ids cannot filter a table"),
        ("today", QueryError, "dictionary"),
    ],
)
def test_invalid_state_is_rejected_and_changes_nothing(
    calls: pl.DataFrame, state: Any, error: type[Exception], message: str
):
    panel = FilterPanel(calls, query=et.CallQuery(direction="out"))
    before = panel.state()
    with pytest.raises(error, match=message):
        panel.restore(state)

    assert panel.state() == before
    assert control(panel, "Direction").value == "out"


def test_missing_keys_of_a_state_are_not_filtered(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(direction="out", date_from="2026-11-02"))
    panel.restore({"date_to": "2026-11-05"})
    assert panel.query == et.CallQuery(date_to="2026-11-05")
    panel.restore({})
    assert panel.query == et.CallQuery()


def test_filter_without_a_control_is_preserved_and_shown(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(user_id="77"))
    put(panel, "Direction", "in")

    assert panel.query == et.CallQuery(user_id="77", direction="in")
    assert "user 77" in visible_html(panel)


def test_extension_without_calls_can_be_selected(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(extension_ids=["7", "7"]))

    assert panel.query.extension_ids == ("7", "7")
    assert ("7 (0 calls)", "7") in control(panel, "Extensions").options
    assert panel.filtered.height == 0


def test_empty_table_has_no_today(calls: pl.DataFrame):
    panel = FilterPanel(calls.clear())
    put(panel, "Dates", "today")

    assert "No call has a start time" in visible_html(panel)
    assert panel.query == et.CallQuery()
    with pytest.raises(QueryError, match="No call has a start time"):
        panel.restore({"dates": "last 7 days"})
    put(panel, "Dates", "all")
    assert 'role="alert"' not in visible_html(panel)


def test_query_that_cannot_filter_a_table_is_rejected(calls: pl.DataFrame):
    with pytest.raises(QueryError, match="hotline_ids cannot filter a table"):
        FilterPanel(calls, query=et.CallQuery(hotline_ids=["7"]))
    with pytest.raises(QueryError, match="same time_zone"):
        FilterPanel(calls, query=et.CallQuery(time_zone="UTC"))


def test_static_text_and_html(calls: pl.DataFrame):
    panel = FilterPanel(calls, query=et.CallQuery(direction="in", call_number="0912345678"))
    bundle = panel._repr_mimebundle_()

    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == repr(panel) == repr(FilterPanel(calls, query=panel.query))
    assert "0912345678" not in repr(panel) + panel._repr_html_()
    assert repr(panel).splitlines()[0] == "FilterPanel"
    assert "of 1,500 calls" in bundle["text/html"]


def test_static_html_is_a_separate_output(calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch):
    """JupyterLab shows an error for a missing widget, whatever else the same output has."""
    outputs: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "etelecom_analytics.widgets.panel.display", lambda output, *, raw: outputs.append(output)
    )
    panel = FilterPanel(calls)
    panel._ipython_display_()
    panel.close()
    panel._ipython_display_()

    live, static, later = (set(output) for output in outputs)
    assert live == {"application/vnd.jupyter.widget-view+json"}
    assert static == later == {"text/plain", "text/html"}


def test_close_closes_every_part(calls: pl.DataFrame):
    panel = FilterPanel(calls)
    parts = list(walk(panel))
    panel.close()
    panel.close()

    assert all(part.comm is None for part in parts)
