"""What all panels accept, refuse and return; and that they can be copied but not pickled."""

import copy
import importlib
import json
import pickle
import re
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal
from support.widget_driver import control, press, put, visible_html

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.widgets.panel import Panel

LOGS = et.sample_logs()
CALLS = LOGS.calls
NUMBER = "0912345678"
PANELS = ("Desk", "Explorer", "FetchPanel", "FilterPanel")


def no_fetch(query: et.CallQuery, on_progress: object, stop: object) -> Any:
    raise AssertionError("unexpected fetch")


def make(name: str) -> Any:
    """A panel with this name."""
    match name:
        case "Desk":
            return et.Desk(fetch=no_fetch, as_of="2026-11-08")
        case "Explorer":
            return et.Explorer(LOGS, debounce_s=0)
        case "FetchPanel":
            return et.FetchPanel(fetch=no_fetch, as_of="2026-11-08")
        case "FilterPanel":
            return et.FilterPanel(CALLS, debounce_s=0)
    return et.ChartView(make("FilterPanel"), et.charts.answer_rate)


def assert_one_safe_sentence(error: BaseException) -> None:
    text = str(error)
    assert "\n" not in text
    assert "12345" not in re.sub(r"\D", "", text), text
    assert len(text) < 1000
    assert text.endswith((".", "?")), text


# Tables of calls.

