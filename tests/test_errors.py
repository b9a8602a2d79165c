"""Errors have one base class, say what to do next, and can be pickled."""

import inspect
import pickle
from datetime import date

import pytest

from etelecom_analytics import errors

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)
]


def example(kind: type[Exception]) -> Exception:
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
    assert type(restored) is kind
    assert str(restored) == str(error)
    assert vars(restored) == vars(error)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if issubclass(kind, errors.ApiError) and kind is not errors.ApiError],
)
def test_api_errors_have_summary_and_advice(kind: type[errors.ApiError]):
    text = str(example(kind))

    assert text.count(". ") >= 1
    assert text.endswith(".")
    assert kind.summary in text


def test_all_lists_every_error():
    assert sorted(errors.__all__) == sorted(kind.__name__ for kind in KINDS)


def test_input_errors_are_value_errors():
    for kind in (
        errors.QueryError,
        errors.UnknownName,
        errors.MeasureUnavailable,
        errors.SettingError,
    ):
        assert issubclass(kind, ValueError)


def test_unknown_name_suggests_similar_names_or_lists_all():
    assert (
        str(example(errors.UnknownName))
        == "There is no measure 'answer_rat'. Did you mean answer_rate?"
    )
    assert (
        str(errors.UnknownName("variant", "xyz", ["offered", "no_short"]))
        == "There is no variant 'xyz'. Available: offered, no_short."
    )
