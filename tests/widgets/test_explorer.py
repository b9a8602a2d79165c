"""Explorer: after any change, KPIs, chart, table, code and files are of the same calls."""

import csv
import gc
import io
import json
import os
import unicodedata
import weakref
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import ipywidgets as ui
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples, some
from support.widget_driver import control, press, put, run_code, visible_html, walk

import etelecom_analytics as et
from etelecom_analytics.codegen import literal
from etelecom_analytics.errors import EtelecomError, InputError, QueryError, UnknownName
from etelecom_analytics.formatting import clock_text
from etelecom_analytics.locale.display import Display
from etelecom_analytics.metrics import MEASURES, Selection, compare, drill_through
from etelecom_analytics.phone_numbers import masked
from etelecom_analytics.widgets.event_chart import EventChart
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.explorer.export import write_calls
from etelecom_analytics.widgets.explorer.interactive_charts import TABS

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
INBOUND = et.CallQuery(direction="in")
EXTENSIONS = SAMPLE.calls["extension_id"].drop_nulls().unique().sort()


@pytest.fixture(scope="module")
def named() -> et.CallLogs:
    owned = (
        SAMPLE.calls.select(id="extension_id", user_id="user_id")
        .drop_nulls()
        .unique("id")
        .sort("id")
    )
    extensions = owned.with_columns(
        extension_number=pl.format("{}", pl.int_range(101, 101 + pl.len())),
        hotline_id=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("1")).otherwise(pl.lit("2")),
    )
    users = extensions.select(
        "user_id", full_name=pl.format("Nguyễn {}", "extension_number"), short_name="id"
    ).unique("user_id")
    users = users.with_columns(department_id=pl.lit("55"))
    hotlines = pl.DataFrame(
        {"id": ["1", "2"], "hotline": ["19000001", "19000002"], "name": ["Sales", "Care"]}
    )
    return SAMPLE.with_names(extensions, users, hotlines)


@pytest.fixture
def explorer() -> et.Explorer:
    return et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)


@pytest.fixture(scope="module")
def explorers() -> list[et.Explorer]:
    """Two that tests restore to another state first."""
    return [et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0) for _ in range(2)]


def part(explorer: et.Explorer, kind: type) -> Any:
    return next(each for each in walk(explorer) if isinstance(each, kind))


def send(explorer: et.Explorer, widget: type, **content: object) -> None:
    """Send a message of the browser to a part of the panel."""
    part(explorer, widget)._handle_custom_msg(content, [])


def click(explorer: et.Explorer, *values: object, add: bool = False) -> None:
    send(explorer, EventChart, kind="click", values=list(values), add=add)


def spec(explorer: et.Explorer) -> dict[str, Any]:
    return dict(part(explorer, EventChart).chart["spec"])


def table(explorer: et.Explorer) -> dict[str, Any]:
    return dict(part(explorer, CallTable).content)


def cells(explorer: et.Explorer, column: str) -> list[str]:
    """The texts of a column on the page."""
    content = table(explorer)
    return [row[content["shown"].index(column)] for row in content["rows"]]


def assert_consistent(
    explorer: et.Explorer,
    query: et.CallQuery,
    group: dict[str, object] | None = None,
    calls: pl.DataFrame = SAMPLE.calls,
    *,
    shown: et.CallQuery | None = None,
) -> None:
    """KPIs, chart, table, text and code are those of these filters; the chart shows `shown`."""
    matching = drill_through(calls.filter(query.to_expr()), group or {}, options=OPTIONS)
    assert isinstance(matching, pl.DataFrame)
    assert (explorer.query, explorer.group_filters) == (query, group or {})
    assert_frame_equal(explorer.filtered, matching)
    kpis = et.summarize(matching, options=OPTIONS, confidence=True).row(0, named=True)
    assert dict(explorer.kpis.select("measure", "after").iter_rows()) == {
        name: kpis[name] for name in et.metrics.DEFAULT_MEASURES
    }
    assert f"{matching.height:,} of {calls.height:,} calls" in visible_html(explorer)
    assert table(explorer)["caption"].startswith(f"{matching.height:,} matching calls")
    context = matching if shown is None else calls.filter(shown.to_expr())
    counted = et.summarize(context, measures=["calls"], options=OPTIONS)["calls"].item()
    assert f" {counted:,} call" in spec(explorer)["description"] or not counted
    note = part(explorer, EventChart).chosen["note"]
    assert f" {matching.height:,} of {context.height:,} calls." in note or not note
    assert bool(note) == (shown is not None)
    logs = et.CallLogs(calls=calls, query=SAMPLE.query, report=SAMPLE.report)
    assert_frame_equal(run_code(explorer.code(), logs=logs)["filtered"], matching)


