"""Errors have one base class, say what to do next, and can be pickled."""

import importlib
import inspect
import pickle
import pkgutil
from datetime import date

import pytest

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.metrics.registry import MEASURES

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)
]


def example(kind: type[Exception]) -> Exception:
    if kind is errors.IncompleteFetch:
        return kind(errors.NoAnswer("reset"), et.sample_logs())
    if kind is errors.FetchStopped:
        return kind(KeyboardInterrupt(), et.sample_logs())
    if issubclass(kind, errors.IncompleteSync):
        report = et.archive.SyncReport(calls=2)
        return kind(errors.Stopped("Stopped."), report, (et.sample_logs(),))
    if kind is errors.UnknownName:
        return errors.UnknownName("measure", "answer_rat", ["answer_rate", "asa_s"])
    if kind is errors.DataLossError:
        return errors.DataLossError({date(2026, 11, 2): (100, 60)}, "a report")
    if kind is errors.MeasureUnavailable:
        return errors.MeasureUnavailable("occupancy", "It needs sign-ins. Use leg_talk_s.")
    if kind is errors.QueryError:
        return errors.QueryError("direction must be one of in, out.", "direction")
    if kind is errors.PagingError:
        return errors.PagingError("the cursor was repeated", cursor="abc", pages=3)
    if issubclass(kind, errors.ApiError):
        error = kind("message", status=503, code="unavailable", retry_after=7.0)
        error.url, error.attempts, error.key_source = (
            "https://host/v1.Etelecom/ListCallLogs",
            6,
            "ETELECOM_API_KEY",
        )
        return error
    return kind("something")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_have_one_base_class_and_can_be_pickled(kind: type[Exception]):
    error = example(kind)
    restored = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert isinstance(error, errors.EtelecomError)
    assert isinstance(restored, kind)
    assert str(restored) == str(error)
    assert {**vars(restored), "cause": None} == {**vars(error), "cause": None}
    assert repr(getattr(restored, "cause", None)) == repr(getattr(error, "cause", None))


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if issubclass(kind, errors.ApiError) and kind is not errors.ApiError],
)
def test_api_errors_have_summary_and_advice(kind: type[errors.ApiError]):
    text = str(example(kind))

    assert text.count(". ") >= 1
    assert text.endswith(".")
    assert kind.summary in text


def test_every_error_of_the_package_can_be_reached_here():
    """Also those that hold logs or a report, and are defined with them."""
    modules = [
        importlib.import_module(each.name)
        for each in pkgutil.walk_packages(et.__path__, f"{et.__name__}.")
        if not each.name.endswith("__main__")
    ]
    kinds = {
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, errors.EtelecomError)
    }

    assert {kind.__name__ for kind in kinds} == set(errors.__all__) == set(dir(errors))
    assert kinds == set(KINDS)
    assert errors.IncompleteFetch is et.IncompleteFetch
    with pytest.raises(AttributeError, match="no attribute 'IncompleteFetches'"):
        _ = errors.IncompleteFetches


def test_input_errors_are_value_errors():
    for kind in (
        errors.QueryError,
        errors.UnknownName,
        errors.MeasureUnavailable,
        errors.SettingError,
    ):
        assert issubclass(kind, ValueError)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("0912345678", "'09…'"),
        ("+84 912-345-678", "'+84…'"),
        ("a\nb", r"'a\nb'"),
        ("x" * 100, "'" + "x" * 59 + "…'"),
        ("threshold_120", "'threshold_120'"),
    ],
)
def test_unknown_name_is_shown_short_and_masked(name: str, shown: str):
    assert str(errors.UnknownName("measure", name, ["asa_s"])).startswith(
        f"There is no measure {shown}. "
    )


def test_unknown_name_suggests_similar_names_and_lists_all_in_one_line():
    assert (
        str(example(errors.UnknownName))
        == "There is no measure 'answer_rat'. Did you mean answer_rate? "
        "Available: answer_rate, asa_s."
    )
    assert (
        str(errors.UnknownName("variant", "xyz", ["offered", "no_short"]))
        == "There is no variant 'xyz'. Available: offered, no_short."
    )
    every_measure = str(errors.UnknownName("measure", "answer_rat", MEASURES))
    assert "Did you mean answer_rate" in every_measure
    assert all(name in every_measure for name in MEASURES)
    assert "\n" not in every_measure
    assert "Available" not in str(
        errors.UnknownName("zone", "zone_7", map("zone_{}".format, range(99)))
    )
