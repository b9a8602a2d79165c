"""One contract for every public function: its input, its result, its options and its messages.

The functions and their parameters are read from the package, so a new one is tested too.
"""

import copy
import importlib.util
import inspect
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import altair as alt
import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples, some

import etelecom_analytics as et
from etelecom_analytics.errors import EtelecomError, InputError

LOGS = et.sample_logs()
CALLS = LOGS.calls
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
NAMESPACES = {"et": et, "metrics": et.metrics, "charts": et.charts, "reports": et.reports}
NUMBER = "0912345678"


def public_functions() -> dict[str, Callable[..., Any]]:
    """The public functions by their path; a function with two paths is listed once."""
    functions: dict[str, Callable[..., Any]] = {}
    for path, namespace in NAMESPACES.items():
        for name in namespace.__all__:
            value = getattr(namespace, name)
            if inspect.isfunction(value) and value not in functions.values():
                functions[f"{path}.{name}"] = value
    return functions


FUNCTIONS = public_functions()
ARGUMENTS: dict[str, Any] = {
    "calls": CALLS,
    "before": CALLS,
    "after": CALLS,
    "logs": LOGS,
    "call_id": CALLS["id"][0],
    "group": {"weekday": 1},
    "measure": "answered",
    "measures": "answered",
    "coverage": LOGS.report,
    "partials": et.partial(CALLS, "hour", [*et.metrics.DEFAULT_MEASURES, "answered"]),
    "report": LOGS.report,
    "query": et.CallQuery(date_from="2026-11-04", date_to="2026-11-05"),
    "key": "a key of a pseudonym, long enough",
    "result": et.metrics.concurrency(CALLS),
    "table": et.metrics.patience(CALLS),
    "times": pl.DataFrame({"time_s": [1.0, 2.0], "event": [True, False]}),
    "traffic": 5.0,
    "lines": 8,
    "days": 2,
    "talk_s": 120.0,
    "patience_s": 90.0,
    "threshold_s": 20.0,
    "code": 486,
    "portal": {"calls": 400},
    "tariff": et.Tariff(per_second={"viettel": "7.5", "default": "13.4"}),
    "numerator": pl.lit(1),
    "denominator": pl.lit(2),
}
"""A valid argument for each parameter without a default."""