def test_starts_with_inbound_calls_and_says_so(explorer: et.Explorer):
    assert_consistent(explorer, INBOUND)
    assert "starts with inbound calls" in visible_html(explorer)
    assert "starts with inbound calls" in repr(explorer)
    assert control(explorer, "Undo").disabled
    press(explorer, "Reset")
    assert explorer.state() == {
        "dates": "all",
        "direction": "in",
        "time_zone": "Asia/Ho_Chi_Minh",
        "chart": {"tab": "time", "measure": "offered", "by": "day"},
    }


def test_as_of_is_the_end_of_the_query_and_today_the_day_before(explorer: et.Explorer):
    assert SAMPLE.query.date_to is not None
    assert SAMPLE.report.began_at > SAMPLE.query.date_to
    assert 'as_of="2026-11-09"' in explorer.code()
    put(explorer, "Dates", "today")
    assert explorer.query == et.CallQuery(
        direction="in", date_from="2026-11-08", date_to="2026-11-09"
    )


@pytest.mark.slow
def test_every_control_filters_all_parts(named: et.CallLogs):
    explorer = et.Explorer(named, options=OPTIONS, debounce_s=0)
    number = SAMPLE.calls.filter(direction="in")["caller"].drop_nulls()[0]
    changes: list[tuple[str, object, dict[str, object], dict[str, object]]] = [
        ("Call state", "answered", {"call_state": "answered"}, {}),
        ("Hotline", "19000001", {}, {"hotline": "19000001"}),
        ("Department", "55", {}, {"department_id": "55"}),
        ("Extensions", (EXTENSIONS[0],), {"extension_ids": [EXTENSIONS[0]]}, {}),
        ("Duration", "less_than_or_equal_to", {"duration": ("less_than_or_equal_to", 30)}, {}),
        ("Number", number, {"call_number": number}, {}),
        ("Direction", "", {"direction": None}, {}),
    ]
    fields: dict[str, Any] = {"direction": "in"}
    group: dict[str, object] = {}
    for label, value, more, groups in changes:
        put(explorer, label, value)
        fields |= more
        group = {**group, **groups}
        ordered = {name: group[name] for name in ("department_id", "hotline") if name in group}
        assert dict(explorer.group_filters) == ordered
        assert_consistent(explorer, et.CallQuery(**fields), explorer.group_filters, named.calls)
    press(explorer, "Reset")
    put(explorer, "Agent", control(explorer, "Agent").options[1][1])
    assert explorer.query.user_id
    for label in ("Hotline", "Department"):
        press(explorer, "Reset")
        put(explorer, label, control(explorer, label).options[-1][1])
        assert list(explorer.group_filters.values()) == [None]
        assert explorer.filtered["extension_id"].null_count() == explorer.filtered.height


@pytest.mark.slow
def test_click_filters_by_group_and_second_click_removes_the_filter(explorer: et.Explorer):
    put(explorer, "Chart", "group")
    click(explorer, "9")
    assert_consistent(explorer, INBOUND, {"hour": 9}, shown=INBOUND)
    click(explorer, "10")
    assert_consistent(explorer, INBOUND, {"hour": 10}, shown=INBOUND)
    click(explorer, "10")
    assert_consistent(explorer, INBOUND)
    put(explorer, "By", "direction")
    every = et.CallQuery()
    assert_consistent(explorer, INBOUND, shown=every)
    click(explorer, "in")  # removes the filter
    assert_consistent(explorer, every)
    click(explorer, "out")
    outbound = et.CallQuery(direction="out")
    assert_consistent(explorer, outbound, shown=every)
    put(explorer, "By", "extension_id")
    click(explorer, "(none)")
    assert_consistent(explorer, outbound, {"extension_id": None}, shown=outbound)
    click(explorer, "(none)")
    click(explorer, EXTENSIONS[0])
    of_extension = et.CallQuery(direction="out", extension_ids=[EXTENSIONS[0]])
    assert_consistent(explorer, of_extension, shown=outbound)


@pytest.mark.slow
def test_click_on_heat_map_cell_and_on_target_number(explorer: et.Explorer):
    put(explorer, "Chart", "heat")
    click(explorer, 3, 9)
    assert explorer.group_filters == {"weekday_hour": [[3, 9]]}
    expected = drill_through(
        SAMPLE.calls.filter(INBOUND.to_expr()), {"weekday": 3, "hour": 9}, options=OPTIONS
    )
    assert_frame_equal(explorer.filtered, expected)
    press(explorer, "Wed 9:00  ✕")
    assert_consistent(explorer, INBOUND)
    explorer.restore({**explorer.state(), "group_filters": {"hour": 9}})
    put(explorer, "Measure", "fair_answer_rate")
    put(explorer, "Chart", "group")
    put(explorer, "By", "target_number")
    click(explorer, "101")
    assert explorer.group_filters == {"hour": 9, "target_number": "101"}
    expected = drill_through(
        SAMPLE.calls.filter(INBOUND.to_expr()), explorer.group_filters, options=OPTIONS
    )
    assert_frame_equal(explorer.filtered, expected)
    put(explorer, "Measure", "offered")  # a measure of calls, which have no target number
    assert control(explorer, "By").value == "hour"


