"""Arguments of every chart: tables of calls, names, limits, options and coverage."""

import inspect
from collections.abc import Callable
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest
from support.chart_specs import longest_table, png, subtitle, tables, title

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.errors import InputError, UnknownName


def parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


LOGS = et.sample_logs()
CALLS = LOGS.calls
CALL_ID = CALLS.filter(direction="in", call_state="answered")["id"].item(0)
DIGITS = "0912345678"
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(charts, name)
    for name in charts.__all__
    if "calls" in inspect.signature(getattr(charts, name)).parameters
}
WITH_LIMIT = [name for name, each in FUNCTIONS.items() if "limit" in parameters(each)]
WITH_BY = [name for name, each in FUNCTIONS.items() if "by" in parameters(each)]
BY_ANY_DIMENSION = [name for name in WITH_BY if name != "control"]
"""The charts of any groups; a control chart has only days."""


def draw(name: str, calls: Any, **arguments: Any) -> Any:
    if name == "journey":
        return charts.journey(calls, **{"call_id": CALL_ID, **arguments})
    return FUNCTIONS[name](calls, **arguments)


def spec(chart: Any) -> Any:
    """The specification, for comparisons; test_charts.py validates those of all charts."""
    if isinstance(chart, charts.Gallery):
        return {name: spec(each) for name, each in chart}
    return chart.to_dict(validate=False)


def test_every_chart_is_tested():
    assert set(charts.__all__) - set(FUNCTIONS) == {"Gallery", "use_offline_renderer"}
    assert WITH_BY == [
        "answer_rate",
        "control",
        "group_limits",
        "measure_by",
        "outbound_answer_rate",
        "outbound_attempts",
        "outbound_hours",
        "outbound_levels",
        "patience",
        "time_to_callback",
    ]


# Calls.


@pytest.mark.slow
def test_a_selection_has_only_its_calls():
    inbound = CALLS.filter(direction="in")
    selection = et.metrics.Selection(CALLS).where(pl.col("direction").cast(pl.String) == "in")

    for name in ("answer_rate", "extension_performance", "erlangs", "agents_by_interval"):
        assert spec(draw(name, selection)) == spec(draw(name, inbound)), name


REJECTED: dict[str, tuple[Any, str]] = {
    "logs": (LOGS, "pass logs.calls"),
    "pandas": (type("DataFrame", (), {"__module__": "pandas.core.frame"})(), "pl.from_pandas"),
    "Arrow": (type("Table", (), {"__module__": "pyarrow.lib"})(), "pl.from_arrow"),
    "number": (int(DIGITS), "must be a Polars DataFrame or LazyFrame"),
    "missing column": (CALLS.drop("started_at"), "no column started_at"),
    "naive times": (
        CALLS.with_columns(cs.datetime().dt.replace_time_zone(None)),
        "have no time zone",
    ),
}


