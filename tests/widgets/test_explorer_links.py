"""Linked views of the Explorer: a selection on a chart, and all parts of the same calls."""

import json
import re
from typing import Any

import polars as pl
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples
from support.widget_driver import control, press, put, visible_html, walk

import etelecom_analytics as et
from etelecom_analytics.charts.theme import vega_lite_version
from etelecom_analytics.errors import EtelecomError
from etelecom_analytics.metrics import compare, drill_through
from etelecom_analytics.widgets.event_chart import EventChart
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.explorer.undo_keys import UndoKeys

SAMPLE = et.sample_logs()
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
INBOUND = {"direction": "in"}
INBOUND_CALLS = SAMPLE.calls.filter(direction="in")
DAY = 86_400_000
"""Milliseconds."""


@pytest.fixture
def explorer() -> et.Explorer:
    return et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)


@pytest.fixture(scope="module")
def shared() -> et.Explorer:
    """One that each test restores to a state first."""
    return et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)


def part(explorer: et.Explorer, kind: type) -> Any:
    return next(each for each in walk(explorer) if isinstance(each, kind))


def send(explorer: et.Explorer, widget: type, **content: object) -> None:
    """Send a message of the browser to a part of the panel."""
    part(explorer, widget)._handle_custom_msg(content, [])


def click(explorer: et.Explorer, *values: object, add: bool = False) -> None:
    send(explorer, EventChart, kind="click", values=list(values), add=add)


def brush(explorer: et.Explorer, first: float, last: float, *, add: bool = False) -> None:
    """Drag from one day of the chart to another, counted from its first day."""
    begin = part(explorer, EventChart).chart["edges"][0]
    span = [begin + first * DAY, begin + last * DAY]
    send(explorer, EventChart, kind="brush", span=span, add=add)


def bars(explorer: et.Explorer) -> dict[str, Any]:
    """The value of each group of the chart, by its key."""
    spec = part(explorer, EventChart).chart["spec"]
    hit = next(layer for layer in spec["layer"] if layer.get("name") == "groups")
    return {row["key"]: row["value"] for row in spec["datasets"][hit["data"]["name"]]}


def chosen(explorer: et.Explorer) -> list[str]:
    """The labels of the highlighted groups."""
    ids = part(explorer, EventChart).chosen["ids"]
    groups = part(explorer, EventChart).chart["groups"]
    return [each["label"] for each in groups if each["id"] in ids]


def chips(explorer: et.Explorer) -> list[str]:
    return [
        each.description
        for each in walk(explorer)
        if str(getattr(each, "description", "")).endswith("✕")
    ]


def filtered_by_code(explorer: et.Explorer) -> dict[str, Any]:
    names: dict[str, Any] = {"logs": SAMPLE, "display": lambda _: None}
    code = explorer.code().replace("et.charts.use_offline_renderer()", "")
    exec(code, names)  # as a user does in a notebook  # noqa: S102
    return names


def assert_same_calls(explorer: et.Explorer, expected: pl.DataFrame) -> None:
    """`filtered`, KPIs, table, facts and the code are of these calls."""
    assert_frame_equal(explorer.filtered, expected)
    kpis = et.summarize(expected, options=OPTIONS).row(0, named=True)
    assert dict(explorer.kpis.select("measure", "after").iter_rows()) == kpis
    caption = part(explorer, CallTable).content["caption"]
    assert caption.startswith(f"{expected.height:,} matching calls")
    assert f"{expected.height:,} of {SAMPLE.calls.height:,} calls." in visible_html(explorer)
    note = part(explorer, EventChart).chosen["note"]
    assert f" {expected.height:,} of " in note or not note
    assert_frame_equal(filtered_by_code(explorer)["filtered"], expected)