def test_invalid_messages_change_nothing(explorer: et.Explorer):
    before = explorer.state()
    for values in (["25"], [], [None], [["9"]], ["<script>"]):
        click(explorer, *values)
    send(explorer, EventChart, kind="brush", span=["a", "b"])
    send(explorer, CallTable, kind="open", row=99)
    send(explorer, CallTable, kind="sort", column="recording_urls")
    assert explorer.state() == before


@pytest.mark.slow
def test_brush_selects_the_days_that_it_mostly_covers(explorer: et.Explorer):
    day = 86_400_000
    begin = explorer._tabs.chart.spans[0].begin
    send(explorer, EventChart, kind="brush", span=[begin + 3.4 * day, begin + 1.6 * day])
    assert_consistent(explorer, INBOUND, {"day": "2026-11-04"}, shown=INBOUND)
    assert len(explorer._tabs.chart.spans) == 7  # the other days stay
    send(explorer, EventChart, kind="brush", span=[begin + 3.1 * day, begin + 3.2 * day])
    assert_consistent(explorer, INBOUND, {"day": "2026-11-05"}, shown=INBOUND)
    send(explorer, EventChart, kind="brush", span=[begin, begin + 1.8 * day], add=True)
    days = ["2026-11-02", "2026-11-03", "2026-11-05"]
    assert_consistent(explorer, INBOUND, {"day": days}, shown=INBOUND)
    press(explorer, "Reset")
    put(explorer, "By", "week")
    send(explorer, EventChart, kind="brush", span=[begin, begin + 7 * day])
    assert_consistent(explorer, INBOUND, {"week": "2026-11-02"}, shown=INBOUND)
    press(explorer, "week from Mon 2 Nov  ✕")
    put(explorer, "By", "month")
    click(explorer, "Nov 2026")
    assert_consistent(explorer, INBOUND, {"month": "2026-11-01"}, shown=INBOUND)
    assert control(explorer, "Nov 2026  ✕")


@pytest.mark.slow
def test_undo_and_redo_step_through_all_states(explorer: et.Explorer):
    states = [explorer.state()]
    for label, value in (
        ("Dates", "yesterday"),
        ("Chart", "group"),
        ("By", "weekday"),
        ("Measure", "answer_rate"),
        ("Direction", "out"),
    ):
        put(explorer, label, value)
        states.append(explorer.state())
    click(explorer, "Sat")
    states.append(explorer.state())
    for state in states[-2::-1]:
        press(explorer, "Undo")
        assert explorer.state() == state
    assert control(explorer, "Undo").disabled
    explorer.undo()
    assert explorer.state() == states[0]
    for state in states[1:]:
        press(explorer, "Redo")
        assert explorer.state() == state
    assert control(explorer, "Redo").disabled
    press(explorer, "Undo")
    put(explorer, "Direction", "in")
    assert control(explorer, "Redo").disabled  # a new change removes the undone ones


@pytest.mark.slow
@given(
    state=st.fixed_dictionaries(
        {},
        optional={
            "dates": st.sampled_from(["all", "today", "yesterday", "last 7 days"]),
            "direction": st.sampled_from(["in", "out", "ext"]),
            "group_filters": st.dictionaries(
                st.sampled_from(["hour", "weekday"]), st.integers(1, 7)
            ),
            "chart": st.fixed_dictionaries(
                {
                    "tab": st.sampled_from(sorted(TABS)),
                    "measure": st.sampled_from(["offered", "rna"]),
                }
            ),
        },
    )
)
@examples(15)
def test_state_survives_json(state: dict[str, Any], explorers: list[et.Explorer]):
    explorer, other = explorers
    explorer.restore(state)
    other.restore(json.loads(json.dumps(explorer.state())))

    assert other.state() == explorer.state()
    assert_frame_equal(other.filtered, explorer.filtered)
    assert other.kpis.equals(explorer.kpis)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"chart": {"tab": "pie"}}, UnknownName, "pie"),
        ({"chart": {"measures": "offered"}}, UnknownName, "measure"),
        ({"chart": {"measure": "answer"}}, UnknownName, "answer"),
        ({"chart": ["time"]}, QueryError, "chart is a dictionary"),
        ({"group_filters": {"hours": 9}}, UnknownName, "hour"),
        (
            {"group_filters": {"hour": "nine"}, "chart": {"tab": "heat"}},
            InputError,
            "hour cannot be",
        ),
        ({"group_filters": 9}, QueryError, "group_filters is a dictionary"),
        ({"group_filters": {"day": "the fourth"}}, InputError, "day cannot be"),
        (
            {"chart": {"tab": "group", "measure": "answer_rate", "by": "target_number"}},
            UnknownName,
            "dimension of answer_rate",
        ),
        ({"chart": {"tab": "time", "by": "hour"}}, UnknownName, "dimension over time 'hour'"),
        ({"chart": {"by": "hotline"}}, UnknownName, "hotline"),
        ({"direktion": "in"}, UnknownName, "direction"),
        (3, QueryError, "dictionary"),
    ],
)
def test_invalid_state_is_rejected_and_changes_nothing(
    explorer: et.Explorer, state: Any, error: type[EtelecomError], message: str
):
    before = explorer.state()
    with pytest.raises(error, match=message):
        explorer.restore(state)
    assert explorer.state() == before
    assert_consistent(explorer, INBOUND)