@pytest.mark.parametrize(("calls", "message"), REJECTED.values(), ids=REJECTED)
def test_other_histories_are_rejected_in_one_sentence(calls: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        charts.control(CALLS, history=calls)

    assert "\n" not in str(caught.value)
    assert DIGITS[1:] not in str(caught.value)


@pytest.mark.parametrize(("calls", "message"), REJECTED.values(), ids=REJECTED)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_other_tables_are_rejected_in_one_sentence(name: str, calls: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        draw(name, calls)

    assert "\n" not in str(caught.value)
    assert DIGITS[1:] not in str(caught.value)


# Options and coverage.


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_and_coverage_are_of_their_types(name: str):
    with pytest.raises(InputError, match=r"^options is a MetricOptions"):
        draw(name, CALLS, options={"threshold_s": DIGITS})
    if name != "journey":
        with pytest.raises(InputError, match=r"coverage .* logs\.report, or None; got CallLogs"):
            draw(name, CALLS, coverage=LOGS)


# Names.


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_ANY_DIMENSION)
def test_by_takes_a_name_or_a_sequence(name: str):
    expected = spec(draw(name, CALLS, by="weekday"))

    for by in (["weekday"], ("weekday",)):
        assert spec(draw(name, CALLS, by=by)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["offered", "answer_rate", "talk_s"])
def test_measure_takes_a_name_or_a_sequence(measure: str):
    for draw_measure in (charts.measure_by, charts.heatmap):
        expected = draw_measure(CALLS, measure=measure).to_dict()
        assert draw_measure(CALLS, measure=[measure]).to_dict() == expected


@pytest.mark.parametrize("measure", ["offered", "answer_rate", "asa_s"])
def test_combinations_have_the_values_of_summarize(measure: str):
    chart = charts.measure_by(CALLS, measure=measure, by=["weekday", "hour"], limit=400)
    table = et.summarize(CALLS, ["weekday", "hour"], [measure])

    rows = longest_table(chart, "key", "value", "count")
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    expected = [
        (f"{days[weekday - 1]}, {hour:02}", value) for weekday, hour, value in table.iter_rows()
    ]
    assert rows["key"].to_list() == [key for key, _ in expected]
    values = [None if value is None else round(value, 6) for _, value in expected]
    assert rows["value"].to_list() == values
    assert "by weekday and hour" in title(chart)


def test_combinations_have_the_answer_rates_of_summarize():
    by = ["direction", "call_state", "day"]
    chart = charts.answer_rate(CALLS, by=by, limit=400)
    table = et.summarize(CALLS, by, ["offered", "answer_rate"])

    rows = longest_table(chart, "key", "offered", "answer_rate")
    assert rows["offered"].to_list() == table["offered"].to_list()
    assert rows["key"].to_list() == [
        f"{direction or '(none)'}, {state or '(none)'}, {day:%a} {day.day} {day:%b %Y}"
        for direction, state, day, *_ in table.iter_rows()
    ]
    assert "by direction, call state and day" in title(chart)


def test_combinations_are_the_biggest_in_the_order_of_the_dimensions():
    by = ["weekday", "hour"]
    chart = charts.answer_rate(CALLS, by=by, limit=10)
    table = et.summarize(CALLS, by, ["offered"])

    rows = longest_table(chart, "key", "offered", "weekday", "hour")
    assert f"the 10 groups with the most offered calls, of {table.height}" in subtitle(chart)
    assert sorted(rows["offered"], reverse=True) == sorted(table["offered"], reverse=True)[:10]
    assert rows.equals(rows.sort("weekday", "hour"))


def test_combinations_of_masked_numbers_are_unique_and_hide_the_numbers():
    external = CALLS.head(90).with_columns(
        caller=pl.Series(["0912000001", "0912000101", "0912000201"] * 30)
    )
    chart = charts.measure_by(external, by=["caller", "weekday"], masked=True)

    keys = longest_table(chart, "key", "value")["key"].to_list()
    assert len(set(keys)) == len(keys) > 3
    assert all(key.startswith("091*****01, ") for key in keys)
    assert "0912000" not in chart.to_json()


def test_survival_curves_of_combinations_are_the_biggest_groups():
    by = ["direction", "call_state"]
    chart = charts.patience(CALLS, by=by, limit=3)
    medians = et.metrics.median_survival(et.metrics.patience(CALLS, by), by)

    biggest = medians.sort("n", descending=True).head(3)
    assert {row["key"] for row in tables(chart, "key", "survival")[0]} == {
        f"{direction}, {state}" for direction, state in biggest.select(by).iter_rows()
    }
    assert "by direction and call state" in title(chart)


@pytest.mark.slow
@pytest.mark.parametrize("draw_measure", [charts.measure_by, charts.heatmap])
def test_several_measures_are_charts_below_one_another(draw_measure: Callable[..., Any]):
    measures = ["offered", "answer_rate", "ring_avg_s"]
    chart = draw_measure(CALLS, measure=measures)
    single = [draw_measure(CALLS, measure=name) for name in measures]

    panels = chart.to_dict()["vconcat"]
    assert [" ".join(panel["title"]["text"]) for panel in panels] == [
        title(each) for each in single
    ]
    assert all(title(each) in chart.to_dict()["description"] for each in single)
    assert png(chart).startswith(b"\x89PNG")


def test_the_text_of_cells_contrasts_in_each_of_several_heatmaps():
    measures = ["offered", "missed"]
    panels = charts.heatmap(CALLS, measure=measures).to_dict()

    assert [each["name"] for each in panels["params"]] == ["theme"]
    for measure, panel in zip(measures, panels["vconcat"], strict=True):
        colours = [layer["encoding"].get("color", {}) for layer in panel["layer"]]
        conditions = [part for each in colours for part in each.get("condition", [])]
        assert [each["test"] for each in conditions] == [
            "theme === 'dark' ? datum.white_dark : datum.white_light"
        ], measure
        texts = next(
            each for each in panel["layer"] if "condition" in each["encoding"].get("color", {})
        )
        data = texts.get("data", panel.get("data"))
        cells = pl.DataFrame(panels["datasets"][data["name"]])
        for column, weaker in (("white_light", False), ("white_dark", True)):
            weak, strong = (
                cells.filter(pl.col(column) == each)["value"] for each in (weaker, not weaker)
            )
            assert weak.max() <= strong.min()  # type: ignore[operator]  # numbers


def test_labels_of_many_shares_fit_their_hours():
    few, many = (
        charts.measure_by(CALLS, measure="answer_rate", by=by) for by in ("weekday", "hour")
    )

    def texts(chart: Any) -> list[str]:
        spec = chart.to_dict()
        layer = next(each for each in spec["layer"] if each["mark"]["type"] == "text")
        return [row["text"] for row in spec["datasets"][layer["data"]["name"]]]

    assert all(text.endswith(" %") for text in texts(few))
    assert all(text.isdigit() for text in texts(many))


@pytest.mark.parametrize("name", WITH_BY)
def test_wrong_names_are_rejected_without_numbers(name: str):
    for wrong in ([], 3, {"day"}, ["day", int(DIGITS)], ["day", "day"], ["day", f"x{DIGITS}"]):
        if wrong == [] and name in ("outbound_attempts", "patience", "time_to_callback"):
            continue  # one curve of all calls
        with pytest.raises(InputError) as caught:
            draw(name, CALLS, by=wrong)
        assert DIGITS[1:7] not in str(caught.value)
    near = "Did you mean day" if name == "control" else "Did you mean hour"
    with pytest.raises(UnknownName, match=near):
        draw(name, CALLS, by=["weekday", "hours"])


def test_a_control_chart_has_only_days():
    by_day = spec(charts.control(CALLS, by="day"))

    assert spec(charts.control(CALLS, by=["day"])) == spec(charts.control(CALLS)) == by_day
    with pytest.raises(UnknownName, match="dimension of a control chart"):
        charts.control(CALLS, by="hour")
    with pytest.raises(UnknownName, match="answer_rate"):
        charts.control(CALLS, "answer_rat")


# Numbers.


@pytest.mark.parametrize("name", WITH_LIMIT)
def test_limit_is_a_number_of_rows(name: str):
    for wrong in (0, -1, 10_000, 1.5, True, "3", int(DIGITS), DIGITS):
        with pytest.raises(InputError, match=r"^limit is a number of rows from 1 to") as caught:
            draw(name, CALLS, limit=wrong)
        assert DIGITS[1:7] not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "column"),
    [
        ("answer_rate", {"by": "day"}, "key"),
        ("answer_rate", {"by": "callee"}, "key"),
        ("answer_rate", {"by": "direction"}, "key"),
        ("measure_by", {"by": "day"}, "key"),
        ("measure_by", {"by": "caller"}, "key"),
        ("extension_performance", {}, "number"),
        ("hunt_paths", {}, "path"),
        ("patience", {"by": "weekday"}, "label"),
        ("time_to_callback", {"by": "weekday"}, "label"),
        ("trunk_failures", {}, "trunk_name"),
    ],
    ids=str,
)
def test_limit_is_the_number_of_groups(name: str, arguments: dict[str, Any], column: str):
    def groups(**limit: int) -> set[str]:
        options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        chart = draw(name, CALLS, options=options, **arguments, **limit)
        return {row[column] for rows in tables(chart, column) for row in rows}

    assert len(groups()) > 1
    assert len(groups(limit=1)) == 1