@pytest.mark.slow
def test_a_click_highlights_and_keeps_all_groups(explorer: et.Explorer):
    explorer.restore({**INBOUND, "chart": {"tab": "group", "by": "hour"}})
    before, drawn = bars(explorer), part(explorer, EventChart).chart
    click(explorer, "9")

    assert (bars(explorer), chosen(explorer), chips(explorer)) == (before, ["9"], ["hour: 9  ✕"])
    assert part(explorer, EventChart).chart is drawn  # only the highlight is sent
    of_hour = drill_through(INBOUND_CALLS, {"hour": 9}, options=OPTIONS)
    assert before["9"] == et.summarize(of_hour, measures="offered", options=OPTIONS).item()
    assert_same_calls(explorer, of_hour)
    click(explorer, "10", add=True)
    hours = drill_through(INBOUND_CALLS, {"hour": [9, 10]}, options=OPTIONS)
    assert explorer.group_filters == {"hour": [9, 10]}
    assert (chosen(explorer), chips(explorer)) == (["9", "10"], ["hour: 9, 10  ✕"])
    assert_same_calls(explorer, hours)
    assert hours.height == before["9"] + before["10"]
    click(explorer, "9", add=True)
    assert explorer.group_filters == {"hour": 10}
    click(explorer, "10", add=True)
    assert (explorer.group_filters, chosen(explorer), chips(explorer)) == ({}, [], [])
    click(explorer, "9")
    click(explorer, "10", add=True)
    click(explorer, "9")  # without Shift: only this group
    assert explorer.group_filters == {"hour": 9}
    press(explorer, "hour: 9  ✕")
    assert_same_calls(explorer, INBOUND_CALLS)


def test_another_filter_changes_the_chart_and_stays_a_filter(explorer: et.Explorer):
    explorer.restore({**INBOUND, "group_filters": {"hour": [9, 10]}})  # a chart of days
    calls = drill_through(INBOUND_CALLS, {"hour": [9, 10]}, options=OPTIONS)
    by_day = et.summarize(calls, "day", "offered", options=OPTIONS)
    assert chosen(explorer) == []
    assert sum(bars(explorer).values()) == by_day["offered"].sum() == calls.height
    click(explorer, next(iter(bars(explorer))))
    assert chips(explorer) == ["hour: 9, 10  ✕", "Mon 2 Nov  ✕"]
    assert explorer.filtered.height == by_day["offered"][0]


def test_cells_are_pairs_and_no_product(explorer: et.Explorer):
    explorer.restore({**INBOUND, "chart": {"tab": "heat"}})
    click(explorer, 3, 9)
    assert (explorer.group_filters, chips(explorer)) == (
        {"weekday_hour": [[3, 9]]},
        ["Wed 9:00  ✕"],
    )
    click(explorer, 1, 14, add=True)
    groups = [{"weekday": 1, "hour": 14}, {"weekday": 3, "hour": 9}]
    pairs = drill_through(INBOUND_CALLS, groups, options=OPTIONS)
    parts = [drill_through(INBOUND_CALLS, each, options=OPTIONS).height for each in groups]
    assert pairs.height == sum(parts)
    assert explorer.group_filters == {"weekday_hour": [[1, 14], [3, 9]]}
    assert chosen(explorer) == ["Mon 14:00", "Wed 9:00"]
    assert "Inbound, Mon 14:00, Wed 9:00, 2–8 Nov 2026: " in visible_html(explorer)
    assert_same_calls(explorer, pairs)
    state = json.loads(json.dumps(explorer.state()))
    explorer.restore(INBOUND)
    explorer.restore(state)
    assert_same_calls(explorer, pairs)
    put(explorer, "Chart", "group")  # by hour: the cells are another filter
    assert {key for key, value in bars(explorer).items() if value} == {"9", "14"}
    # Hours of a filter are cells of each weekday; a further click keeps them.
    explorer.restore({**INBOUND, "group_filters": {"hour": 9}, "chart": {"tab": "heat"}})
    assert len(chosen(explorer)) == 7
    click(explorer, 1, 14, add=True)
    groups = [{"hour": 9, "weekday": [*range(1, 8)]}, {"weekday": 1, "hour": 14}]
    assert_same_calls(explorer, drill_through(INBOUND_CALLS, groups, options=OPTIONS))