@pytest.mark.slow
@pytest.mark.parametrize(
    "groups",
    [
        {"user_id": None},
        {"direction": "in"},
        {"call_state": "answered"},
        {"extension_id": None, "call_state": "not_answered"},
        {"day": "2026-11-04"},
        {"week": date(2026, 11, 2), "hour": 9},
        {"month": date(2026, 11, 1)},
    ],
    ids=str,
)
def test_group_filters_are_in_state_and_code(groups: dict[str, Any]):
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    explorer.restore({"group_filters": groups})
    expected = drill_through(SAMPLE.calls, groups, options=OPTIONS)
    filtered = run_code(explorer.code(), logs=SAMPLE)["filtered"]
    other = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    other.restore(json.loads(json.dumps(explorer.state())))

    for result in (explorer.filtered, filtered, other.filtered):
        assert_frame_equal(result, expected)
    assert expected.height > 0
    assert all(
        name.replace("_", " ") in visible_html(explorer) or name in visible_html(explorer)
        for name in groups
    )


@pytest.mark.slow
def test_closed_explorer_is_garbage_collected():
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    reference = weakref.ref(explorer)
    explorer.close()
    del explorer
    gc.collect()

    assert reference() is None


@pytest.mark.slow
def test_click_on_calls_without_user_filters_by_null():
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    put(explorer, "Chart", "group")
    put(explorer, "Measure", "missed")
    put(explorer, "By", "user_id")
    user = SAMPLE.calls.filter(direction="in")["user_id"].drop_nulls()[0]
    put(explorer, "Agent", user)
    put(explorer, "Agent", "")
    click(explorer, "(none)")

    assert explorer.group_filters == {"user_id": None}
    assert_frame_equal(
        explorer.filtered,
        SAMPLE.calls.filter(pl.col("direction") == "in", pl.col("user_id").is_null()),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dates", "texts"),
    [
        (
            ("2026-12-07", "2026-12-14"),
            [
                "This period was not fetched",
                "unknown",
                "Not fetched: Mon 7 Dec 2026 00:00 to Mon 14 Dec 2026 00:00.",
            ],
        ),
        (
            ("2026-11-09", "2026-11-16"),
            [
                "This period was not fetched",
                "Not fetched: Mon 9 Nov 2026 00:00 to Mon 16 Nov 2026 00:00.",
            ],
        ),
        (
            ("2026-10-26", "2026-11-05"),
            [
                "completely. This period was not",
                "too low",
                "not fetched: Mon 26 Oct 2026 00:00 to Mon 2 Nov 2026",
            ],
        ),
    ],
)
def test_unfetched_days_are_unknown_and_not_zero(dates: tuple[str, str], texts: list[str]):
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    explorer.restore({"direction": "in", "date_from": dates[0], "date_to": dates[1]})
    output = visible_html(explorer) + json.dumps(spec(explorer))

    assert all(text in output for text in texts)
    assert explorer.kpis["difference"].null_count() == 5
    known = explorer.filtered.height > 0
    assert (explorer.kpis["after"].null_count() == 0) is known
    assert ('"message": "Not fetched"' in output) is not known
    assert ('"why": "not fetched"' in output) is known
    assert ("offered    unknown" in repr(explorer)) is not known
    assert "not fetched: " in repr(explorer).lower()


def test_fetch_of_one_direction_starts_with_that_direction():
    query = et.CallQuery(direction="out", date_from="2026-11-02", date_to="2026-11-09")
    explorer = et.Explorer(
        et.CallLogs(calls=SAMPLE.calls.filter(direction="out"), query=query, report=SAMPLE.report),
        debounce_s=0,
    )

    assert explorer.query == et.CallQuery(direction="out")
    assert explorer.filtered.height > 0
    assert "only calls with outbound direction; these logs have no other calls" in visible_html(
        explorer
    )