def dimension_of(function: Callable[..., Any]) -> str:
    """A dimension that this function accepts."""
    if function is et.charts.control:
        return "day"
    return "trunk_name" if function is et.metrics.fail_codes else "hour"


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def arguments_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Valid arguments for all parameters without a default."""
    values = ARGUMENTS | {"agents": 8}
    return {
        name: dimension_of(function) if name == "by" else values[name]
        for name, parameter in parameters(function).items()
        if parameter.default is parameter.empty
    }


def comparable(result: Any) -> Any:
    """The result as a value that can be compared."""
    if isinstance(result, pl.LazyFrame):
        return result.collect()
    if isinstance(result, et.metrics.Selection):
        return result.calls
    if isinstance(result, pl.DataFrame):
        return result
    if isinstance(result, et.charts.Gallery):
        return {name: comparable(chart) for name, chart in result}
    if isinstance(result, alt.TopLevelMixin):
        return result.to_dict(validate=False)  # the tests of charts validate all of them
    if hasattr(result, "to_dict"):
        return result.to_dict()
    if hasattr(result, "_repr_html_"):
        return re.sub(r"[0-9a-f]{32}", "", result._repr_html_())
    return result


@cache
def result_of(function: Callable[..., Any]) -> Any:
    """The result with valid arguments, computed once for all tests of the function."""
    return function(**arguments_of(function))


@cache
def expected_of(function: Callable[..., Any]) -> Any:
    """The same as a value that can be compared."""
    return comparable(result_of(function))


def assert_same(result: Any, expected: Any) -> None:
    if isinstance(expected, pl.DataFrame):
        assert_frame_equal(result, expected)
    else:
        assert result == expected


def with_parameter(*names: str) -> list[Any]:
    """The functions that have one of these parameters, as parameters of a test."""
    return [
        pytest.param(function, id=path)
        for path, function in FUNCTIONS.items()
        if set(names) & set(parameters(function))
    ]


def needs_files(function: Callable[..., Any]) -> bool:
    return bool({"path", "folder"} & set(parameters(function)))


def refusal(function: Callable[..., Any], **changes: Any) -> str:
    """The message with which the function refuses these arguments."""
    with pytest.raises(InputError) as caught:
        comparable(function(**(arguments_of(function) | changes)))
    message = str(caught.value)
    assert "\n" not in message
    assert not re.search(r"\d{6}", message), message
    return message


def test_functions_are_found():
    names = {"et.summarize", "metrics.explain", "charts.answer_rate", "reports.kpis"}
    assert names <= set(FUNCTIONS)
    assert len(with_parameter("calls")) > 40


# 1. Names.


@pytest.mark.slow
@pytest.mark.parametrize("function", with_parameter("by"))
def test_by_is_one_name_or_a_sequence(function: Any):
    one = dimension_of(function)
    arguments = arguments_of(function)
    if function is et.metrics.explain:
        arguments["at"] = 9
    if function in (et.metrics.kaplan_meier, et.metrics.median_survival):
        data = {"hour": [9, 9], "time_s": [1.0, 2.0], "event": [True, False]}
        arguments["times"] = pl.DataFrame(data)
        arguments["table"] = et.metrics.patience(CALLS, "hour")
        arguments = {name: arguments[name] for name in parameters(function) if name in arguments}
    expected = comparable(function(**(arguments | {"by": one})))

    if not function.__module__.startswith("etelecom_analytics.charts"):
        for by in ([one], (one,)):
            assert_same(comparable(function(**(arguments | {"by": by}))), expected)
    for wrong in (3, {one: 1}, [3]):
        with pytest.raises(InputError):
            comparable(function(**(arguments | {"by": wrong})))


@pytest.mark.parametrize("function", with_parameter("measures"))
def test_measures_are_one_name_or_a_sequence(function: Any):
    arguments = arguments_of(function)
    expected = comparable(function(**(arguments | {"measures": "answered"})))

    for measures in (["answered"], ("answered",)):
        assert_same(comparable(function(**(arguments | {"measures": measures}))), expected)
    for wrong in (3, ["answered", "answered"], {"answered"}):
        assert refusal(function, measures=wrong).startswith("measures ")


# 2. and 3. Calls.

ENUM_AS_TEXT = cs.by_dtype(pl.Enum).cast(pl.String)
EQUIVALENT = {
    "another zone, Enum as String": [
        cs.datetime().dt.convert_time_zone("America/New_York"),
        ENUM_AS_TEXT,
    ],
    "nanoseconds, Enum as Categorical": [
        cs.datetime().dt.cast_time_unit("ns"),
        ENUM_AS_TEXT.cast(pl.Categorical),
    ],
}
KEEP_THEIR_INPUT = ("call_targets", "mask_numbers", "pseudonymize", "inward", "drill_through")
"""Functions that return calls or legs: in the type of their input, a Selection for a Selection."""


def calls_parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in ("calls", "before", "after") if name in parameters(function)]


@pytest.mark.slow
@pytest.mark.parametrize("function", with_parameter("calls", "before"))
def test_a_selection_gives_the_same_as_its_table(function: Any):
    if function.__name__ in ("call_targets", "mask_numbers", "pseudonymize"):
        pytest.skip("takes a DataFrame or a LazyFrame")
    arguments = arguments_of(function)
    selected = dict.fromkeys(calls_parameters(function), et.metrics.Selection(CALLS))
    expected, result = result_of(function), function(**(arguments | selected))

    assert_same(comparable(result), expected_of(function))
    if isinstance(expected, pl.DataFrame) and function.__name__ not in KEEP_THEIR_INPUT:
        assert isinstance(result, pl.DataFrame)


@pytest.mark.slow
@pytest.mark.parametrize("function", with_parameter("calls", "before"))
def test_a_lazy_frame_gives_a_lazy_frame_unless_the_function_collects(function: Any):
    arguments = arguments_of(function)
    lazy = dict.fromkeys(calls_parameters(function), CALLS.lazy())
    expected, result = result_of(function), function(**(arguments | lazy))

    assert_same(comparable(result), expected_of(function))
    if isinstance(expected, pl.DataFrame) and not isinstance(result, pl.LazyFrame):
        assert "Collects." in (inspect.getdoc(function) or "").partition("Args:")[0]


@pytest.mark.slow
@pytest.mark.parametrize("changed", EQUIVALENT.values(), ids=EQUIVALENT)
@pytest.mark.parametrize("function", with_parameter("calls", "before"))
def test_tables_of_other_types_give_equal_results(function: Any, changed: list[pl.Expr]):
    if function.__name__ == "call_targets":
        pytest.skip("its columns are the legs, whose types do not change here")
    arguments = arguments_of(function)
    tables = dict.fromkeys(calls_parameters(function), CALLS.with_columns(changed))
    result, expected = comparable(function(**(arguments | tables))), expected_of(function)

    if isinstance(expected, pl.DataFrame) and function.__name__ in KEEP_THEIR_INPUT:
        assert result.shape == expected.shape
        assert result["id"].equals(expected["id"])
    else:
        assert_same(result, expected)


REFUSED: dict[str, Any] = {
    "a list": [1, 2],
    "a number": NUMBER,
    "CallLogs": LOGS,
    "pandas": type("DataFrame", (), {"__module__": "pandas.core.frame"})(),
    "Arrow": type("Table", (), {"__module__": "pyarrow.lib"})(),
    "no columns": CALLS.select("external_id"),
    "naive times": CALLS.with_columns(
        cs.datetime().dt.replace_time_zone(None), call_targets=pl.lit(0), caller=pl.lit(1)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("calls", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("function", with_parameter("calls", "before"))
def test_other_tables_are_refused_in_one_sentence(function: Any, calls: Any):
    if function in (et.mask_numbers, et.pseudonymize) and calls is REFUSED["no columns"]:
        pytest.skip("masks the columns of numbers that a table has")
    for name in calls_parameters(function):
        assert len(refusal(function, **{name: calls})) < 400


# 6. Options and confidence.


def reloaded_options() -> type:
    """The class MetricOptions of another import of its module, as after a reload."""
    spec = importlib.util.find_spec("etelecom_analytics.metrics.options")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reloaded: type = module.MetricOptions
    assert reloaded is not et.MetricOptions
    return reloaded


RELOADED = reloaded_options()


TAKE_OPTIONS = [each for each in with_parameter("options") if not needs_files(each.values[0])]


@pytest.mark.parametrize("function", TAKE_OPTIONS)
def test_options_are_metric_options(function: Any):
    for wrong in (5, NUMBER, {"threshold_s": 30}, CALLS, None):
        if wrong is None and parameters(function)["options"].default is None:
            continue
        assert "MetricOptions" in refusal(function, options=wrong)


@pytest.mark.slow
@pytest.mark.parametrize("function", some(TAKE_OPTIONS, at_least=25))
def test_options_from_before_a_reload_are_accepted_if_they_fit(function: Any):
    arguments = arguments_of(function)
    old = RELOADED(ivr_numbers=["8000", "8100"], threshold_s=30, holidays=["2026-11-03"])
    same = et.MetricOptions(ivr_numbers=["8000", "8100"], threshold_s=30, holidays=["2026-11-03"])
    result, expected = (
        comparable(function(**(arguments | {"options": options}))) for options in (old, same)
    )
    assert_same(result, expected)

    misfit = RELOADED()
    object.__setattr__(misfit, "threshold_s", NUMBER)
    assert "before a reload" in refusal(function, options=misfit)
    vars(misfit)["from_another_version"] = 1
    assert "from_another_version" in refusal(function, options=misfit) or "threshold" in refusal(
        function, options=misfit
    )


@pytest.mark.slow
@pytest.mark.parametrize("function", with_parameter("confidence"))
def test_confidence_is_a_switch_or_a_level(function: Any):
    arguments = arguments_of(function)
    if "measures" in parameters(function):
        arguments["measures"] = "answer_rate"
    at_95, as_number, at_80 = (
        comparable(function(**(arguments | {"confidence": level}))) for level in (True, 0.95, 0.8)
    )

    assert_same(as_number, at_95)
    assert at_80 != at_95 if not isinstance(at_95, pl.DataFrame) else not at_80.equals(at_95)
    for wrong in (95, 1.5, "0.9", NUMBER, None):
        assert refusal(function, confidence=wrong).startswith("confidence is False, True")


# 8. and 9. Public objects.

OBJECTS: dict[str, Callable[[], Any]] = {
    "MetricOptions": lambda: et.MetricOptions(
        holidays=["2026-11-03"], business_hours={"mon-fri": ("08:00", "17:30")}, as_of="2026-11-09"
    ),
    "CallQuery": lambda: et.CallQuery(date_from="2026-11-02", call_number=NUMBER),
    "Selection": lambda: et.metrics.Selection(CALLS).where(pl.col("direction") == "in"),
    "Explanation": lambda: et.metrics.explain(CALLS, "answer_rate", by="hour", at=9),
    "Measure": lambda: et.metrics.MEASURES["answer_rate"],
    "MEASURES": lambda: et.metrics.MEASURES,
    "UNAVAILABLE_MEASURES": lambda: et.metrics.UNAVAILABLE_MEASURES,
}


@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_public_objects_can_be_pickled_copied_and_compared(make: Callable[[], Any]):
    value = make()
    unpickled = pickle.loads(pickle.dumps(value))  # noqa: S301  # our own bytes

    for same in (make(), unpickled, copy.copy(value), copy.deepcopy(value)):
        assert (same == value, same != value) == (True, False)
    for other in (3, None, "x", CALLS["id"][0]):
        assert (value == other, value != other) == (False, True)


def test_other_selections_and_explanations_differ():
    selection = et.metrics.Selection(CALLS)

    assert selection != selection.where(pl.col("direction") == "in")
    assert selection == et.metrics.Selection(CALLS.clone())
    assert et.metrics.explain(CALLS, "missed") != et.metrics.explain(CALLS, "answered")


def test_dir_shows_only_public_names():
    assert dir(et.metrics) == sorted(et.metrics.__all__)


def test_attributes_of_public_types_have_public_types():
    for each in et.metrics.MEASURES.values():
        assert type(each.aggregation).__name__ in et.metrics.__all__


# 10. Messages.

SHAPES: dict[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "int": int,
    "negative": lambda text: -int(text),
    "float": lambda text: float(text) + 0.5,
    "list": lambda text: [text],
    "ints": lambda text: [int(text)],
    "value": lambda text: {"caller": int(text)},
    "hour": lambda text: {"hour": text},
    "key": lambda text: {text: text},
}
CHECKED = {
    **{path: each for path, each in FUNCTIONS.items() if path == f"metrics.{each.__name__}"},
    "et.summarize": et.summarize,
    "et.measures": et.measures,
    "et.MetricOptions": et.MetricOptions,
    "et.CallQuery": et.CallQuery,
    "metrics.Selection": et.metrics.Selection,
}


def texts_of(function: Callable[..., Any], arguments: dict[str, Any]) -> Iterator[str]:
    """The error, the warnings, and the repr of a result that is no table."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(**arguments)
            if isinstance(result, pl.LazyFrame):
                result = result.collect()
            if not isinstance(result, pl.DataFrame | int | float | tuple):
                yield repr(result)
        except EtelecomError as error:
            yield str(error)
            yield repr(error)
    yield from (str(warning.message) for warning in caught)


@pytest.mark.slow
@pytest.mark.parametrize("function", CHECKED.values(), ids=CHECKED)
@settings(examples(15), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_message_shows_a_number(function: Any, data: st.DataObject):
    """Any argument may be a phone number by mistake. Each error is one of this package."""
    number = data.draw(st.from_regex(r"[0-9]{2}[1-9]{4,13}", fullmatch=True))
    parameter = data.draw(st.sampled_from(list(parameters(function)) or [""]))
    if not parameter:
        return
    argument = SHAPES[data.draw(st.sampled_from(list(SHAPES)))](number)
    pieces = {str(int(number))[start : start + 6] for start in range(len(number) - 5)}

    for text in texts_of(function, arguments_of(function) | {parameter: argument}):
        shown = [piece for piece in pieces if len(piece) == 6 and piece in text]
        assert not shown, text


@pytest.mark.parametrize("function", with_parameter("calls", "before"))
def test_no_function_shows_a_number_in_a_message(function: Any):
    for name in parameters(function):
        for shape in ("text", "negative", "value"):
            changed = arguments_of(function) | {name: SHAPES[shape](NUMBER)}
            for text in texts_of(function, changed):
                assert "123456" not in text