def test_a_brush_stays_and_can_be_changed(explorer: et.Explorer):
    explorer.restore(INBOUND)
    view = part(explorer, EventChart)
    begin = view.chart["edges"][0]
    brush(explorer, 1.6, 3.4)
    assert (explorer.group_filters, chips(explorer)) == ({"day": "2026-11-04"}, ["Wed 4 Nov  ✕"])
    assert view.chosen["span"] == [begin + 2 * DAY, begin + 3 * DAY]  # whole days
    brush(explorer, 1, 3)
    assert chips(explorer) == ["Tue 3 Nov to Wed 4 Nov  ✕"]
    assert "Inbound, 3–4 Nov 2026: " in visible_html(explorer)
    assert view.chosen["span"] == [begin + DAY, begin + 3 * DAY]
    brush(explorer, 5, 6, add=True)
    assert explorer.group_filters == {"day": ["2026-11-03", "2026-11-04", "2026-11-07"]}
    assert view.chosen["span"] is None
    assert len(bars(explorer)) == 7
    assert explorer.query == et.CallQuery(direction="in")


def test_selected_days_compare_with_the_days_before_them(explorer: et.Explorer):
    explorer.restore(INBOUND)
    brush(explorer, 3, 5)
    halves = [
        INBOUND_CALLS.filter(et.CallQuery(date_from=first, date_to=after).to_expr())
        for first, after in (("2026-11-03", "2026-11-05"), ("2026-11-05", "2026-11-07"))
    ]
    expected = compare(halves[0], halves[1], options=OPTIONS, history=INBOUND_CALLS)
    assert_frame_equal(explorer.kpis, expected)
    assert "Compared with 3–4 Nov 2026." in visible_html(explorer)
    brush(explorer, 6, 7, add=True)  # Thursday, Friday and Sunday
    assert explorer.kpis["difference"].null_count() == 5
    assert "the selected days are not consecutive" in visible_html(explorer)
    assert explorer.kpis["after"].null_count() == 0


def test_selected_days_that_were_not_fetched_are_unknown(explorer: et.Explorer):
    explorer.restore({**INBOUND, "group_filters": {"day": ["2026-12-01", "2026-12-03"]}})
    assert explorer.kpis["after"].null_count() == 5
    assert "These days were not fetched completely" in visible_html(explorer)
    explorer.restore({**INBOUND, "group_filters": {"day": ["2026-11-02", "2026-12-03"]}})
    assert explorer.kpis["after"].null_count() == 0
    assert "These days were not fetched completely" in visible_html(explorer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chart", "name"),
    [
        ({"measure": "offered", "by": "day"}, "offered"),
        ({"measure": "answer_rate", "by": "day"}, "answer_rate"),
    ],
)
def test_the_previous_period_is_a_dashed_line(
    chart: dict[str, str], name: str, shared: et.Explorer
):
    dates = {"dates": "custom", "date_from": "2026-11-05", "date_to": "2026-11-07"}
    shared.restore({**INBOUND, **dates, "chart": {"tab": "time", **chart}})
    spec = part(shared, EventChart).chart["spec"]
    line = next(each for each in spec["layer"] if "datum" in each["encoding"].get("strokeDash", {}))
    rows = spec["datasets"][line["data"]["name"]]
    before = INBOUND_CALLS.filter(
        et.CallQuery(date_from="2026-11-03", date_to="2026-11-05").to_expr()
    )
    values = et.summarize(before, "day", name, options=OPTIONS)[name].to_list()
    assert [row["value"] for row in rows] == pytest.approx(values)
    groups = part(shared, EventChart).chart["groups"]
    assert [row["middle"] for row in rows] == [each["id"] for each in groups]
    assert [row["previous"].split("(")[1] for row in rows] == ["Tue 3 Nov 2026)", "Wed 4 Nov 2026)"]
    assert "dashed line: previous period, Tue 3 Nov to Wed 4 Nov" in spec["title"]["subtitle"][0]
    click(shared, groups[0]["label"])  # a selection keeps the line of the chart
    assert part(shared, EventChart).chart["spec"] == spec