def test_change_compares_with_the_previous_period(explorer: et.Explorer):
    assert "choose a first and a last day" in visible_html(explorer)
    assert explorer.kpis["difference"].null_count() == 5
    explorer.restore(
        {
            "dates": "custom",
            "date_from": "2026-11-05",
            "date_to": "2026-11-07",
            "direction": "in",
            "group_filters": {"hour": 9},
        }
    )
    halves = [
        drill_through(
            SAMPLE.calls.filter(
                et.CallQuery(direction="in", date_from=first, date_to=after).to_expr()
            ),
            {"hour": 9},
        )
        for first, after in (("2026-11-03", "2026-11-05"), ("2026-11-05", "2026-11-07"))
    ]
    assert_frame_equal(explorer.kpis, compare(halves[0], halves[1], options=OPTIONS))
    assert "Compared with 3–4 Nov 2026." in visible_html(explorer)
    put(explorer, "First day", date(2026, 11, 2))
    assert "the previous period, 28 Oct – 1 Nov 2026, was not fetched completely" in visible_html(
        explorer
    )
    assert explorer.kpis["difference"].null_count() == 5


@pytest.mark.slow
def test_table_sorts_pages_and_opens_calls(explorer: et.Explorer):
    first = table(explorer)
    assert (
        first["page"],
        first["pages"],
        len(first["rows"]),
        first["sort"],
        first["descending"],
    ) == (0, 71, 12, "started_at", True)
    send(explorer, CallTable, kind="page", page=70)
    assert len(table(explorer)["rows"]) == 851 - 70 * 12
    send(explorer, CallTable, kind="page", page=10**9)
    assert table(explorer)["page"] == 70
    for column, key in (("caller", "caller"), ("note", "note")):
        for descending in (False, True):
            send(explorer, CallTable, kind="sort", column=column)
            assert (table(explorer)["page"], table(explorer)["descending"]) == (0, descending)
            expected = explorer.filtered.sort(
                key, descending=descending, nulls_last=True, maintain_order=True
            )
            assert_frame_equal(explorer._calls.frame(), expected)
    send(explorer, CallTable, kind="sort", column="wait_s")
    waits = et.metrics.facts(explorer.filtered, options=OPTIONS)["wait_s"].drop_nulls()
    assert cells(explorer, "wait_s")[0] == clock_text(waits.max())
    send(explorer, CallTable, kind="open", row=2)
    opened = explorer._calls._pages.call(2)
    assert table(explorer)["open_row"] == 2
    assert (
        f"Journey of call {opened['id'].item()}"
        in part(explorer, ui.Output).outputs[0]["data"]["text/plain"]
    )
    put(explorer, "Call state", "answered")
    assert (table(explorer)["open_row"], part(explorer, ui.Output).outputs) == (None, ())


@pytest.mark.slow
def test_numbers_are_masked_by_default_and_links_never_shown():
    numbers = SAMPLE.calls.select(
        pl.concat_list("caller", "callee").explode().drop_nulls().unique()
    ).to_series()
    private = [number for number in numbers if len(number) > 5]
    note = f"call back {private[0]}"
    logs = et.CallLogs(
        calls=SAMPLE.calls.with_columns(note=pl.lit(note)), query=SAMPLE.query, report=SAMPLE.report
    )
    for show_numbers in (False, True):
        explorer = et.Explorer(logs, options=OPTIONS, show_numbers=show_numbers, debounce_s=0)
        put(explorer, "Chart", "group")
        put(explorer, "By", "caller")
        send(explorer, CallTable, kind="open", row=0)
        label, group, *_ = next(iter(explorer._tabs.chart.groups.values()))
        click(explorer, label)
        sent = json.dumps(
            [
                spec(explorer),
                table(explorer),
                visible_html(explorer),
                part(explorer, ui.Output).outputs,
            ]
        )
        sent += json.dumps([repr(explorer), explorer._repr_html_()])
        sent += json.dumps([getattr(each, "description", "") for each in walk(explorer)])
        assert any(number in sent for number in private) is show_numbers
        assert "http" not in sent.replace("https://vega.github.io/schema/vega-lite/", "")
        assert explorer.group_filters == group  # in full, like the code


