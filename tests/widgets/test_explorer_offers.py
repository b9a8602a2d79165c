"""A click on a chart of offers by person selects the calls with an offer to this person."""

import json
import random
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.examples import scaled
from support.widget_driver import control, press, put, visible_html, walk

import etelecom_analytics as et
from etelecom_analytics.errors import EtelecomError, InputError, QueryError, UnknownName
from etelecom_analytics.metrics import MEASURES, drill_through, summarize
from etelecom_analytics.metrics.dimensions import OWNER_DIMENSIONS
from etelecom_analytics.widgets.event_chart import EventChart
from etelecom_analytics.widgets.explorer.call_columns import short_ids
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.explorer.kpi_cards import KpiCards

SIMULATION = et.simulate_calls(300, seed=17, preset="full")
TRUTH = SIMULATION.truth
OPTIONS = et.MetricOptions(
    ivr_numbers=TRUTH.ivr_numbers,
    queue_numbers=TRUTH.queue_numbers,
    voicemail_numbers=TRUTH.voicemail_numbers,
)
OF_OFFERS = [
    name for name in MEASURES if MEASURES[name].grain == "offers" and name != "busy_offers"
]


@pytest.fixture(scope="module")
def logs() -> et.CallLogs:
    """Calls with the names of their people, one of whom took over the extension of another."""
    with et.simulator.serve(SIMULATION.calls) as server:
        server.directory = SIMULATION.directory
        with et.Client(server.base_url, server.api_key) as client:
            lists = et.fetch_extensions(client), et.fetch_users(client), et.fetch_hotlines(client)
            return et.fetch_calls(client, progress=False).with_names(*lists)


@pytest.fixture
def explorer(logs: et.CallLogs) -> et.Explorer:
    return et.Explorer(logs, options=OPTIONS, debounce_s=0)


def part(explorer: et.Explorer, kind: type) -> Any:
    return next(each for each in walk(explorer) if isinstance(each, kind))


def show(explorer: et.Explorer, measure: str, by: str) -> None:
    explorer.restore({**explorer.state(), "chart": {"tab": "group", "measure": measure, "by": by}})


def click(explorer: et.Explorer, key: str) -> None:
    """Click on a row of the chart, as the browser reports it."""
    part(explorer, EventChart)._handle_custom_msg({"kind": "click", "values": [key]}, [])


def bars(explorer: et.Explorer) -> dict[str, dict[str, Any]]:
    """The marks that can be clicked: what the chart states about each group, by its key."""
    spec = part(explorer, EventChart).chart["spec"]
    if "layer" not in spec:
        return {}
    hit = next(layer for layer in spec["layer"] if layer.get("name") == "groups")
    return {row["key"]: row for row in spec["datasets"][hit["data"]["name"]]}


def filtered_by_code(explorer: et.Explorer, logs: et.CallLogs) -> pl.DataFrame:
    names: dict[str, Any] = {"logs": logs, "display": lambda _: None}
    exec(explorer.code(), names)  # as a user does in a notebook  # noqa: S102
    return names["filtered"]


@pytest.mark.slow
@pytest.mark.parametrize("by", OWNER_DIMENSIONS)
def test_click_selects_the_calls_with_an_offer_to_the_person(
    by: str, explorer: et.Explorer, logs: et.CallLogs
):
    show(explorer, "offers", by)
    before = explorer.filtered
    offers = {key: row["value"] for key, row in bars(explorer).items()}
    key = max(offers, key=lambda each: (each != "(none)", offers[each]))
    assert "with an offer to this person" in visible_html(explorer)
    click(explorer, key)

    (value,) = explorer.offer_filters.values()
    assert (explorer.group_filters, explorer.query) == ({}, et.CallQuery(direction="in"))
    expected = drill_through(before, {by: value}, grain="offers", options=OPTIONS)
    assert_frame_equal(explorer.filtered, expected)
    assert bars(explorer)[key]["value"] == offers[key] > 0
    of_person = pl.col(by).eq_missing(pl.lit(value, pl.String))
    table = summarize(explorer.filtered, by, ["offers", "rna"], options=OPTIONS).filter(of_person)
    whole = summarize(before, by, ["offers", "rna"], options=OPTIONS).filter(of_person)
    assert table.row(0) == whole.row(0)
    # Not the calls that the person took, which the same chart of a measure of calls selects.
    assert explorer.filtered.height > before.filter(pl.col(by) == value).height
    assert before.height > explorer.filtered.height
    assert_says_what_is_selected(explorer, by, key)
    assert_frame_equal(filtered_by_code(explorer, logs), expected)
    kpis = summarize(expected, options=OPTIONS).row(0, named=True)
    assert dict(explorer.kpis.select("measure", "after").iter_rows()) == kpis


def assert_says_what_is_selected(explorer: et.Explorer, by: str, key: str) -> None:
    """The text of the state, the KPI cards, the table, the button and the code."""
    text = f"with an offer to {by.replace('_', ' ')} {key}"
    assert f"calls {text}" in visible_html(explorer)
    assert f"calls {text}" in repr(explorer)
    assert f"Calls {text}." in part(explorer, KpiCards).value
    caption = f"{explorer.filtered.height:,} matching calls, {text}, external numbers masked"
    assert part(explorer, CallTable).content["caption"] == caption
    chip = short_ids(f"offer to {by.replace('_', ' ')}: {key}")
    assert control(explorer, f"{chip}  ✕")
    assert "# The calls with an offer to this person" in explorer.code()
    assert 'grain="offers"' in explorer.code()