@pytest.mark.parametrize(
    "state",
    [
        {},  # no first day
        {"date_from": "2026-11-04", "date_to": "2026-11-08"},  # fetched from the 2nd
        {"date_from": "2026-11-05", "date_to": "2026-11-07", "chart": {"by": "week"}},
        {"date_from": "2026-11-05", "date_to": "2026-11-07", "chart": {"by": "month"}},
        {"date_from": "2026-11-05T12:00", "date_to": "2026-11-06T12:00"},
    ],
    ids=str,
)
def test_no_line_where_the_previous_period_would_mislead(
    state: dict[str, Any], shared: et.Explorer
):
    shared.restore({**INBOUND, **state})
    text = json.dumps(part(shared, EventChart).chart["spec"])
    assert "previous period" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "chart",
    [
        {"tab": "time", "by": "day"},
        {"tab": "time", "measure": "answer_rate", "by": "week"},
        {"tab": "group", "measure": "answer_rate", "by": "hour"},
        {"tab": "group", "measure": "fair_answer_rate", "by": "target_number"},
        {"tab": "heat", "measure": "answer_rate"},
    ],
    ids=str,
)
def test_the_interactive_specification_is_valid(chart: dict[str, str], shared: et.Explorer):
    dates = {"dates": "custom", "date_from": "2026-11-05", "date_to": "2026-11-07"}
    shared.restore({**INBOUND, **dates, "chart": chart})
    spec = part(shared, EventChart).chart["spec"]
    view = part(shared, EventChart)
    values = {"chosen": [view.chart["groups"][0]["id"]], "span": view.chart["edges"]}
    params = [
        {**each, **({"value": values[each["name"]]} if each["name"] in values else {})}
        for each in spec["params"]
    ]
    version = vega_lite_version()
    svg = [
        vl_convert.vegalite_to_svg(each, vl_version=version)
        for each in (spec, {**spec, "params": params})
    ]
    assert svg[0] != svg[1]
    assert "bold" in svg[1].replace("title", "")
    assert "bold" not in svg[0] or "title" in svg[0]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"weekday": []}, "empty list"),
        ({"weekday": [1, "two"]}, "weekday cannot be"),
        ({"weekday": [[1]]}, "a value, or a list of values"),
        ({"weekday_hour": [[0, 9]]}, "a list of weekdays and hours"),
        ({"weekday_hour": []}, "a list of weekdays and hours"),
        ({"weekday_hour": 9}, "a list of weekdays and hours"),
        ({"day": ["2026-11-02", "later"]}, "day cannot be"),
    ],
    ids=str,
)
def test_invalid_lists_change_nothing(filters: object, message: str, shared: et.Explorer):
    shared.restore(INBOUND)
    before = shared.state()
    with pytest.raises(EtelecomError, match=message):
        shared.restore({"group_filters": filters})
    assert shared.state() == before


def test_a_list_of_one_value_is_this_value(shared: et.Explorer):
    shared.restore({"group_filters": {"weekday": [2, 2], "week": ["2026-11-04"]}})
    assert shared.group_filters == {"weekday": 2, "week": "2026-11-02"}


def test_several_values_of_a_control(explorer: et.Explorer):
    explorer.restore({"chart": {"tab": "group", "by": "direction"}})
    click(explorer, "in")
    assert explorer.query == et.CallQuery(direction="in")
    click(explorer, "out", add=True)
    assert (explorer.query, explorer.group_filters) == (
        et.CallQuery(),
        {"direction": ["in", "out"]},
    )
    assert control(explorer, "Direction").value == ""
    assert chosen(explorer) == ["in", "out"]
    click(explorer, "in", add=True)
    assert (explorer.query, explorer.group_filters) == (et.CallQuery(direction="out"), {})


def test_filters_of_a_query_and_of_groups_hold_both(shared: et.Explorer):
    shared.restore(
        {
            **INBOUND,
            "group_filters": {"direction": ["in", "out"]},
            "chart": {"tab": "group", "by": "direction"},
        }
    )
    assert chosen(shared) == ["in"]
    assert_same_calls(shared, INBOUND_CALLS)
    click(shared, "out", add=True)
    assert set(chosen(shared)) == {"in", "out"}
    assert shared.filtered.height > INBOUND_CALLS.height