@pytest.mark.slow
def test_a_clicked_number_stays_masked_on_the_page():
    dialled = SAMPLE.calls.filter(direction="out")["callee"][0]
    explorer = et.Explorer(SAMPLE, debounce_s=0)
    explorer.restore({"direction": "out", "group_filters": {"callee": [dialled, "101"]}})
    numbers = sorted(["101", dialled])
    shown = [pl.select(masked(pl.lit(dialled))).item() if n == dialled else n for n in numbers]
    assert f'"callee": {literal(numbers)}' in explorer.code()
    code = explorer._copy.code
    assert code.startswith("# External phone numbers are masked")
    assert f'"callee": {literal(shown)}' in code
    assert dialled not in str([each.get_state() for each in walk(explorer)])

    explorer = et.Explorer(SAMPLE, own_numbers=[dialled], debounce_s=0)
    explorer.restore({"direction": "out", "group_filters": {"callee": dialled}})
    assert explorer._copy.code == explorer.code()


def test_a_typed_number_is_whole_in_its_field_and_in_the_code_only():
    number = SAMPLE.calls.filter(direction="in")["caller"].drop_nulls()[0]
    explorer = et.Explorer(SAMPLE, debounce_s=0)
    put(explorer, "Number", number)

    assert explorer.query.call_number == number
    assert explorer._copy.code == explorer.code()
    assert {
        (type(each).__name__, name)
        for each in walk(explorer)
        for name, value in each.get_state().items()
        if number in str(value)
    } == {("Text", "value"), ("CopyButton", "code")}
    saved = explorer._repr_mimebundle_()
    assert number not in saved["text/plain"] + saved["text/html"]
    press(explorer, "Reset")
    assert number not in str([each.get_state() for each in walk(explorer)])


def test_own_numbers_are_never_masked(tmp_path: Path):
    hotline, other = (
        SAMPLE.calls.filter(direction="in")["callee"]
        .value_counts(sort=True, name="n")
        .sort("n", "callee")["callee"][-2:]
    )
    assert min(len(hotline), len(other)) > 5
    explorer = et.Explorer(SAMPLE, options=OPTIONS, own_numbers=[hotline], debounce_s=0)
    put(explorer, "Chart", "group")
    put(explorer, "By", "callee")
    click(explorer, hotline)
    send(explorer, CallTable, kind="open", row=0)
    outputs = [
        json.dumps(each)
        for each in (
            spec(explorer),
            table(explorer),
            visible_html(explorer),
            part(explorer, ui.Output).outputs,
        )
    ]
    file = pl.read_parquet(explorer.export(tmp_path / "calls.parquet"))
    run_code(explorer.code(), logs=SAMPLE)

    assert all(hotline in output for output in outputs[:3])
    assert not any(other in output for output in outputs)
    assert file["callee"].unique().to_list() == [hotline]
    assert not set(file["caller"].drop_nulls()) & set(
        SAMPLE.calls["caller"].filter(SAMPLE.calls["caller"].str.len_chars() > 5)
    )
    put(explorer, "By", "callee")
    assert f'own_numbers=("{hotline}",)' in explorer.code()
    with pytest.raises(InputError, match="own_numbers must be a list"):
        et.Explorer(SAMPLE, own_numbers=hotline)
    with pytest.raises(InputError, match=r"options are et.MetricOptions\(...\); got dict"):
        et.Explorer(SAMPLE, options={"ivr_numbers": []})


@pytest.mark.slow
def test_files_have_the_rows_of_the_table(explorer: et.Explorer, tmp_path: Path):
    put(explorer, "Dates", "yesterday")
    send(explorer, CallTable, kind="sort", column="talk_s")
    in_order = explorer._calls.frame()
    frame = pl.read_parquet(explorer.export(tmp_path / "calls.parquet"))
    cells = pl.read_csv(explorer.export(tmp_path / "calls.csv"), infer_schema=False)
    full = pl.read_parquet(explorer.export(tmp_path / "full.parquet", masked=False))

    assert frame["id"].to_list() == cells["id"].to_list() == in_order["id"].to_list()
    assert_frame_equal(full.drop("recording_urls"), in_order.drop("recording_urls"))
    assert_frame_equal(
        frame.drop("recording_urls"), et.mask_numbers(in_order).drop("recording_urls")
    )
    assert set(frame["recording_urls"].explode().drop_nulls()) <= {"", "withheld"}
    assert cells["duration"].cast(pl.Int32).to_list() == in_order["duration"].to_list()
    assert cells["started_at"][0].endswith("+07:00")
    assert not list(tmp_path.glob(".*"))


def csv_with_note(note: str, folder: Path) -> Path:
    """The file of some calls that all have this note, as `explorer.export` writes it."""
    calls = SAMPLE.calls.head(20).with_columns(note=pl.lit(note))
    display = Display(show_numbers=True)
    return write_calls(calls, folder / "calls.csv", display, workbook=bytes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["=1+1", "+84912", "-2", "@SUM(A1)", "\t=1", " =1", "'=1", '"=1', "＝1", "|calc", "%0A"]
)
def test_csv_texts_are_never_formulas(tmp_path: Path, text: str):
    cells = pl.read_csv(csv_with_note(text, tmp_path), infer_schema=False)

    assert cells["note"][0].startswith("'")
    assert cells["note"][0].replace("'", "") == text.replace("'", "")


