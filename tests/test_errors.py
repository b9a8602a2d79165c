"""The error tree: one root, sentences, and errors that survive pickling, as those of a worker process must."""

import inspect
import pickle
from datetime import date

import pytest

from etelecom_analytics import errors

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)
]


def made(kind: type[Exception]) -> Exception:
    if kind is errors.UnknownName:
        return errors.UnknownName("measure", "answer_rat", ["answer_rate", "asa_s"])
    if kind is errors.DataLossError:
        return errors.DataLossError({date(2026, 11, 2): (100, 60)}, "a report")
    if kind is errors.MeasureUnavailable:
        return errors.MeasureUnavailable("occupancy", "It needs sign-ins. Use leg_talk_s.")
    if kind is errors.QueryError:
        return errors.QueryError("direction is one of in, out.", "direction")
    if kind is errors.PagingError:
        return errors.PagingError("the cursor came twice", cursor="abc", pages=3)
    if issubclass(kind, errors.ApiError):
        error = kind("said", status=503, code="unavailable", retry_after=7.0)
        error.url, error.attempts, error.key_source = (
            "https://host/v1.Etelecom/ListCallLogs",
            6,
            "ETELECOM_API_KEY",
        )
        return error
    return kind("something")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_one_root_and_survives_pickling(kind: type[Exception]):
    error = made(kind)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert isinstance(error, errors.EtelecomError)
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if issubclass(kind, errors.ApiError) and kind is not errors.ApiError],
)
def test_every_error_of_the_api_is_a_sentence_that_says_what_to_do(kind: type[errors.ApiError]):
    text = str(made(kind))

    assert text.count(". ") >= 1
    assert text.endswith(".")
    assert kind.summary in text


def test_all_public_errors_are_declared():
    assert sorted(errors.__all__) == sorted(kind.__name__ for kind in KINDS)


def test_what_was_given_wrongly_is_a_value_error_too():
    for kind in (
        errors.QueryError,
        errors.UnknownName,
        errors.MeasureUnavailable,
        errors.SettingError,
    ):
        assert issubclass(kind, ValueError)


def test_an_unknown_name_lists_the_nearest_or_all():
    assert (
        str(made(errors.UnknownName))
        == "There is no measure 'answer_rat'. Did you mean answer_rate?"
    )
    assert (
        str(errors.UnknownName("variant", "xyz", ["offered", "no_short"]))
        == "There is no variant 'xyz'. Available: offered, no_short."
    )
