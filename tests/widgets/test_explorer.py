"""Explorer: whatever is turned, clicked or brushed, numbers, chart, table, code and files are of the same calls."""

import contextlib
import gc
import json
import weakref
from datetime import date
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from widget_driver import control, press, put, said, walk

import etelecom_analytics as et
from etelecom_analytics.errors import EtelecomError, InputError, QueryError, UnknownName
from etelecom_analytics.metrics import MEASURES, Selection, compare, drill_through
from etelecom_analytics.widgets.event_chart import EventChart
from etelecom_analytics.widgets.explorer.figures import FIGURES
from etelecom_analytics.widgets.explorer.row_table import RowTable

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
CALLS_IN = et.CallQuery(direction="in")
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
def desk() -> et.Explorer:
    return et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)


def part(explorer: et.Explorer, kind: type) -> Any:
    return next(each for each in walk(explorer) if isinstance(each, kind))


def heard(explorer: et.Explorer, part_of_it: type, **content: object) -> None:
    """What the browser tells of a click."""
    part(explorer, part_of_it)._handle_custom_msg(content, [])


def click(explorer: et.Explorer, *values: object) -> None:
    heard(explorer, EventChart, kind="click", values=list(values))


def spec(explorer: et.Explorer) -> dict[str, Any]:
    return dict(part(explorer, EventChart).told["spec"])


def rows(explorer: et.Explorer) -> dict[str, Any]:
    return dict(part(explorer, RowTable).told)


def assert_together(
    explorer: et.Explorer,
    query: et.CallQuery,
    group: dict[str, object] | None = None,
    calls: pl.DataFrame = SAMPLE.calls,
) -> None:
    """Numbers, chart, table, words and code are those of this filter."""
    matching = drill_through(calls.filter(query.to_expr()), group or {}, options=OPTIONS)
    assert isinstance(matching, pl.DataFrame)
    assert (explorer.query, explorer.group_filters) == (query, group or {})
    assert_frame_equal(explorer.filtered, matching)
    numbers = et.summarize(matching, options=OPTIONS, confidence=True).row(0, named=True)
    assert dict(explorer.kpis.select("measure", "after").iter_rows()) == {
        name: numbers[name] for name in et.metrics.DEFAULT_MEASURES
    }
    assert f"{matching.height:,} of {calls.height:,} calls" in said(explorer)
    assert rows(explorer)["caption"].startswith(f"{matching.height:,} calls")
    assert f"over {matching.height:,} call" in spec(explorer)["description"] or not matching.height
    code, names = (
        explorer.code(),
        {
            "logs": et.CallLogs(calls=calls, query=SAMPLE.query, report=SAMPLE.report),
            "display": lambda _: None,
        },
    )
    with _renderers_kept():
        exec(code, names)  # this is what a reader does  # noqa: S102
    assert_frame_equal(names["filtered"], matching)


@contextlib.contextmanager
def _renderers_kept():
    active = alt.renderers.active
    try:
        yield
    finally:
        alt.renderers.enable(active)


def test_it_begins_with_the_calls_in_and_says_so(desk: et.Explorer):
    assert_together(desk, CALLS_IN)
    assert "begins with direction in" in said(desk)
    assert "begins with direction in" in repr(desk)
    assert control(desk, "Undo").disabled
    press(desk, "Reset")
    assert desk.state() == {
        "dates": "all", "direction": "in", "time_zone": "Asia/Ho_Chi_Minh", "chart": {"tab": "time", "measure": "offered", "by": "day"},
    }  # fmt: skip


def test_as_of_is_the_end_of_what_was_asked_for_and_today_the_day_before_it(desk: et.Explorer):
    assert SAMPLE.query.date_to is not None
    assert SAMPLE.report.began_at > SAMPLE.query.date_to
    assert 'as_of="2026-11-09"' in desk.code()
    put(desk, "Dates", "today")
    assert desk.query == et.CallQuery(direction="in", date_from="2026-11-08", date_to="2026-11-09")