_FORMULA_SIGNS = set("=+-@＝＋－＠|%")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        *("x;=1+1", "x,=1+1", "x\t=1+1", "x;;=1", 'x; "=1', "x\n=1", "x\r\n;+1", ";-1", "a;b;@c"),
        *("\u200b=1", "\ufeff=1", "\x00=1", "\x1d=1", "\u00ad\u2060=1", "\u3164=1", "\ufe0f=1"),
        *("x;\u200b=1", "x;\ufeff+1", "x\t\x1d@1", "\t\u200b=1", "'\u200b=1", "x;'=1"),
    ],
)
def test_no_cell_is_a_formula_whatever_splits_the_file(text: str, tmp_path: Path):
    content = csv_with_note(text, tmp_path).read_bytes().decode("utf-8-sig").replace("\0", "")
    for delimiter in (",", ";", "\t"):
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))

        assert len(rows) > 1
        for cell in (cell for row in rows for cell in row):
            visible = [letter for letter in cell if unicodedata.category(letter)[0] not in "CMZ"]
            first = next((each for each in visible if each not in '"\u3164'), "")
            assert first not in _FORMULA_SIGNS, repr(cell)


def test_texts_without_a_formula_are_unchanged_in_a_csv(tmp_path: Path):
    text = "Gọi lại lúc 5-6 giờ; a=b, 100%"
    logs = et.CallLogs(
        calls=SAMPLE.calls.with_columns(note=pl.lit(text)), query=SAMPLE.query, report=SAMPLE.report
    )
    explorer = et.Explorer(logs, options=OPTIONS, show_numbers=True, debounce_s=0)
    cells = pl.read_csv(explorer.export(tmp_path / "calls.csv"), infer_schema=False)

    assert set(cells["note"]) == {text}