def test_weeks_highlight_their_days_and_days_do_not_highlight_weeks(shared: et.Explorer):
    shared.restore({**INBOUND, "group_filters": {"week": "2026-11-02"}})
    assert len(chosen(shared)) == len(bars(shared)) == 7
    shared.restore({**INBOUND, "group_filters": {"day": "2026-11-04"}, "chart": {"by": "week"}})
    assert chosen(shared) == []
    assert sum(bars(shared).values()) == shared.filtered.height


@pytest.mark.slow
def test_a_failed_chart_leaves_the_other_parts_of_the_same_calls(
    explorer: et.Explorer, monkeypatch: pytest.MonkeyPatch
):
    explorer.restore({**INBOUND, "chart": {"tab": "group", "by": "hour"}})

    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(explorer._factory, "draw", fail)
    put(explorer, "Direction", "out")
    assert "The chart failed" in visible_html(explorer)
    assert part(explorer, EventChart).chart["groups"] == []
    assert part(explorer, EventChart).chosen == {"ids": [], "span": None, "note": ""}
    assert_same_calls(explorer, SAMPLE.calls.filter(direction="out"))
    monkeypatch.undo()
    explorer.restore({**explorer.state(), "group_filters": {"hour": 9}})
    assert chosen(explorer) == ["9"]  # drawn again


def test_a_chart_that_is_chosen_while_another_is_drawn_is_drawn_too(
    explorer: et.Explorer, monkeypatch: pytest.MonkeyPatch
):
    """A front end may send the second change to another thread."""
    draw, tabs = explorer._factory.draw, explorer._tabs

    def draw_slowly(data: Any, chart: Any) -> Any:
        tabs.show(chart._replace(by="weekday"))
        return draw(data, chart)

    monkeypatch.setattr(explorer._factory, "draw", draw_slowly)
    put(explorer, "Chart", "group")
    assert part(explorer, EventChart).chart["groups"][0]["label"] == "0"
    monkeypatch.undo()
    explorer._update()
    assert part(explorer, EventChart).chart["groups"][0]["label"] == "Mon"
    assert explorer.state()["chart"]["by"] == "weekday"


def test_keys_undo_and_redo(explorer: et.Explorer):
    explorer.restore({**INBOUND, "chart": {"tab": "group", "by": "hour"}})
    click(explorer, "9")
    send(explorer, UndoKeys, kind="undo")
    assert (explorer.group_filters, chosen(explorer)) == ({}, [])
    send(explorer, UndoKeys, kind="redo")
    assert (explorer.group_filters, chosen(explorer)) == ({"hour": 9}, ["9"])


def test_bars_of_few_days_are_no_wider_than_others(shared: et.Explorer):
    version = vega_lite_version()
    for days, width in ((1, 160), (2, 160), (6, 139)):  # six share 900 pixels
        shared.restore({"date_from": "2026-11-02", "date_to": f"2026-11-0{2 + days}"})
        spec = {**part(shared, EventChart).chart["spec"], "width": 900}
        svg = vl_convert.vegalite_to_svg(spec, vl_version=version)
        widths = re.findall(r'd="M[\d.]+,[\d.]+h([\d.]+)v[\d.]+h-[\d.]+Z" fill="#', svg)
        assert {round(float(each)) for each in widths} == {width}


def test_rows_have_room_for_bold_labels_and_the_title_has_short_ids(shared: et.Explorer):
    chart = {"tab": "group", "measure": "rna", "by": "extension_id"}
    shared.restore({"direction": "in", "chart": chart})
    spec = part(shared, EventChart).chart["spec"]

    assert spec["padding"]["left"] > spec["padding"]["right"]
    assert re.search(r"lowest \d+ \((…\d{4}|\(none\))\)", spec["title"]["text"])
    assert not re.search(r"\d{12}", spec["title"]["text"])