def test_every_control_filters_all_of_it(named: et.CallLogs):
    explorer = et.Explorer(named, options=OPTIONS, debounce_s=0)
    number = SAMPLE.calls.filter(direction="in")["caller"].drop_nulls()[0]
    asked: list[tuple[str, object, dict[str, object], dict[str, object]]] = [
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
    for label, value, more, beside in asked:
        put(explorer, label, value)
        fields |= more
        group = {**group, **beside}
        ordered = {name: group[name] for name in ("department_id", "hotline") if name in group}
        assert dict(explorer.group_filters) == ordered
        assert_together(explorer, et.CallQuery(**fields), explorer.group_filters, named.calls)
    press(explorer, "Reset")
    put(explorer, "User", control(explorer, "User").options[1][1])
    assert explorer.query.user_id
    for label in ("Hotline", "Department"):
        press(explorer, "Reset")
        put(explorer, label, control(explorer, label).options[-1][1])
        assert list(explorer.group_filters.values()) == [None]
        assert explorer.filtered["extension_id"].null_count() == explorer.filtered.height


def test_a_click_asks_for_a_group_and_once_more_no_longer(desk: et.Explorer):
    put(desk, "Chart", "group")
    click(desk, "9")
    assert_together(desk, CALLS_IN, {"hour": 9})
    click(desk, "10")
    assert_together(desk, CALLS_IN, {"hour": 10})
    click(desk, "10")
    assert_together(desk, CALLS_IN)
    put(desk, "By", "direction")
    click(desk, "in")  # asked already
    assert_together(desk, et.CallQuery())
    click(desk, "out")
    assert_together(desk, et.CallQuery(direction="out"))
    put(desk, "By", "extension_id")
    click(desk, "(none)")
    assert_together(desk, et.CallQuery(direction="out"), {"extension_id": None})
    click(desk, "(none)")
    click(desk, EXTENSIONS[0])
    assert_together(desk, et.CallQuery(direction="out", extension_ids=[EXTENSIONS[0]]))


def test_a_click_on_a_heat_map_and_on_a_leg(desk: et.Explorer):
    put(desk, "Chart", "heat")
    click(desk, 3, 9)
    assert_together(desk, CALLS_IN, {"hour": 9, "weekday": 3})
    assert "weekday: 3" in [
        each.description.split("  ")[0]
        for each in walk(desk)
        if getattr(each, "tooltip", "") == "Any weekday again"
    ]
    press(desk, "weekday: 3  ✕")
    assert_together(desk, CALLS_IN, {"hour": 9})
    put(desk, "Measure", "fair_answer_rate")
    put(desk, "Chart", "group")
    put(desk, "By", "target_number")
    click(desk, "101")
    assert desk.group_filters == {"hour": 9, "target_number": "101"}
    expected = drill_through(
        SAMPLE.calls.filter(CALLS_IN.to_expr()), desk.group_filters, options=OPTIONS
    )
    assert_frame_equal(desk.filtered, expected)
    put(desk, "Measure", "offered")  # counts calls, which have no target number
    assert control(desk, "By").value == "hour"


def test_what_was_never_drawn_cannot_be_clicked(desk: et.Explorer):
    before = desk.state()
    for values in (["25"], [], [None], [["9"]], ["<script>"]):
        click(desk, *values)
    heard(desk, EventChart, kind="brush", span=["a", "b"])
    heard(desk, RowTable, kind="open", place=99)
    heard(desk, RowTable, kind="sort", column="recording_urls")
    assert desk.state() == before


def test_a_brush_sets_the_days_that_it_covers_most_of(desk: et.Explorer):
    day = 86_400_000
    begin = desk._tabs.figure.spans[0].begin
    heard(desk, EventChart, kind="brush", span=[begin + 3.4 * day, begin + 1.6 * day])
    assert_together(
        desk, et.CallQuery(direction="in", date_from="2026-11-04", date_to="2026-11-05")
    )
    assert [span.first for span in desk._tabs.figure.spans] == [
        date(2026, 11, 4)
    ]  # days that are not asked for are not drawn as empty
    press(desk, "Undo")
    heard(desk, EventChart, kind="brush", span=[begin + 3.1 * day, begin + 3.2 * day])
    assert_together(
        desk, et.CallQuery(direction="in", date_from="2026-11-05", date_to="2026-11-06")
    )
    press(desk, "Undo")
    put(desk, "By", "week")
    heard(desk, EventChart, kind="brush", span=[begin, begin + 7 * day])
    assert_together(
        desk, et.CallQuery(direction="in", date_from="2026-11-02", date_to="2026-11-09")
    )
    put(desk, "By", "month")
    put(desk, "Only", ("2026-11",))
    assert_together(
        desk, et.CallQuery(direction="in", date_from="2026-11-01", date_to="2026-12-01")
    )


def test_undo_and_redo_walk_through_all_that_was_chosen(desk: et.Explorer):
    states = [desk.state()]
    for label, value in (
        ("Dates", "yesterday"),
        ("Chart", "group"),
        ("By", "weekday"),
        ("Measure", "answer_rate"),
        ("Direction", "out"),
    ):
        put(desk, label, value)
        states.append(desk.state())
    click(desk, "Sat")
    states.append(desk.state())
    for state in states[-2::-1]:
        press(desk, "Undo")
        assert desk.state() == state
    assert control(desk, "Undo").disabled
    desk.undo()
    assert desk.state() == states[0]
    for state in states[1:]:
        press(desk, "Redo")
        assert desk.state() == state
    assert control(desk, "Redo").disabled
    press(desk, "Undo")
    put(desk, "Direction", "in")
    assert control(desk, "Redo").disabled  # what was undone is forgotten


@given(
    state=st.fixed_dictionaries(
        {},
        optional={
            "dates": st.sampled_from(["all", "today", "yesterday", "last 7 days"]),
            "direction": st.sampled_from(["in", "out", "ext"]),
            "beside": st.dictionaries(st.sampled_from(["hour", "weekday"]), st.integers(1, 7)),
            "chart": st.fixed_dictionaries(
                {
                    "tab": st.sampled_from(sorted(FIGURES)),
                    "measure": st.sampled_from(["offered", "rna"]),
                }
            ),
        },
    )
)
@settings(max_examples=15)
def test_a_state_is_json_and_comes_back(state: dict[str, Any]):
    explorer, other = DESKS
    explorer.restore(state)
    kept = json.loads(json.dumps(explorer.state()))
    other.restore(kept)

    assert other.state() == explorer.state()
    assert_frame_equal(other.filtered, explorer.filtered)
    assert other.kpis.equals(explorer.kpis)


DESKS = [et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0) for _ in range(2)]