def test_exports_are_for_their_owner_and_go_to_pipes(explorer: et.Explorer, tmp_path: Path):
    path = explorer.export(tmp_path / "calls.parquet")
    assert path.stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe.csv")
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit((tmp_path / "pipe.csv").read_bytes)
        explorer.export(tmp_path / "pipe.csv")
        content = received.result()
    assert content == explorer.export(tmp_path / "calls.csv").read_bytes()
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.csv")
    explorer.export(tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_bytes() == content


@pytest.mark.slow
def test_a_cell_may_read_the_panel_while_it_undoes_a_change(monkeypatch: pytest.MonkeyPatch):
    explorer = et.Explorer(SAMPLE, debounce_s=0)
    explorer.restore({"direction": "out"})
    use, readers = explorer._use, []
    with ThreadPoolExecutor(1) as pool:

        def use_while_read(state: Any) -> None:
            readers.append(pool.submit(lambda: explorer.filtered))
            wait(readers, timeout=0.2)  # it waits for the change, or reads the calls of before
            use(state)

        monkeypatch.setattr(explorer, "_use", use_while_read)
        explorer.undo()
    assert explorer.query.direction == "in"
    assert not explorer._redo.disabled


@pytest.mark.parametrize(
    ("name", "text"),
    [("a\0b.csv", "null character"), ("x" * 260 + ".csv", "File name too long")],
)
def test_export_to_an_impossible_path_is_an_error(
    name: str, text: str, explorer: et.Explorer, tmp_path: Path
):
    with pytest.raises(InputError, match=text):
        explorer.export(tmp_path / name)


def test_export_errors_are_shown(explorer: et.Explorer, tmp_path: Path):
    (tmp_path / "old.csv").write_text("old")
    for name, message in (
        ("calls.xls", "ends in .parquet, .csv or .xlsx"),
        ("nowhere/calls.csv", "does not exist"),
        ("old.csv", "already exists"),
    ):
        with pytest.raises(InputError, match=message):
            explorer.export(tmp_path / name)
        put(explorer, "File", str(tmp_path / name))
        press(explorer, "Write file")
        assert message in visible_html(explorer)
    assert (tmp_path / "old.csv").read_text() == "old"
    put(explorer, "File", str(tmp_path / "calls.csv"))
    press(explorer, "Export")
    assert "851 calls written to" in visible_html(explorer)
    put(explorer, "Dates", "yesterday")
    assert "written to" not in visible_html(explorer)


def test_one_click_exports_to_a_new_file_and_enter_to_the_named_one(
    explorer: et.Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("calls.parquet", "calls-2.parquet", "calls-3.parquet"):
        press(explorer, "Export")
        assert f"851 calls written to {name}<" in visible_html(explorer)
    file = control(explorer, "File")
    file._handle_custom_msg({"event": "submit"}, [])
    assert "calls.parquet&#x27; already exists" in visible_html(explorer)
    put(explorer, "File", "a.csv")
    file._handle_custom_msg({"event": "submit"}, [])
    assert "851 calls written to a.csv<" in visible_html(explorer)
    put(explorer, "File", "calls.xls")
    press(explorer, "Export")
    assert "ends in .parquet, .csv or .xlsx" in visible_html(explorer)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        *("a.csv", "calls-2.parquet", "calls-3.parquet", "calls.parquet"),
    ]


OF_CALLS = ["offered", "answer_rate", "asa_s", "wait_p90_s", "talk_s"]
DRAWN = list(product(sorted(TABS), [*OF_CALLS, "fair_answer_rate", "asr"]))


@pytest.mark.slow
@pytest.mark.parametrize(("tab", "measure"), some(DRAWN, at_least=14))
def test_code_draws_the_same_chart(tab: str, measure: str, explorers: list[et.Explorer]):
    explorer = explorers[0]
    explorer.restore({"direction": "in", "chart": {"tab": tab, "measure": measure}})
    statements, chart = explorer.code().strip().rsplit("\n", 1)
    names = run_code(f"{statements}\nchart = {chart}", logs=SAMPLE)

    assert names["chart"].to_dict()["description"] == spec(explorer)["description"]
    assert len(json.dumps(part(explorer, EventChart).chart)) < 200_000


@pytest.mark.slow
def test_no_calls_one_call_and_calls_without_values():
    unknown = pl.DataFrame([dict.fromkeys(SAMPLE.calls.columns)], schema=SAMPLE.calls.schema)
    for calls in (SAMPLE.calls.clear(), SAMPLE.calls.head(1), unknown):
        explorer = et.Explorer(
            et.CallLogs(calls=calls, query=SAMPLE.query, report=SAMPLE.report), debounce_s=0
        )
        for tab in TABS:
            put(explorer, "Chart", tab)
            assert "failed" not in visible_html(explorer)
            assert spec(explorer)["description"]
        explorer.restore({})
        assert explorer.filtered.height == calls.height


@pytest.mark.slow
def test_filters_reuse_computed_facts(explorer: et.Explorer, monkeypatch: pytest.MonkeyPatch):
    put(explorer, "Chart", "heat")
    put(explorer, "Measure", "rna")
    for name in ("call_facts", "offer_facts", "leg_facts"):
        monkeypatch.setattr(
            f"etelecom_analytics.metrics.facts_table.{name}",
            lambda *_, **__: pytest.fail("computed again"),
        )
    put(explorer, "Direction", "")
    click(explorer, 3, 9)
    put(explorer, "Dates", "yesterday")
    put(explorer, "Chart", "time")
    put(explorer, "Chart", "rings")
    assert explorer.group_filters == {"weekday_hour": [[3, 9]]}


def test_invalid_arguments_are_rejected():
    with pytest.raises(QueryError, match="same time_zone"):
        et.Explorer(SAMPLE, query=et.CallQuery(time_zone="UTC"))
    with pytest.raises(QueryError, match="hotline_ids"):
        et.Explorer(SAMPLE, query=et.CallQuery(hotline_ids=["1"]))


def test_every_measure_but_busy_offers_is_offered(explorer: et.Explorer):
    assert {value for _, value in control(explorer, "Measure").options} == set(MEASURES) - {
        "busy_offers"
    }


def test_close_closes_every_part(explorer: et.Explorer):
    parts = list(walk(explorer))
    explorer.close()
    assert all(each.comm is None for each in parts)


def test_selection_replaces_calls_in_summarize(explorer: et.Explorer):
    assert isinstance(explorer.selection, Selection)
    assert et.summarize(explorer.selection, options=OPTIONS).equals(
        et.summarize(explorer.filtered, options=OPTIONS)
    )
    assert repr(explorer).startswith("Explorer\n")


def test_business_hours_are_a_group():
    options = et.MetricOptions(
        ivr_numbers=("8000", "8100"), business_hours={"mon-fri": ("08:00", "17:30")}
    )
    explorer = et.Explorer(SAMPLE, options=options, debounce_s=0)
    put(explorer, "Chart", "group")
    put(explorer, "By", "in_hours")
    label, group, *_ = next(iter(explorer._tabs.chart.groups.values()))
    click(explorer, label)
    assert explorer.group_filters == group
    assert_frame_equal(run_code(explorer.code(), logs=SAMPLE)["filtered"], explorer.filtered)
    assert 0 < explorer.filtered.height < 851
