"""CallLogs check what they hold, compare by content, and are shown without making legs."""

import copy
import pickle
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.frames import leg_count
from etelecom_analytics.language import speaking
from etelecom_analytics.reports.provenance import provenance_facts

LOGS = et.sample_logs()
NUMBER = "0912345678"


@pytest.mark.parametrize(
    "value",
    [
        LOGS,
        LOGS.query,
        LOGS.report,
        LOGS.report.windows[0],
        et.Privacy(own_numbers=["19000123"]),
        et.Privacy(numbers="pseudonymized", key="a key of the tests"),
        et.reports.kpis(LOGS.calls, "calls"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_public_values_are_copied_and_compared(value: Any):
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert value != "another"
    assert {value: 1}[copy.deepcopy(value)] == 1
    if getattr(value, "key", None):
        with pytest.raises(TypeError, match=r"^A Privacy with a key cannot be pickled: .*\.$"):
            pickle.dumps(value)
    else:
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301


def test_logs_are_equal_by_content():
    same = replace(LOGS, calls=LOGS.calls.clone())
    assert same == LOGS
    assert hash(same) == hash(LOGS)

    for other in (
        replace(LOGS, calls=LOGS.calls.head(-1)),
        replace(LOGS, calls=LOGS.calls.with_columns(duration=pl.lit(0, pl.Int32))),
        replace(LOGS, query=et.CallQuery()),
        replace(LOGS, report=replace(LOGS.report, rows=1)),
        LOGS.with_names(users=pl.DataFrame({name: ["1"] for name in USER_COLUMNS})),
    ):
        assert other != LOGS


USER_COLUMNS = ("user_id", "full_name", "short_name", "department_id")


def test_logs_convert_their_calls():
    zoned = LOGS.calls.with_columns(
        cs.datetime().dt.convert_time_zone("Asia/Ho_Chi_Minh"),
        cs.by_dtype(pl.Enum).cast(pl.String),
    )

    assert_frame_equal(replace(LOGS, calls=zoned).calls, LOGS.calls)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"calls": LOGS.calls.lazy()}, "collect the LazyFrame first"),
        ({"calls": [NUMBER]}, "got list"),
        ({"calls": LOGS.calls.drop("call_targets")}, "no column call_targets"),
        ({"query": {"call_number": NUMBER}}, "query must be a CallQuery; got dict"),
        ({"report": NUMBER}, "report must be a FetchReport; got '09…'"),
    ],
)
def test_logs_refuse_other_values(changed: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message) as caught:
        replace(LOGS, **changed)
    assert NUMBER not in str(caught.value)


def test_shown_logs_make_no_legs():
    logs = replace(LOGS)
    text = repr(logs)

    assert f"{LOGS.call_targets.height:,} call targets" in text
    assert "call_targets" not in vars(logs)
    assert "400, with 1,251 call targets" in logs._repr_html_()


def test_leg_count_is_the_height_of_call_targets():
    for calls in (LOGS.calls, LOGS.calls.head(0), LOGS.calls.with_columns(call_targets=None)):
        typed = calls.cast({"call_targets": LOGS.calls.schema["call_targets"]})
        assert leg_count(typed) == et.call_targets(typed).height


@pytest.mark.parametrize("function", [et.call_targets, et.mask_numbers, et.Privacy().apply])
@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ([NUMBER], "calls must be a Polars DataFrame or LazyFrame, .* got list"),
        (LOGS, "pass logs.calls"),
        (LOGS.calls.with_columns(call_targets=pl.lit(NUMBER)), "must hold a list of structs"),
    ],
)
def test_other_tables_are_refused_in_one_sentence(function: Any, calls: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        function(calls)
    assert NUMBER not in str(caught.value)


def test_functions_name_the_columns_that_they_need():
    with pytest.raises(InputError, match="no column id"):
        et.call_targets(LOGS.calls.drop("id"))
    with pytest.raises(InputError, match="no column recording_urls"):
        et.Privacy().apply(LOGS.calls.drop("recording_urls"))
    with pytest.raises(InputError, match="Phone numbers and ids are text"):
        et.mask_numbers(pl.DataFrame({"caller": [912345678]}))
    with pytest.raises(InputError, match=r"^keep must be a list of phone numbers") as caught:
        et.mask_numbers(LOGS.calls, keep=[912345678])  # type: ignore[list-item]
    assert "912345" not in str(caught.value)
    with pytest.raises(InputError, match="apply_to_logs takes CallLogs"):
        et.Privacy().apply_to_logs(LOGS.calls)  # type: ignore[arg-type]


def test_numbers_of_other_text_types_are_masked():
    table = pl.DataFrame({"caller": [NUMBER, "101"]})
    expected = ["091*****78", "101"]

    for dtype in (pl.Categorical, pl.Enum([NUMBER, "101"])):
        assert et.mask_numbers(table.cast(dtype))["caller"].to_list() == expected
    legs = pl.DataFrame({"call_targets": [[{"target_number": NUMBER, "other": 1}]]})
    assert et.mask_numbers(legs).item().to_list() == [{"target_number": "091*****78", "other": 1}]


def test_lists_of_names_are_refused_without_their_values():
    for lists in (
        {"users": [NUMBER]},
        {"users": pl.DataFrame({NUMBER: [1]})},
        {"extensions": LOGS.calls},
        {"hotlines": pl.DataFrame({"hotline": [NUMBER]})},
    ):
        with pytest.raises(InputError) as caught:
            LOGS.with_names(**lists)  # type: ignore[arg-type]
        assert NUMBER not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_report_of_nothing_is_complete_nowhere():
    end = LOGS.report.complete_to
    report = LOGS.report.clip(end, end + timedelta(days=2))
    (complete,) = [text for label, text in report.facts() if label == "complete"]
    with speaking("vi"):
        vietnamese = next(iter(report.facts()))
    of_page = dict(provenance_facts(replace(LOGS, report=report), query="", digest="", settings=()))

    assert report.has_no_coverage
    assert complete == of_page["Complete"] == "none"
    assert vietnamese[1] == "không có"
    assert of_page["Not fetched"] == "2026-11-09 00:00+07:00 to 2026-11-11 00:00+07:00"


@pytest.mark.parametrize(("count", "more"), [(9, "and 1 more {}"), (11, "and 3 more {}s")])
def test_a_long_report_is_shown_in_words(count: int, more: str):
    """The command line shows it too, where `.report.gaps` means nothing."""
    end = LOGS.report.complete_to
    days = [end - timedelta(days=2 * number) for number in range(count)]
    report = replace(
        LOGS.report,
        gaps=tuple(et.Gap(day - timedelta(hours=1), day) for day in days),
        drift=tuple(et.Drift("field", f"kind {number}", 1, "example") for number in range(count)),
        running=4,
        running_long=("a", "b"),
    )
    texts = [text for _, text in report.facts()]

    assert more.format("part") in texts
    assert more.format("kind") in texts
    assert "4 calls without an end, 2 of them for more than 12 h" in texts
    assert f"{len(report.windows)} of 1 window read to the end" in texts
    assert "report" not in " ".join(texts)