@pytest.mark.parametrize(
    ("state", "error", "says"),
    [
        ({"chart": {"tab": "pie"}}, UnknownName, "pie"),
        ({"chart": {"measures": "offered"}}, UnknownName, "measure"),
        ({"chart": {"measure": "answer"}}, UnknownName, "answer"),
        ({"chart": ["time"]}, QueryError, "chart is a dictionary"),
        ({"beside": {"hours": 9}}, UnknownName, "hour"),
        ({"beside": {"hour": "nine"}, "chart": {"tab": "heat"}}, InputError, "hour cannot be"),
        ({"beside": 9}, QueryError, "beside is a dictionary"),
        ({"beside": {"day": "the fourth"}}, InputError, "day cannot be"),
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
def test_a_state_that_cannot_be_is_refused_and_nothing_changes(
    desk: et.Explorer, state: Any, error: type[EtelecomError], says: str
):
    before = desk.state()
    with pytest.raises(error, match=says):
        desk.restore(state)
    assert desk.state() == before
    assert_together(desk, CALLS_IN)


@pytest.mark.parametrize(
    "beside",
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
def test_whatever_is_asked_beside_is_asked_in_state_and_code_too(beside: dict[str, Any]):
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    explorer.restore({"beside": beside})
    expected = drill_through(SAMPLE.calls, beside, options=OPTIONS)
    namespace: dict[str, Any] = {"logs": SAMPLE, "display": lambda _: None}
    exec(explorer.code(), namespace)  # noqa: S102
    other = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    other.restore(json.loads(json.dumps(explorer.state())))

    for found in (explorer.filtered, namespace["filtered"], other.filtered):
        assert_frame_equal(found, expected)
    assert expected.height > 0
    assert all(
        name.replace("_", " ") in said(explorer) or name in said(explorer) for name in beside
    )


def test_nothing_keeps_an_explorer_that_is_closed():
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    seen = weakref.ref(explorer)
    explorer.close()
    del explorer
    gc.collect()

    assert seen() is None


def test_a_click_on_the_calls_of_nobody_shows_them():
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    put(explorer, "Chart", "group")
    put(explorer, "Measure", "missed")
    put(explorer, "By", "user_id")
    someone = SAMPLE.calls.filter(direction="in")["user_id"].drop_nulls()[0]
    put(explorer, "User", someone)
    put(explorer, "User", "")
    click(explorer, "(none)")

    assert explorer.group_filters == {"user_id": None}
    assert_frame_equal(
        explorer.filtered,
        SAMPLE.calls.filter(pl.col("direction") == "in", pl.col("user_id").is_null()),
    )


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        (
            ("2026-12-07", "2026-12-14"),
            [
                "This period was not fetched",
                "unknown",
                "Not fetched: 2026-12-07 00:00 to 2026-12-14 00:00.",
            ],
        ),
        (
            ("2026-11-09", "2026-11-16"),
            ["This period was not fetched", "Not fetched: 2026-11-09 00:00 to 2026-11-16 00:00."],
        ),
        (
            ("2026-10-26", "2026-11-05"),
            [
                "fetched. This period was not",
                "too low",
                "not fetched: 2026-10-26 00:00 to 2026-11-02",
            ],
        ),
    ],
)
def test_what_was_not_fetched_is_unknown_and_no_zero(dates: tuple[str, str], words: list[str]):
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    explorer.restore({"direction": "in", "date_from": dates[0], "date_to": dates[1]})
    told = said(explorer) + json.dumps(spec(explorer))

    assert all(word in told for word in words)
    assert explorer.kpis["difference"].null_count() == 5
    known = explorer.filtered.height > 0
    assert (explorer.kpis["after"].null_count() == 0) is known
    assert ('"words": "Not fetched"' in told) is not known
    assert ('"why": "not fetched"' in told) is known


def test_a_fetch_of_one_direction_is_looked_at_in_that_direction():
    asked = et.CallQuery(direction="out", date_from="2026-11-02", date_to="2026-11-09")
    explorer = et.Explorer(
        et.CallLogs(calls=SAMPLE.calls.filter(direction="out"), query=asked, report=SAMPLE.report),
        debounce_s=0,
    )

    assert explorer.query == et.CallQuery(direction="out")
    assert explorer.filtered.height > 0
    assert "only calls of direction out: others are not here" in said(explorer)


def test_the_change_is_against_the_period_before(desk: et.Explorer):
    assert "choose a first and a last day" in said(desk)
    assert desk.kpis["difference"].null_count() == 5
    desk.restore(
        {
            "dates": "custom",
            "date_from": "2026-11-05",
            "date_to": "2026-11-07",
            "direction": "in",
            "beside": {"hour": 9},
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
    assert_frame_equal(desk.kpis, compare(halves[0], halves[1], options=OPTIONS))
    assert "2026-11-03 up to 2026-11-05" in said(desk)
    put(desk, "First day", date(2026, 11, 2))
    assert "was not wholly fetched" in said(desk)
    assert desk.kpis["difference"].null_count() == 5


def test_the_table_is_sorted_paged_and_opened(desk: et.Explorer):
    first = rows(desk)
    assert (
        first["page"],
        first["pages"],
        len(first["rows"]),
        first["sort"],
        first["descending"],
    ) == (0, 71, 12, "started_at", True)
    heard(desk, RowTable, kind="page", page=70)
    assert len(rows(desk)["rows"]) == 851 - 70 * 12
    heard(desk, RowTable, kind="page", page=10**9)
    assert rows(desk)["page"] == 70
    for column, key in (("duration", "duration"), ("caller", "caller"), ("note", "note")):
        for descending in (column == "duration", column != "duration"):
            heard(desk, RowTable, kind="sort", column=column)
            assert (rows(desk)["page"], rows(desk)["descending"]) == (0, descending)
            expected = desk.filtered.sort(
                key, descending=descending, nulls_last=True, maintain_order=True
            )
            assert_frame_equal(desk._rows.frame(), expected)
    heard(desk, RowTable, kind="sort", column="wait_s")
    waits = et.metrics.facts(desk.filtered, options=OPTIONS)["wait_s"].drop_nulls()
    assert rows(desk)["rows"][0][5] == str(round(waits.max(), 1))
    heard(desk, RowTable, kind="open", place=2)
    opened = desk._rows.row(2)
    assert rows(desk)["chosen"] == 2
    assert (
        f"Journey of call {opened['id'].item()}" in desk._journey.outputs[0]["data"]["text/plain"]
    )
    put(desk, "Call state", "answered")
    assert (rows(desk)["chosen"], desk._journey.outputs) == (None, ())


def test_numbers_are_masked_and_links_never_shown_unless_asked_for():
    numbers = SAMPLE.calls.select(
        pl.concat_list("caller", "callee").explode().drop_nulls().unique()
    ).to_series()
    private = [number for number in numbers if len(number) > 5]
    note = f"call back {private[0]}"
    logs = et.CallLogs(
        calls=SAMPLE.calls.with_columns(note=pl.lit(note)), query=SAMPLE.query, report=SAMPLE.report
    )
    for shown in (False, True):
        explorer = et.Explorer(logs, options=OPTIONS, show_numbers=shown, debounce_s=0)
        put(explorer, "Chart", "group")
        put(explorer, "By", "caller")
        heard(explorer, RowTable, kind="open", place=0)
        label, group = next(iter(explorer._tabs.figure.groups.values()))
        click(explorer, label)
        sent = json.dumps(
            [spec(explorer), rows(explorer), said(explorer), explorer._journey.outputs]
        )
        sent += json.dumps([repr(explorer), explorer._repr_html_()])
        sent += json.dumps([getattr(each, "description", "") for each in walk(explorer)])
        assert any(number in sent for number in private) is shown
        assert "http" not in sent.replace("https://vega.github.io/schema/vega-lite/", "")
        assert (
            explorer.group_filters == group
        )  # which tells it in full, as the code does: it is what was asked


def test_own_numbers_are_shown_wherever_the_others_are_masked(tmp_path: Path):
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
    heard(explorer, RowTable, kind="open", place=0)
    places = [
        json.dumps(each)
        for each in (spec(explorer), rows(explorer), said(explorer), explorer._journey.outputs)
    ]
    file = pl.read_parquet(explorer.export(tmp_path / "seen.parquet"))
    namespace: dict[str, Any] = {"logs": SAMPLE, "display": lambda _: None}
    exec(explorer.code(), namespace)  # noqa: S102

    assert all(hotline in place for place in places[:3])
    assert not any(other in place for place in places)
    assert file["callee"].unique().to_list() == [hotline]
    assert not set(file["caller"].drop_nulls()) & set(
        SAMPLE.calls["caller"].filter(SAMPLE.calls["caller"].str.len_chars() > 5)
    )
    put(explorer, "By", "callee")
    assert f'own_numbers=("{hotline}",)' in explorer.code()
    with pytest.raises(InputError, match="own_numbers must be a tuple"):
        et.Explorer(SAMPLE, own_numbers=hotline)
    with pytest.raises(InputError, match=r"options are et.MetricOptions\(...\); got dict"):
        et.Explorer(SAMPLE, options={"ivr_numbers": []})


def test_files_hold_the_rows_of_the_table(desk: et.Explorer, tmp_path: Path):
    put(desk, "Dates", "yesterday")
    heard(desk, RowTable, kind="sort", column="duration")
    in_order = desk._rows.frame()
    frame = pl.read_parquet(desk.export(tmp_path / "seen.parquet"))
    cells = pl.read_csv(desk.export(tmp_path / "seen.csv"), infer_schema=False)
    full = pl.read_parquet(desk.export(tmp_path / "full.parquet", masked=False))

    assert frame["id"].to_list() == cells["id"].to_list() == in_order["id"].to_list()
    assert_frame_equal(full.drop("recording_urls"), in_order.drop("recording_urls"))
    assert_frame_equal(
        frame.drop("recording_urls"), et.mask_numbers(in_order).drop("recording_urls")
    )
    assert set(frame["recording_urls"].explode().drop_nulls()) <= {"", "withheld"}
    assert cells["duration"].cast(pl.Int32).to_list() == in_order["duration"].to_list()
    assert cells["started_at"][0].endswith("+07:00")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+84912", "-2", "@SUM(A1)", "\t=1", " =1", "'=1", '"=1', "＝1", "|calc", "%0A"]
)
def test_no_text_of_a_csv_is_a_formula(desk: et.Explorer, tmp_path: Path, text: str):
    logs = et.CallLogs(
        calls=SAMPLE.calls.with_columns(note=pl.lit(text)), query=SAMPLE.query, report=SAMPLE.report
    )
    explorer = et.Explorer(logs, options=OPTIONS, show_numbers=True, debounce_s=0)
    cells = pl.read_csv(explorer.export(tmp_path / "seen.csv"), infer_schema=False)

    assert cells["note"][0].startswith("'")
    assert cells["note"][0][1:] == text


def test_a_file_that_cannot_be_is_said_beside_the_button(desk: et.Explorer, tmp_path: Path):
    (tmp_path / "there.csv").write_text("mine")
    for name, says in (
        ("calls.xlsx", "ends in .parquet or .csv"),
        ("nowhere/calls.csv", "no folder"),
        ("there.csv", "is there already"),
    ):
        with pytest.raises(InputError, match=says):
            desk.export(tmp_path / name)
        put(desk, "File", str(tmp_path / name))
        press(desk, "Export")
        assert says in said(desk)
    assert (tmp_path / "there.csv").read_text() == "mine"
    put(desk, "File", str(tmp_path / "calls.csv"))
    press(desk, "Export")
    assert "851 calls written to" in said(desk)
    put(desk, "Dates", "yesterday")
    assert "written to" not in said(desk)


@pytest.mark.parametrize("tab", sorted(FIGURES))
@pytest.mark.parametrize(
    "measure",
    ["offered", "answer_rate", "asa_s", "wait_p90_s", "talk_s", "fair_answer_rate", "asr"],
)
def test_every_chart_is_drawn_and_is_its_code(tab: str, measure: str):
    explorer = DESKS[0]
    explorer.restore({"direction": "in", "chart": {"tab": tab, "measure": measure}})
    code = explorer.code()
    names: dict[str, Any] = {"logs": SAMPLE, "display": lambda _: None}
    with _renderers_kept():
        exec(  # noqa: S102
            code.replace("et.charts.", "drawn = et.charts.").replace(
                "drawn = et.charts.use_", "et.charts.use_"
            ),
            names,
        )

    assert names["drawn"].to_dict()["description"] == spec(explorer)["description"]
    assert len(json.dumps(part(explorer, EventChart).told)) < 200_000


def test_no_calls_one_call_and_calls_of_which_nothing_is_known():
    unknown = pl.DataFrame([dict.fromkeys(SAMPLE.calls.columns)], schema=SAMPLE.calls.schema)
    for calls in (SAMPLE.calls.clear(), SAMPLE.calls.head(1), unknown):
        explorer = et.Explorer(
            et.CallLogs(calls=calls, query=SAMPLE.query, report=SAMPLE.report), debounce_s=0
        )
        for tab in FIGURES:
            put(explorer, "Chart", tab)
            assert "failed" not in said(explorer)
            assert spec(explorer)["description"]
        explorer.restore({})
        assert explorer.filtered.height == calls.height


def test_facts_are_reckoned_once_and_filters_only_pick(
    desk: et.Explorer, monkeypatch: pytest.MonkeyPatch
):
    put(desk, "Chart", "heat")
    put(desk, "Measure", "rna")
    for name in ("facts", "offer_facts", "leg_facts"):
        monkeypatch.setattr(
            f"etelecom_analytics.metrics.selection.{name}",
            lambda *_, **__: pytest.fail("reckoned again"),
        )
    put(desk, "Direction", "")
    click(desk, 3, 9)
    put(desk, "Dates", "yesterday")
    put(desk, "Chart", "time")
    put(desk, "Chart", "rings")
    assert desk.group_filters == {"hour": 9, "weekday": 3}


def test_what_it_cannot_be_made_of_is_said():
    with pytest.raises(InputError, match="CallLogs"):
        et.Explorer(SAMPLE.calls)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="same time_zone"):
        et.Explorer(SAMPLE, query=et.CallQuery(time_zone="UTC"))
    with pytest.raises(QueryError, match="hotline_ids"):
        et.Explorer(SAMPLE, query=et.CallQuery(hotline_ids=["1"]))


def test_every_measure_but_one_can_be_chosen(desk: et.Explorer):
    assert {value for _, value in control(desk, "Measure").options} == set(MEASURES) - {
        "busy_offers"
    }


def test_it_closes(desk: et.Explorer):
    parts = list(walk(desk))
    desk.close()
    assert all(each.comm is None for each in parts)


def test_a_selection_is_given_to_charts_and_measures(desk: et.Explorer):
    assert isinstance(desk.selection, Selection)
    assert et.summarize(desk.selection, options=OPTIONS).equals(
        et.summarize(desk.filtered, options=OPTIONS)
    )
    assert repr(desk).startswith("Explorer\n")


def test_business_hours_can_be_clicked_and_copied():
    options = et.MetricOptions(
        ivr_numbers=("8000", "8100"), business_hours={"mon-fri": ("08:00", "17:30")}
    )
    explorer = et.Explorer(SAMPLE, options=options, debounce_s=0)
    put(explorer, "Chart", "group")
    put(explorer, "By", "in_hours")
    label, group = next(iter(explorer._tabs.figure.groups.values()))
    click(explorer, label)
    assert explorer.group_filters == group
    names: dict[str, Any] = {"logs": SAMPLE, "display": lambda _: None}
    with _renderers_kept():
        exec(explorer.code(), names)  # this is what a reader does  # noqa: S102
    assert_frame_equal(names["filtered"], explorer.filtered)
    assert 0 < explorer.filtered.height < 851