EQUIVALENT: dict[str, Callable[[], Any]] = {
    "DataFrame": lambda: CALLS,
    "LazyFrame": CALLS.lazy,
    "Selection": lambda: et.metrics.Selection(CALLS),
    "times in another zone": lambda: CALLS.with_columns(
        cs.datetime().dt.convert_time_zone("America/New_York")
    ),
    "nanoseconds": lambda: CALLS.with_columns(cs.datetime().dt.cast_time_unit("ns")),
    "text in place of Enum": lambda: CALLS.with_columns(cs.by_dtype(pl.Enum).cast(pl.String)),
    "Categorical": lambda: CALLS.with_columns(
        cs.by_name("direction", "call_state", "extension_id").cast(pl.String).cast(pl.Categorical)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("source", EQUIVALENT.values(), ids=EQUIVALENT)
@pytest.mark.parametrize("kind", [et.FilterPanel, et.Explorer])
def test_panels_accept_any_table_of_calls(kind: Any, source: Callable[[], Any]):
    panel = kind(source(), debounce_s=0)
    panel.restore({"direction": "in", "dates": "yesterday"})

    query = et.CallQuery(direction="in", date_from="2026-11-07", date_to="2026-11-08")
    expected = CALLS.filter(query.to_expr())
    assert expected.height > 0
    assert_frame_equal(panel.filtered, expected)
    assert et.summarize(panel.selection).equals(et.summarize(expected))
    names: dict[str, Any] = {"calls": source(), "display": lambda _: None}
    exec(panel.code(), names)  # as a user does in a notebook  # noqa: S102
    assert names["filtered"]["id"].equals(expected["id"])


def test_selection_limits_a_panel():
    outbound = et.metrics.Selection(CALLS).where(pl.col("direction") == "out")
    panel = et.FilterPanel(outbound)

    assert panel.selection.height == outbound.height < CALLS.height
    assert f"{outbound.height} of {outbound.height} calls" in visible_html(panel)
    panel.restore({"direction": "in"})
    assert panel.filtered.height == 0


@pytest.mark.slow
def test_panels_of_the_same_table_share_computed_facts():
    panels = [et.FilterPanel(CALLS), et.Explorer(LOGS), et.Explorer(CALLS)]

    assert len({id(panel.selection._table) for panel in panels}) == 1


REFUSED: dict[str, tuple[Any, str]] = {
    "None": (None, "got NoneType"),
    "a list": ([NUMBER], "got list"),
    "text": (NUMBER, "got str"),
    "pandas": (type("DataFrame", (), {"__module__": "pandas.core.frame"})(), "pl.from_pandas"),
    "Arrow": (type("Table", (), {"__module__": "pyarrow.lib"})(), "pl.from_arrow"),
    "another table": (pl.DataFrame({"id": ["1"]}), "have no columns"),
    "a missing column": (CALLS.drop("caller"), "no column caller"),
    "naive times": (CALLS.with_columns(cs.datetime().dt.replace_time_zone(None)), "no time zone"),
    "numbers as callers": (CALLS.with_columns(caller=pl.lit(912345678)), "leading zeros"),
}


@pytest.mark.parametrize(("calls", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("kind", [et.FilterPanel, et.Explorer])
def test_other_values_are_refused_in_one_sentence(kind: Any, calls: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        kind(calls)
    assert_one_safe_sentence(caught.value)


@pytest.mark.slow
def test_explorer_of_a_table_states_that_coverage_is_unknown(tmp_path: Path):
    calls = CALLS.drop("note")
    explorer = et.Explorer(calls, debounce_s=0)
    put(explorer, "Dates", "today")

    assert explorer.query == et.CallQuery(
        direction="in", date_from="2026-11-08", date_to="2026-11-09"
    )
    assert "a table does not state which days were fetched" in visible_html(explorer)
    assert explorer.kpis["difference"].null_count() == explorer.kpis.height
    assert explorer.kpis["after"].null_count() == 0
    assert 'as_of="2026-11-09"' in explorer.code()
    assert "coverage" not in explorer.code()
    assert "logs" not in explorer.code()
    file = pl.read_parquet(explorer.export(tmp_path / "calls.parquet"))
    assert file["id"].to_list() == explorer.filtered["id"].to_list()
    assert "note" not in file.columns

    empty = et.Explorer(calls.clear(), debounce_s=0)
    assert empty.filtered.height == 0
    assert "today" not in repr(empty)
    put(empty, "Dates", "today")
    assert "No call has a start time" in visible_html(empty)


# Other arguments.

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "query as text": (lambda: et.FilterPanel(CALLS, query=NUMBER), "query is a CallQuery"),  # type: ignore[arg-type]
    "query as a dict": (
        lambda: et.Explorer(LOGS, query={"call_number": NUMBER}),  # type: ignore[arg-type]
        "query is a CallQuery",
    ),
    "query of a fetch": (
        lambda: et.FetchPanel(fetch=no_fetch, query=3),  # type: ignore[arg-type]
        "query is a CallQuery",
    ),
    "an empty query": (lambda: et.Explorer(LOGS, query=""), "query is a CallQuery"),  # type: ignore[arg-type]
    "a client": (lambda: et.FetchPanel(fetch=NUMBER), "fetch is a function"),  # type: ignore[arg-type]
    "time zone": (lambda: et.FilterPanel(CALLS, time_zone=NUMBER), "no time zone"),
    "time zone of a fetch": (
        lambda: et.FetchPanel(fetch=no_fetch, time_zone=NUMBER),
        "no time zone",
    ),
    "as_of": (lambda: et.FilterPanel(CALLS, as_of=NUMBER), "as_of must be a date"),
    "as_of of a fetch": (
        lambda: et.FetchPanel(fetch=no_fetch, as_of=NUMBER),
        "as_of must be a date",
    ),
    "delay as text": (lambda: et.FilterPanel(CALLS, debounce_s=NUMBER), "debounce_s is a number"),  # type: ignore[arg-type]
    "negative delay": (lambda: et.Explorer(LOGS, debounce_s=-1), "debounce_s is a number"),
    "delay that never ends": (
        lambda: et.Explorer(LOGS, debounce_s=float("nan")),
        "debounce_s is a number",
    ),
    "options": (lambda: et.Explorer(LOGS, options=NUMBER), "options are"),  # type: ignore[arg-type]
    "a switch as text": (lambda: et.Explorer(LOGS, show_numbers="no"), "show_numbers is True"),  # type: ignore[arg-type]
    "one own number": (lambda: et.Explorer(LOGS, own_numbers=NUMBER), "own_numbers must be"),
    "own numbers as integers": (
        lambda: et.Explorer(LOGS, own_numbers=[912345678]),  # type: ignore[list-item]
        "own_numbers must be",
    ),
    "a view of a table": (lambda: et.ChartView(CALLS, et.charts.answer_rate), "follows a Filter"),  # type: ignore[arg-type]
    "a view of no function": (
        lambda: et.ChartView(et.FilterPanel(CALLS), NUMBER),  # type: ignore[arg-type]
        "draw is a function",
    ),
}


@pytest.mark.parametrize(("build", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_refused_in_one_sentence(build: Callable[[], object], message: str):
    with pytest.raises(InputError, match=message) as caught:
        build()
    assert_one_safe_sentence(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("own_numbers", [["19000123"], ("19000123",), [], ()])
def test_own_numbers_are_a_list_or_a_tuple(own_numbers: Any):
    explorer = et.Explorer(LOGS, own_numbers=own_numbers, debounce_s=0)

    assert ("19000123" in explorer.code()) is bool(own_numbers)


# Messages.

_SHARED_STATES: list[Any] = [
    NUMBER,
    [NUMBER],
    {NUMBER: "in"},
    {f"direction\n{NUMBER}": "in"},
    {"0912 345 678": "in"},
    {912345678: "in"},
    {"direction": NUMBER},
    {"call_state": [NUMBER]},
    {"dates": NUMBER},
    {"dates": [NUMBER]},
    {"dates": "today", "date_from": NUMBER},
    {"date_from": NUMBER},
    {"date_to": 912345678},
    {"duration": NUMBER},
    {"duration": [NUMBER, NUMBER]},
    {"call_number": 912345678},
    {"call_number": [NUMBER]},
    {"extension_ids": NUMBER},
    {"extension_ids": [f"+84{NUMBER}"]},
    {"user_id": f"x{NUMBER}"},
    {"time_zone": NUMBER},
    {"time_zone": [NUMBER]},
]
_EXPLORER_STATES: list[Any] = [
    {"group_filters": NUMBER},
    {"group_filters": [NUMBER]},
    {"group_filters": {NUMBER: 9}},
    {"group_filters": {"0912 345 678": 9}},
    {"group_filters": {"hour": NUMBER}},
    {"group_filters": {"day": NUMBER}},
    {"group_filters": {"caller": 912345678}},
    {"group_filters": {"caller": [[NUMBER]]}},
    {"group_filters": {"caller": [NUMBER, 912345678]}},
    {"group_filters": {"weekday_hour": [NUMBER]}},
    {"chart": NUMBER},
    {"chart": {NUMBER: "time"}},
    {"chart": {"tab": NUMBER}},
    {"chart": {"measure": ["0912 345 678"]}},
    {"chart": {"by": "0912 345 678"}},
    {"chart": {"by": [NUMBER]}},
]


_STATES = [
    *((name, state) for name in PANELS for state in _SHARED_STATES),
    *(("Explorer", state) for state in _EXPLORER_STATES),
]


@pytest.fixture(scope="module")
def panels() -> dict[str, Any]:
    return {name: make(name) for name in PANELS}


@pytest.mark.parametrize(("name", "state"), _STATES, ids=repr)
def test_message_about_a_state_has_no_number(name: str, state: Any, panels: dict[str, Any]):
    panel = panels[name]
    before = panel.state()
    with pytest.raises(InputError) as caught:
        panel.restore(state)

    assert_one_safe_sentence(caught.value)
    assert panel.state() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [f"{NUMBER}.xls", f"{NUMBER}/calls.csv", f"{NUMBER}.csv", 912345678, [NUMBER]]
)
def test_message_about_a_file_has_no_number(
    path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{NUMBER}.csv").touch()
    explorer = et.Explorer(LOGS, debounce_s=0)
    with pytest.raises(InputError) as caught:
        explorer.export(path)
    assert_one_safe_sentence(caught.value)

    if isinstance(path, str):
        put(explorer, "File", path)
        press(explorer, "Write file")
        assert 'role="alert"' in visible_html(explorer)
        assert NUMBER not in visible_html(explorer)


def test_error_of_another_package_is_one_short_line_without_numbers():
    panel = et.FilterPanel(CALLS, debounce_s=0)
    panel.observe_query(lambda _: CALLS.select(pl.col(f"{NUMBER}\n" * 200)))
    put(panel, "Direction", "in")

    alert = re.findall(r'role="alert"[^>]*>(.*?)</div>', visible_html(panel), re.DOTALL)
    assert len(alert) == 1
    assert alert[0].startswith("A callback failed: ColumnNotFoundError: ")
    assert NUMBER not in alert[0]
    assert "\n" not in alert[0]
    assert len(alert[0]) < 500


# Copies, pickles and names.


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PANELS, "ChartView"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused_in_one_sentence(name: str, protocol: int, panels: dict[str, Any]):
    panel = panels[name] if name in panels else make(name)
    with pytest.raises(TypeError, match=rf"^{name} cannot be pickled.* state\(\)") as caught:
        pickle.dumps(panel, protocol)
    assert_one_safe_sentence(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", PANELS)
def test_copy_has_the_same_state_and_is_independent(name: str, copied: Callable[[Any], Any]):
    panel = make(name)
    panel.restore({"direction": "out", "dates": "yesterday"})
    other = copied(panel)

    assert type(other) is type(panel)
    assert other.state() == panel.state()
    assert (other.query, other.code()) == (panel.query, panel.code())
    if name not in ("Desk", "FetchPanel"):
        assert_frame_equal(other.filtered, panel.filtered)
    put(other, "Direction", "in")
    assert (other.query.direction, panel.query.direction) == ("in", "out")
    press(other, "Reset")
    fresh = make(name)
    assert other.state() == fresh.state()
    other.close()
    assert control(panel, "Direction").comm is not None


def test_copy_of_a_chart_follows_the_same_panel():
    view = make("ChartView")
    before = view.description
    for other in (copy.copy(view), copy.deepcopy(view)):
        assert other is not view
        assert other.description == view.description
    other._panel.restore({"direction": "in"})
    assert view._panel is not None
    assert before == make("ChartView").description


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PANELS, "ChartView"])
def test_panels_are_compared_by_identity(name: str):
    panel, other = make(name), make(name)

    assert panel == panel
    assert panel != other
    assert len({panel, other}) == 2


@pytest.mark.parametrize("name", ["widgets", "widgets.explorer"])
def test_dir_lists_only_public_names(name: str):
    module = importlib.import_module(f"etelecom_analytics.{name}")

    assert dir(module) == sorted(module.__all__)
    assert all(getattr(module, each).__doc__ for each in module.__all__)


def _returned_types(kind: type) -> Iterator[type]:
    """The types of this package in the return annotations of the public methods of a panel."""
    for owner in (kind, Panel):
        for name, member in vars(owner).items():
            function = member.fget if isinstance(member, property) else member
            if name.startswith("_") or not callable(function) or isinstance(function, type):
                continue
            hint = typing.get_type_hints(function).get("return")
            for each in (hint, *typing.get_args(hint)):
                if getattr(each, "__module__", "").startswith("etelecom_analytics"):
                    yield each


@pytest.mark.parametrize("name", [*PANELS, "ChartView"])
def test_returned_types_have_a_public_path(name: str):
    public = [getattr(owner, each) for owner in (et, et.metrics) for each in owner.__all__]

    types = set(_returned_types(getattr(et, name)))
    assert et.CallQuery in types
    assert all(each in public for each in types)


def test_state_is_json(panels: dict[str, Any]):
    for panel in panels.values():
        assert json.loads(json.dumps(panel.state())) == panel.state()


# marimo runs no Jupyter widgets.


@pytest.mark.parametrize("name", PANELS)
def test_marimo_shows_a_sentence_and_the_facts(name: str):
    panel = make(name)
    kind, text = panel._mime_()

    assert kind == "text/html"
    assert f"{name}: marimo does not show its controls; open the notebook in JupyterLab" in text
    assert facts_of(text) == facts_of(panel._repr_html_())


def facts_of(text: str) -> str:
    """The table of facts without its title."""
    return text.partition("</caption>")[2]


def test_marimo_shows_the_chart_of_a_view():
    view = make("ChartView")
    kind, spec = view._mime_()

    assert kind == "application/vnd.vegalite.v5+json"
    assert json.loads(spec)["description"] == view.description
    assert "currentColor" not in spec  # marimo draws on a canvas, which inherits no colour

    failed = et.ChartView(make("FilterPanel"), lambda _: None)  # type: ignore[arg-type]
    assert failed._mime_() == ("text/plain", failed.description)
    assert "The chart failed" in failed.description
