"""The table of calls: its texts, columns, search and order, and the journey of a call."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import ipywidgets as ui
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.widget_driver import press, walk

import etelecom_analytics as et
from etelecom_analytics.language import speaking
from etelecom_analytics.locale.display import Display
from etelecom_analytics.metrics import Selection
from etelecom_analytics.names import labels
from etelecom_analytics.phone_numbers import mask, masked
from etelecom_analytics.widgets.explorer import matching_calls
from etelecom_analytics.widgets.explorer.call_columns import CallColumns
from etelecom_analytics.widgets.explorer.call_search import CallSearch
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.explorer.matching_calls import MatchingCalls

AN, BINH, NOBODY = "1140000000000000001", "1140000000000000002", "1140000000000000003"
DEPARTMENT = "1170000000000000055"
NUMBERS = ["0912345678", "+84 987 654 321", "84283456789", "01201234567", "19001234", "101"]
NOTES = ["Gọi lại 0905 111 222 ngày 02/11/2026", "=1+1", "<b>đậm</b>", "a\n b", None, ""]
OPTIONS = et.MetricOptions()


@pytest.fixture(scope="module")
def calls() -> pl.DataFrame:
    """Thirty calls with names."""
    sample = et.sample_logs().calls.filter(direction="in").head(30)
    rows = pl.int_range(pl.len())

    def each(values: list[str | None]) -> pl.Expr:
        return rows.replace_strict(
            list(range(30)), [values[index % len(values)] for index in range(30)]
        )

    return sample.with_columns(
        extension_id=each([AN, BINH, NOBODY, None]),
        user_id=pl.lit(None, pl.String),
        caller=each(NUMBERS),
        note=each(NOTES),
        extension_number=each(["101", "102", None, None]),
        user=each(["Trần Văn An", "Nguyễn Thị Bình", None, None]),
        hotline=each(["19001234", None]),
        department_id=each([DEPARTMENT, None]),
    )


def show(calls: pl.DataFrame, **display: Any) -> MatchingCalls:
    names = {"extension_id": labels(calls, "extension_id")}
    selection = Selection(calls)
    table = MatchingCalls(selection, Display(options=OPTIONS, names=names, **display))
    table.show(selection, "the caption")
    return table


@pytest.fixture
def table(calls: pl.DataFrame) -> MatchingCalls:
    return show(calls)


def widget(table: MatchingCalls) -> CallTable:
    return next(each for each in walk(table) if isinstance(each, CallTable))


def send(table: MatchingCalls, kind: str, **values: object) -> None:
    """A message of the browser."""
    widget(table)._handle_custom_msg({"kind": kind, **values}, [])


def content(table: MatchingCalls) -> dict[str, Any]:
    return dict(widget(table).content)


def cells(table: MatchingCalls, column: str) -> list[str]:
    """The texts of a column on all pages."""
    if column not in content(table)["shown"]:
        send(table, "column", column=column, visible=True)
    texts = []
    for page in range(content(table)["pages"]):
        send(table, "page", page=page)
        at = content(table)["shown"].index(column)
        texts += [row[at] for row in content(table)["rows"]]
    return texts


def test_enter_in_the_search_opens_the_first_call(table: MatchingCalls):
    send(table, "search", text="no such text", open=True)
    assert table._position is None
    send(table, "search", text="binh", open=True)
    assert table._position == 0
    assert table._table.content["open_row"] == 0
    send(table, "search", text=" ", open=True)
    assert table._position is None


def search(table: MatchingCalls, text: str) -> int:
    """The number of calls that match."""
    send(table, "search", text=text)
    return len(cells(table, "started_at"))


def count(table: MatchingCalls, text: str) -> int:
    """Like `search`, without drawing the table."""
    table._pages.begin_search()
    table._pages.search_for(text)
    return table._pages.row_count


def journey(table: MatchingCalls) -> str:
    """The text of the journey; empty if it is closed."""
    output = next(each for each in walk(table) if isinstance(each, ui.Output))
    return str(output.outputs[0]["data"]["text/plain"]) if output.outputs else ""


def test_cells_have_names_local_times_and_clock_durations(
    table: MatchingCalls, calls: pl.DataFrame
):
    assert content(table)["shown"] == [
        *("started_at", "caller", "hotline", "agent", "call_state", "wait_s", "talk_s")
    ]
    local = pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone)
    ordered = calls.sort("started_at", descending=True, maintain_order=True)
    started = ordered.select(local.dt.strftime("%a %-d %b %H:%M:%S")).to_series().to_list()
    facts = et.metrics.facts(ordered, options=OPTIONS)
    talk = [
        "–" if value is None else f"{value // 60:.0f}:{value % 60:02.0f}"
        for value in facts["talk_s"]
    ]

    assert cells(table, "started_at") == started
    assert cells(table, "talk_s") == talk
    assert set(cells(table, "agent")) == {
        *("Trần Văn An (101)", "Nguyễn Thị Bình (102)", "…0003", "–")
    }
    assert set(cells(table, "department_id")) == {"…0055", "–"}
    assert set(cells(table, "hotline")) == {"19001234", "–"}
    assert set(cells(table, "call_state")) <= {"answered", "missed", "running", "unknown"}
    titles = [title for row in content(table)["titles"] for title in row.items()]
    assert set(titles) <= {("agent", NOBODY), ("department_id", DEPARTMENT)}
    assert titles


def test_missed_is_the_state_of_the_measures(calls: pl.DataFrame):
    table = show(calls.filter(pl.col("call_state") == "answered"))
    states = cells(table, "call_state")
    facts = et.metrics.facts(calls.filter(pl.col("call_state") == "answered"), options=OPTIONS)

    assert states.count("missed") == facts["missed"].sum()
    send(table, "page", page=0)
    missed = content(table)["missed"]
    assert missed == [state == "missed" for state in states[: len(missed)]]


def test_years_are_shown_where_they_differ(calls: pl.DataFrame):
    earlier = pl.col("started_at") - timedelta(days=365)
    both = pl.concat([calls.head(1), calls.tail(1).with_columns(earlier)])

    assert [text[-13:-8] for text in cells(show(both), "started_at")] == ["2026 ", "2025 "]


def test_texts_are_in_the_language(calls: pl.DataFrame):
    with speaking("vi"):
        table = show(calls, language="vi")
    search(table, "zzz")

    assert widget(table).texts["choose"] == "Cột"
    assert content(table)["found"].startswith("0 trong 30 cuộc gọi khớp")
    search(table, "")
    assert cells(table, "started_at")[0][:3] in {"CN ", *(f"T{day} " for day in range(2, 8))}


def test_columns_can_be_chosen_and_stay(table: MatchingCalls):
    send(table, "column", column="note", visible=True)
    send(table, "column", column="wait_s", visible=False)
    send(table, "page", page=1)
    send(table, "sort", column="caller")
    shown = content(table)["shown"]

    assert shown == ["started_at", "caller", "hotline", "agent", "call_state", "talk_s", "note"]
    for name in shown:
        send(table, "column", column=name, visible=False)
    send(table, "column", column="recording_urls", visible=True)
    assert content(table)["shown"] == ["note"]  # one stays


def test_the_callee_is_shown_where_there_are_no_hotlines(calls: pl.DataFrame):
    table = show(calls.drop("hotline", "user", "extension_number", "department_id"))

    assert content(table)["shown"][1:4] == ["caller", "callee", "agent"]
    assert "department_id" not in [each["name"] for each in widget(table).texts["columns"]]
    assert set(cells(table, "agent")) == {"…0001", "…0002", "…0003", "–"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("binh", 8), ("BÌNH", 8), ("tran  van", 8), ("Bình", 8), ("dam", 5), ("<B>đậm", 5)),
        *(("=1+1", 5), (".*", 0), ("(101)", 13), ("a b", 5), ("zzz", 0), ("", 30), ("  ", 30)),
    ],
)
def test_search_ignores_case_and_marks_and_takes_text_literally(
    table: MatchingCalls, text: str, count: int
):
    assert search(table, text) == count


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        *("0912345678", "0912 345 678", "+84912345678", "84912345678", "0912", "+84912", "84912"),
        *("0084912345", "(+84) 912"),
    ],
)
def test_shown_numbers_match_in_each_notation(calls: pl.DataFrame, text: str):
    table = show(calls.drop("note").with_columns(note=pl.lit(None, pl.String)), show_numbers=True)

    assert search(table, text) == 5


def test_old_and_toll_free_numbers_match(calls: pl.DataFrame):
    table = show(calls.with_columns(hotline=pl.lit(None, pl.String)), show_numbers=True)

    assert search(table, "0701234567") == search(table, "0120 123 4567") == 5
    assert search(table, "+84 1900 1234") == search(table, "19001234") == 5


def test_hidden_digits_match_nothing(calls: pl.DataFrame):
    """A part of a masked number matches only if the mask, which everyone sees, contains it."""
    number = "0912345678"
    table = show(calls.head(1).with_columns(note=pl.lit(f"Tel. {number}"), hotline=pl.lit(None)))
    shown = [calls.head(1).select(masked(pl.col("caller"))).item(), mask(f"Tel. {number}")]
    texts = [*shown, *(cells(table, name)[0] for name in ("callee", "agent", "department_id"))]
    parts = {number[start:end] for end in range(1, 11) for start in range(end)}
    assert {part for part in parts if count(table, part)} == {
        part for part in parts if any(part in text for text in texts)
    }
    assert count(table, "8491") == 1
    assert count(table, "84912") == 0


def test_a_search_reports_its_count_and_hides_a_typed_number(table: MatchingCalls):
    search(table, "binh")
    assert content(table)["found"] == (
        "8 of 30 calls match 'binh'. The search changes only this table: filters, cards, charts "
        "and files keep all 30 calls."
    )
    assert search(table, "0912345678") == 0
    assert "filter Number" in content(table)["found"]
    assert "345" not in str(content(table))


def test_pages_and_order_within_a_search_and_none_in_the_file(
    table: MatchingCalls, calls: pl.DataFrame
):
    send(table, "sort", column="caller")
    expected = calls.sort("caller", nulls_last=True, maintain_order=True)
    assert search(table, "n (") == 8  # Trần Văn An (101)
    started = cells(table, "started_at")
    send(table, "sort", column="started_at")
    send(table, "sort", column="started_at")

    assert cells(table, "started_at") == sorted(started, key=_moment)
    assert (content(table)["pages"], content(table)["sort"]) == (1, "started_at")
    send(table, "sort", column="caller")
    assert_frame_equal(table.frame(), expected)
    table.show(Selection(calls).where(pl.col("extension_id") == AN), "fewer")
    assert content(table)["found"].startswith("8 of 8 calls match")  # the search stays


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ["caller", "hotline", "agent", "call_state", "wait_s"])
def test_rows_are_sorted_as_the_values_of_any_selection(
    calls: pl.DataFrame, name: str, descending: bool
):
    """Texts are sorted by ranks, and a selection takes its rows from those of the whole table."""
    selection = Selection(calls).where(pl.col("note").is_not_null())
    columns = CallColumns(selection, Display(options=OPTIONS))
    rows = selection.row_indices
    keys = pl.DataFrame({"row": rows, "key": columns.values(name).gather(rows)})
    expected = keys.sort("key", descending=descending, nulls_last=True, maintain_order=True)

    assert selection.among(columns.sorted_rows(name, descending)).equals(expected["row"])


def test_a_search_states_that_it_is_being_prepared(
    table: MatchingCalls, monkeypatch: pytest.MonkeyPatch
):
    """On a page, the search does not wait; the rows follow when its texts are prepared."""
    may_end, prepare = threading.Event(), CallSearch.prepare

    def wait_and_prepare(self: CallSearch) -> object:
        assert may_end.wait(10)
        return prepare(self)

    monkeypatch.setattr(CallSearch, "prepare", wait_and_prepare)
    monkeypatch.setattr(matching_calls, "_SEARCH_WAIT_S", 0)

    async def texts() -> list[str]:
        send(table, "search", text="binh")
        send(table, "sort", column="caller")
        seen = [content(table)["found"], f"{len(content(table)['rows'])} rows"]
        may_end.set()
        async with asyncio.timeout(10):
            while content(table)["found"] == seen[0]:
                await asyncio.sleep(0.01)
        return [*seen, content(table)["found"][:32]]

    assert asyncio.run(texts()) == [
        "Preparing the search: this takes some seconds.",
        "12 rows",
        "8 of 30 calls match 'binh'. The ",
    ]


def _moment(text: str) -> tuple[int, str]:
    _, day, _, clock = text.split()
    return int(day), clock


def test_journeys_open_step_over_pages_and_close(table: MatchingCalls, calls: pl.DataFrame):
    ids = table.frame()["id"].to_list()
    send(table, "open", row=99)
    assert journey(table) == ""
    send(table, "open", row=11, width=600)
    summary = [each.value for each in walk(table) if isinstance(each, ui.HTML)]
    assert "Call 12 of 30: " in summary[0]
    assert f"Journey of call {ids[11]}: in, " in summary[1]
    assert f"Journey of call {ids[11]}" in journey(table)
    assert content(table)["open_row"] == 11
    press(table, "Next call")
    assert f"Journey of call {ids[12]}" in journey(table)  # of the next page
    assert (content(table)["page"], content(table)["open_row"]) == (1, 0)
    send(table, "step", by=-1)
    send(table, "step", by=-1)
    assert f"Journey of call {ids[10]}" in journey(table)
    send(table, "page", page=2)
    assert (content(table)["open_row"], journey(table) != "") == (None, True)
    send(table, "close")
    assert (journey(table), content(table)["page"], content(table)["focus_row"]) == ("", 0, 10)
    send(table, "step", by=1)
    assert journey(table) == ""
    send(table, "open", row=0)
    send(table, "step", by=-1)
    assert f"Journey of call {ids[0]}" in journey(table)
    press(table, "Close")
    assert content(table)["focus_row"] == 0


def test_a_journey_is_as_wide_as_the_table(table: MatchingCalls):
    output = next(each for each in walk(table) if isinstance(each, ui.Output))
    send(table, "resize", width=900)
    assert output.outputs == ()
    widths = []
    for kind, width in (("open", 100), ("open", 600), ("resize", 700)):
        send(table, kind, row=0, width=width)
        (spec,) = (
            data for mime, data in output.outputs[0]["data"].items() if mime.endswith("v5+json")
        )
        widths.append(spec["width"])

    assert widths == [80, 230, 330]


def test_another_order_closes_the_journey(table: MatchingCalls):
    send(table, "open", row=0)
    send(table, "sort", column="caller")

    assert journey(table) == ""
    assert (content(table)["open_row"], content(table)["focus_row"]) == (None, None)


def test_calls_without_any_text_can_be_searched(calls: pl.DataFrame):
    texts = ("caller", "callee", "note", "extension_id", "user", "extension_number", "hotline")
    table = show(calls.with_columns(pl.lit(None, pl.String).alias(name) for name in texts))

    assert search(table, "binh") == 0
    search(table, "")
    assert set(cells(table, "agent")) == {"–"}


def test_a_search_of_no_calls(calls: pl.DataFrame):
    table = show(calls.clear())

    assert search(table, "binh") == 0
    assert (content(table)["rows"], content(table)["where"]) == ([], "no calls")


@pytest.mark.parametrize("name", ["caller", "note", "agent", "call_state"])
def test_texts_of_a_column_are_texts_of_its_values(calls: pl.DataFrame, name: str):
    """The search maps distinct values, so the text of a value depends on that value alone."""
    selection = Selection(calls)
    columns = CallColumns(selection, Display(options=OPTIONS))
    values = columns.values(name)
    distinct = values.unique()
    texts = dict(zip(distinct, columns.texts(name, distinct), strict=True))

    assert columns.texts(name, values).to_list() == [texts[value] for value in values]