@pytest.mark.slow
def test_several_people_select_the_calls_with_an_offer_to_any(
    explorer: et.Explorer, logs: et.CallLogs
):
    show(explorer, "offers", "user")
    before, shown = explorer.filtered, bars(explorer)
    first, second = [key for key in shown if key != "(none)"][:2]
    click(explorer, first)
    message = {"kind": "click", "values": [second], "add": True}
    part(explorer, EventChart)._handle_custom_msg(message, [])

    assert explorer.offer_filters == {"user": sorted([first, second])}
    people = {"user": [first, second]}
    expected = drill_through(before, people, grain="offers", options=OPTIONS)
    assert_frame_equal(explorer.filtered, expected)
    assert_frame_equal(filtered_by_code(explorer, logs), expected)
    assert bars(explorer) == shown
    assert f"{', '.join(sorted([first, second]))}" in part(explorer, CallTable).content["caption"]


@pytest.mark.slow
def test_undo_second_click_button_and_saved_state(explorer: et.Explorer, logs: et.CallLogs):
    show(explorer, "rna", "user")
    before, key = explorer.filtered, next(iter(bars(explorer)))
    click(explorer, key)
    selected, state = explorer.filtered, explorer.state()
    assert selected.height < before.height

    explorer.undo()
    assert explorer.offer_filters == {}
    assert_frame_equal(explorer.filtered, before)
    explorer.redo()
    assert_frame_equal(explorer.filtered, selected)
    click(explorer, key)
    assert_frame_equal(explorer.filtered, before)
    click(explorer, key)
    press(explorer, f"offer to user: {key}  ✕")
    assert (explorer.offer_filters, explorer.filtered.height) == ({}, before.height)
    other = et.Explorer(logs, options=OPTIONS, debounce_s=0)
    other.restore(json.loads(json.dumps(state)))
    assert (other.state(), other.offer_filters) == (state, {"user": key})
    assert_frame_equal(other.filtered, selected)
    put(other, "Direction", "out")  # a control keeps the filter
    assert other.offer_filters == {"user": key}
    press(other, "Reset")
    assert other.offer_filters == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(scaled(3, at_least=1)))
def test_every_click_keeps_the_number_of_the_chart(explorer: et.Explorer, seed: int):
    """In any order of measures and dimensions, also after clicks on outcomes and on calls."""
    source = random.Random(seed)
    for clicks, by in enumerate(source.sample(OWNER_DIMENSIONS, 4), start=1):
        show(explorer, source.choice(OF_OFFERS), by)
        if not bars(explorer):  # such as the rings of offers that never rang
            show(explorer, "offers", by)
        key = source.choice([*bars(explorer)])
        value = bars(explorer)[key]["value"]
        click(explorer, key)

        assert len(explorer.offer_filters) == clicks
        assert bars(explorer)[key]["value"] == value
        if source.random() < 0.4:
            show(explorer, *source.choice([("offers", "outcome"), ("calls", "weekday")]))
            click(explorer, source.choice([*bars(explorer)]))


def test_person_of_the_call_stays_a_filter_of_calls(explorer: et.Explorer, logs: et.CallLogs):
    """A measure of calls by user; then the outcomes of all offers of these calls."""
    show(explorer, "answered", "user")
    assert "with an offer to this person" not in visible_html(explorer)
    key = next(iter(bars(explorer).keys() - {"(none)"}))
    answered = bars(explorer)[key]["value"]
    click(explorer, key)
    assert (explorer.group_filters, explorer.offer_filters) == ({"user": key}, {})
    assert explorer.kpis.filter(measure="offered")["after"].item() == answered
    show(explorer, "offers", "outcome")
    row = next(row for row in bars(explorer).values() if row["key"] != "answered")
    click(explorer, row["key"])

    assert explorer.group_filters == {"outcome": row["key"], "user": key}
    assert set(explorer.filtered["user"]) == {key}
    assert bars(explorer)[row["key"]]["value"] == row["value"]
    assert_frame_equal(filtered_by_code(explorer, logs), explorer.filtered)


def test_without_owners_a_click_selects_by_the_person_of_the_call(logs: et.CallLogs):
    calls = logs.calls.drop("target_owners")
    explorer = et.Explorer(calls, options=OPTIONS, debounce_s=0)
    show(explorer, "offers", "user")
    key = next(iter(bars(explorer).keys() - {"(none)"}))
    offers = bars(explorer)[key]["value"]
    click(explorer, key)

    assert (explorer.group_filters, explorer.offer_filters) == ({"user": key}, {})
    assert bars(explorer)[key]["value"] == offers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("filters", "error", "message"),
    [
        ({"users": "An"}, UnknownName, "user"),
        ({"hour": 9}, UnknownName, "dimension 'hour'"),
        ({"user": 9}, InputError, "user cannot be 9"),
        ("An", QueryError, "offer_filters is a dictionary"),
    ],
)
def test_invalid_offer_filters_change_nothing(
    explorer: et.Explorer, filters: Any, error: type[EtelecomError], message: str
):
    before = explorer.state()
    with pytest.raises(error, match=message):
        explorer.restore({"offer_filters": filters})
    assert explorer.state() == before