def test_limit_of_days_is_the_latest():
    days = longest_table(charts.answer_rate(CALLS, by="day", limit=2), "key")["key"]

    assert days.to_list() == ["Sat 7 Nov 2026", "Sun 8 Nov 2026"]


def test_limit_of_a_journey_is_the_first_legs():
    legs = CALLS.select("id", legs=pl.col("call_targets").list.len()).sort("legs").row(-1)
    chart = charts.journey(CALLS, legs[0], limit=2)

    labels = {row["row"] for rows in tables(chart, "row") for row in rows}
    assert {label.partition(".")[0] for label in labels} == {"call", "1", "2"}
    assert f"the first 2 of {legs[1]} legs" in subtitle(chart)


ARGUMENTS = [
    (name, parameter)
    for name, function in FUNCTIONS.items()
    for parameter in parameters(function)
    if parameter not in ("calls", "options", "coverage", "masked", "trunk")
]
"""The arguments of each chart that are a number or the name of something that must exist."""


@pytest.mark.parametrize(("name", "parameter"), ARGUMENTS)
def test_a_phone_number_as_an_argument_is_rejected_without_its_digits(name: str, parameter: str):
    for wrong in (DIGITS, [int(DIGITS)]):
        with pytest.raises(InputError) as caught:
            draw(name, CALLS, **{parameter: wrong})

        assert DIGITS[1:7] not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_numbers_of_charts_are_checked():
    for wrong in (0, -5, float("nan"), float("inf"), DIGITS, True):
        with pytest.raises(InputError, match=r"^until_s is a number above 0"):
            charts.service_level(CALLS, until_s=wrong)
    with pytest.raises(InputError, match=r"^min_offers must be an integer of at least 0"):
        charts.extension_performance(CALLS, min_offers=-1)
    with pytest.raises(InputError, match=r"^own_numbers must be a list"):
        charts.measure_by(CALLS, own_numbers=DIGITS)


def test_own_numbers_are_a_list_or_a_tuple():
    as_list = charts.measure_by(CALLS, by="callee", masked=True, own_numbers=["19001234"])
    as_tuple = charts.measure_by(CALLS, by="callee", masked=True, own_numbers=("19001234",))

    assert as_list.to_dict() == as_tuple.to_dict()


# Public names.


def test_dir_lists_only_public_names():
    assert dir(charts) == sorted(charts.__all__)
    assert "agents_by_interval" in dir(charts)
    assert not hasattr(charts, "agents_needed")