def test_groups_have_texts_for_the_keyboard(shared: et.Explorer):
    shared.restore({**INBOUND, "chart": {"tab": "group", "measure": "answer_rate", "by": "hour"}})
    group = next(each for each in part(shared, EventChart).chart["groups"] if each["label"] == "9")
    rate = drill_through(INBOUND_CALLS, {"hour": 9}, options=OPTIONS)
    row = et.summarize(rate, measures="answer_rate", options=OPTIONS, confidence=True).row(
        0, named=True
    )
    assert group["text"].startswith(f"{row['answer_rate']:.0%}".replace("%", " %"))
    assert f"{row['answer_rate_num']} of {row['answer_rate_den']}; 95 %: " in group["text"]


def test_the_code_draws_the_chart_of_all_groups(explorer: et.Explorer):
    explorer.restore({"chart": {"tab": "group", "by": "direction"}})
    click(explorer, "in")
    names = filtered_by_code(explorer)
    assert names["chart_calls"].height == SAMPLE.calls.height
    assert names["filtered"].height == INBOUND_CALLS.height


_ACTIONS = st.one_of(
    st.tuples(st.just("click"), st.integers(0, 30), st.booleans()),
    st.tuples(st.just("brush"), st.integers(0, 6), st.booleans()),
    st.tuples(st.sampled_from(["undo", "redo"]), st.just(0), st.just(value=False)),
    st.tuples(
        st.just("chart"), st.sampled_from(["day", "week", "hour", "direction", "heat"]), st.just(0)
    ),
)


@pytest.mark.slow
@given(actions=st.lists(_ACTIONS, min_size=4, max_size=9))
@examples(12)
def test_all_parts_agree_after_any_actions(actions: list[Any], shared: et.Explorer):
    shared.restore(INBOUND)
    for kind, value, add in actions:
        groups = part(shared, EventChart).chart["groups"]
        if kind == "click" and groups:
            click(shared, *groups[value % len(groups)]["values"], add=add)
        elif kind == "brush" and part(shared, EventChart).chart["edges"]:
            brush(shared, value, value + 2.2, add=add)
        elif kind == "chart":
            tab = {"day": "time", "week": "time", "heat": "heat"}.get(value, "group")
            by = {} if value == "heat" else {"by": value}
            shared.restore({**shared.state(), "chart": {"tab": tab, **by}})
        elif kind in ("undo", "redo"):
            getattr(shared, kind)()
    state = shared.state()
    assert_same_calls(shared, _expected(state))
    # The chart and its highlight are those of a new panel with this state.
    seen = [part(shared, EventChart).chart, part(shared, EventChart).chosen]
    shared.restore({})
    shared.restore(json.loads(json.dumps(state)))
    assert shared.state() == state
    assert [part(shared, EventChart).chart, part(shared, EventChart).chosen] == seen


def _expected(state: dict[str, Any]) -> pl.DataFrame:
    """The calls of a state, computed without the Explorer."""
    groups = dict(state.get("group_filters", {}))
    cells = groups.pop("weekday_hour", None)
    calls = SAMPLE.calls
    if state.get("direction"):
        calls = calls.filter(direction=state["direction"])
    zone = pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone)
    if cells:
        pairs = pl.any_horizontal(
            (zone.dt.weekday() == weekday) & (zone.dt.hour() == hour) for weekday, hour in cells
        )
        calls = calls.filter(pairs)
    return drill_through(calls, groups, options=OPTIONS) if groups or cells else calls


def test_days_between_selected_days_are_not_days_without_calls(shared: et.Explorer):
    days = ["2026-11-03", "2026-11-05"]
    shared.restore({**INBOUND, "group_filters": {"day": days}, "chart": {"tab": "heat"}})
    spec = part(shared, EventChart).chart["spec"]
    cells = pl.concat([pl.DataFrame(rows) for rows in spec["datasets"].values()], how="diagonal")
    known = cells.drop_nulls("offered")
    assert set(known["weekday"]) == {2, 4}
    assert known["offered"].sum() == shared.filtered.height
    assert "coverage" not in shared.code()
