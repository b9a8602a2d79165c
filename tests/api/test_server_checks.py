"""Servers that misread requests: dates, open ends, filters, and forms of a number."""

import json
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.api.server_checks import DateCheck
from etelecom_analytics.simulator import CallLogServer, faults, schedule, serve

DAYS = et.CallQuery(date_from="2026-11-03", date_to="2026-11-05")


def fetch(
    server: CallLogServer, query: et.CallQuery | None = None, *, workers: int = 1
) -> tuple[et.CallLogs, list[str]]:
    """The logs of a new client, and the texts of all warnings."""
    with (
        et.Client(server.base_url, server.api_key, sleep=lambda seconds: None) as client,
        warnings.catch_warnings(record=True) as messages,
    ):
        warnings.simplefilter("always")
        logs = et.fetch_calls(client, query, workers=workers, progress=False)
    return logs, [str(message.message) for message in messages]


def extra(logs: et.CallLogs) -> dict[str, int]:
    return dict(logs.report.extra_requests)


# Dates.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hours", "exclusive", "result"),
    [
        (0, False, "verified"),
        (0, True, "verified"),
        (7, False, "shifted"),
        (7, True, "shifted"),
        (-7, True, "shifted"),
        (1, False, "shifted"),
        (-1, True, "shifted"),
        (13.5, False, "shifted"),
        (24, False, "ignored"),
        (-24, True, "ignored"),
    ],
)
@pytest.mark.parametrize(
    ("begin", "end"),
    [("2026-11-03", "2026-11-05"), (None, "2026-11-05"), ("2026-11-04T05:00", None)],
)
def test_no_call_is_lost_if_dates_are_misread(
    begin: str | None,
    end: str | None,
    hours: float,
    exclusive: bool,
    result: str,
    server: CallLogServer,
    calls: pl.DataFrame,
):
    query = et.CallQuery(date_from=begin, date_to=end)
    server.misbehave(faults.shifted_dates(hours))
    if exclusive:
        server.misbehave(faults.exclusive_dates())
    results = {workers: fetch(server, query, workers=workers) for workers in (1, 4)}

    for logs, texts in results.values():
        assert logs.calls.equals(calls.filter(query.to_expr()))
        assert logs.report.complete
        assert logs.report.date_check == result
        assert len(texts) == (result != "verified")
        assert extra(logs)["date check"] <= 5


def test_exact_shift_is_found_and_reported_once(server: CallLogServer, calls: pl.DataFrame):
    """The calls of each second show by how much the server shifts a request."""
    starts = pl.datetime_range(
        datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC), "1m", eager=True
    ).head(calls.height)
    dense = calls.head(starts.len()).with_columns(
        started_at=starts.cast(calls.schema["started_at"])
    )
    with serve(dense) as dense_server:
        dense_server.misbehave(faults.shifted_dates(-1))
        with (
            et.Client(dense_server.base_url, dense_server.api_key) as client,
            pytest.warns(UserWarning, match="1 hour too early") as messages,
        ):
            logs = [
                et.fetch_calls(client, et.CallQuery(date_from=f"2026-11-02T1{hour}:00"))
                for hour in (0, 1)
            ]

    assert len(messages) == 1
    assert [each.report.date_shift_s for each in logs] == [-3600, -3600]
    assert [extra(each).get("date check", 0) for each in logs] == [3, 0]


def test_dates_are_not_verified_without_a_call():
    with serve([]) as server:
        logs, texts = fetch(server, DAYS)

    assert logs.report.date_check == "not verified"
    assert "not verified, because the server returned no call" in repr(logs)
    assert texts == []


def test_queries_without_dates_are_not_checked(server: CallLogServer):
    logs, _ = fetch(server)

    assert logs.report.date_check == ""
    assert logs.report.extra_requests == ()


def test_requests_are_wider_than_the_range_and_the_result_is_not(
    server: CallLogServer, calls: pl.DataFrame
):
    logs, _ = fetch(server, DAYS)

    dates = [
        datetime.fromisoformat(server.requests[-1].body["filter"][name])
        for name in ("date_from", "date_to")
    ]
    assert DAYS.date_from
    assert DAYS.date_to
    assert dates[0] <= DAYS.date_from - timedelta(seconds=2)
    assert dates[1] >= DAYS.date_to + timedelta(seconds=2)
    assert logs.calls.equals(calls.filter(DAYS.to_expr()))


# Open ends.


@pytest.mark.parametrize(
    "query", [et.CallQuery(date_from="2026-11-03"), et.CallQuery(date_to="2026-11-05")]
)
def test_both_dates_are_sent_if_one_is_set(
    query: et.CallQuery, server: CallLogServer, client: et.Client
):
    fetch(server, query, workers=3)
    client.list_calls(query)

    filters = [request.body["filter"] for request in server.requests]
    assert all(("date_from" in each) == ("date_to" in each) for each in filters)
    begin, end = (datetime.fromisoformat(filters[-1][name]) for name in ("date_from", "date_to"))
    if query.date_to:
        assert begin == datetime(1990, 1, 1, tzinfo=UTC)
    else:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert tomorrow - timedelta(minutes=5) < end <= tomorrow + timedelta(seconds=2)


def test_all_requests_of_an_open_range_have_the_same_end(server: CallLogServer):
    fetch(server, et.CallQuery(date_from="2026-11-02"))

    pages = [request.body["filter"] for request in server.requests if request.after]
    assert len(pages) > 10
    assert all(each == pages[0] for each in pages)


def test_no_date_is_sent_if_none_is_set(client: et.Client, server: CallLogServer):
    fetch(server, et.CallQuery(direction="in"))
    assert {"date_from", "date_to"}.isdisjoint(server.requests[-1].body["filter"])


# Filters.


def provable_queries(calls: pl.DataFrame) -> dict[str, et.CallQuery]:
    fields: dict[str, Any] = {
        "direction": "in",
        "call_state": "not_answered",
        "duration": ("greater_than", 20),
        "call_number": calls["caller"].drop_nulls()[3],
        "extension_ids": [calls["extension_id"].drop_nulls()[0]],
        "user_id": calls["user_id"].drop_nulls()[0],
        "external_id": calls["external_id"].drop_nulls()[0],
        "external_session_id": calls["external_session_id"].drop_nulls()[0],
    }
    return {name: et.CallQuery(**{name: value}) for name, value in fields.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "field",
    [
        "direction",
        "call_state",
        "duration",
        "call_number",
        "extension_ids",
        "user_id",
        "external_id",
        "external_session_id",
    ],
)
def test_calls_that_an_ignored_filter_lets_through_are_removed_and_reported(
    field: str, server: CallLogServer, calls: pl.DataFrame
):
    query = provable_queries(calls)[field]
    obeyed, no_texts = fetch(server, query)
    server.misbehave(faults.ignoring(field))
    ignored, texts = fetch(server, query)

    expected = calls.filter(query.to_expr())
    assert 0 < expected.height < calls.height
    assert obeyed.calls.equals(expected)
    assert ignored.calls.equals(expected)
    assert (obeyed.report.filters_ignored, no_texts) == ((), [])
    assert ignored.report.filters_ignored == (field,)
    assert len(texts) == 1
    assert field in texts[0]
    report = ignored.report
    assert report.received == report.rows + report.repeated + report.outside
    assert f"the server ignores {field}" in repr(report)
    assert et.FetchReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


@pytest.mark.slow
@pytest.mark.parametrize("field", ["hotline_ids", "department_id"])
@pytest.mark.parametrize("is_ignored", [False, True])
def test_filters_that_calls_do_not_prove_are_checked_with_an_id_that_cannot_exist(
    field: str, is_ignored: bool, calls: pl.DataFrame
):
    ids = dict.fromkeys(calls["id"].head(7).to_list(), "9")
    query = (
        et.CallQuery(hotline_ids=["9"])
        if field == "hotline_ids"
        else et.CallQuery(department_id="9")
    )
    with serve(calls, hotlines=ids, departments=ids) as server:
        if is_ignored:
            server.misbehave(faults.ignoring(field))
        with (
            et.Client(server.base_url, server.api_key) as client,
            warnings.catch_warnings(record=True) as messages,
        ):
            warnings.simplefilter("always")
            logs = [et.fetch_calls(client, query, progress=False) for _ in range(2)]

    assert [each.report.filters_ignored for each in logs] == [(field,) if is_ignored else ()] * 2
    assert [extra(each).get("filter check", 0) for each in logs] == [1, 0]
    assert logs[0].calls.height == (calls.height if is_ignored else 7)
    assert bool(messages) == is_ignored


def test_refused_id_means_that_the_filter_is_obeyed(server: CallLogServer):
    refusal = faults.Answer(status=400, body={"code": "invalid_argument", "msg": "no such hotline"})
    server.misbehave(refusal, when=lambda request: request.body["paging"].get("limit") == 1)
    logs, _ = fetch(server, et.CallQuery(hotline_ids=["9"]))

    assert logs.report.filters_ignored == ()


def test_checks_of_one_client_are_at_most_five_requests(server: CallLogServer):
    server.misbehave(faults.shifted_dates(13))
    server.misbehave(faults.ignoring("hotline_ids", "department_id"))
    query = et.CallQuery(
        date_from="2026-11-03", date_to="2026-11-05", hotline_ids=["9"], department_id="9"
    )
    with warnings.catch_warnings(), et.Client(server.base_url, server.api_key) as client:
        warnings.simplefilter("ignore")
        reports = [et.fetch_calls(client, query, progress=False).report for _ in range(3)]

    requests = [sum(dict(report.extra_requests).values()) for report in reports]
    assert requests == [5, 0, 0]


def test_filter_that_could_not_be_checked_is_reported(server: CallLogServer, calls: pl.DataFrame):
    """Empty pages before the first rows use up the requests for checks."""
    server.misbehave(
        faults.empty_page(3), when=lambda request: "date_from" not in request.body["filter"]
    )
    server.misbehave(faults.ignoring("hotline_ids"))
    query = et.CallQuery(date_from="2026-11-03", date_to="2026-11-05", hotline_ids=["9"])
    logs, texts = fetch(server, query)
    report = logs.report

    assert report.filters_not_verified == ("hotline_ids",)
    assert report.filters_ignored == ()
    assert any("not verified (hotline_ids)" in text for text in texts)
    assert "hotline_ids not verified" in repr(logs)
    assert extra(logs)["date check"] + extra(logs).get("filter check", 0) == 5
    assert et.FetchReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_filter_is_not_obeyed_if_only_empty_pages_were_received(server: CallLogServer):
    """The rows come after more empty pages than may be requested."""
    server.misbehave(
        faults.empty_page(9),
        when=lambda request: "9223372036854775807" in str(request.body["filter"]),
    )
    server.misbehave(faults.ignoring("department_id"))
    logs, _ = fetch(server, et.CallQuery(department_id="9"))

    assert logs.report.filters_not_verified == ("department_id",)


def test_deletion_during_the_check_is_not_taken_for_a_shift(calls: pl.DataFrame):
    """The newest call is missing from the wide request because it was deleted."""
    newest_two = calls.head(2)
    with serve(newest_two) as server:
        server.misbehave(faults.shifted_dates(7))
        server.misbehave(
            faults.then(lambda: server.delete(newest_two["id"][0])), when=schedule.at(1), times=1
        )
        logs, _ = fetch(server, et.CallQuery(date_from="2026-10-01", date_to="2027-01-01"))

    assert logs.calls["id"].to_list() == newest_two["id"][1:].to_list()
    assert logs.report.date_shift_s == 0
    assert logs.report.complete


def test_dates_of_which_a_request_shows_that_they_are_ignored(server: CallLogServer):
    """The call to check with is on the page, but so are calls of other days."""
    server.misbehave(faults.ignoring("date_from", "date_to"))
    logs, texts = fetch(server, DAYS)

    assert logs.report.date_check == "ignored"
    assert extra(logs) == {"date check": 2}
    assert len(texts) == 1


# Forms of a number.


FORMS = ("0912345678", "84912345678", "+84912345678")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        *FORMS,
        "091 234 56.78",
        "+84-912-345-678\n",
        "\u202d0912345678\u202c",
        "0912\u00a0345\u00a0678",
    ],
)
@pytest.mark.parametrize("workers", [1, 4])
def test_number_is_requested_in_each_form(text: str, workers: int, calls: pl.DataFrame):
    stored = calls.with_row_index("row").with_columns(
        caller=pl.when(pl.col("row") % 7 == 0)
        .then(pl.lit(pl.Series(FORMS)).gather(pl.col("row") // 7 % 3))
        .otherwise("caller")
    )
    stored = stored.drop("row")
    query = et.CallQuery(call_number=text, date_from="2026-11-02")
    with serve(stored) as server:
        logs, _ = fetch(server, query, workers=workers)
        numbers = {request.body["filter"].get("call_number") for request in server.requests}

    assert logs.calls.equals(stored.filter(query.to_expr()))
    assert logs.calls["caller"].n_unique() == 3
    assert numbers == {*FORMS, None}
    assert logs.report.number_forms == 3
    assert logs.report.complete
    assert text not in repr(logs)


def test_fetch_is_not_complete_after_one_form_of_the_number(server: CallLogServer):
    refusal = faults.error_status(400)
    server.misbehave(
        refusal, when=lambda request: request.body["filter"].get("call_number") == FORMS[1]
    )
    with (
        et.Client(server.base_url, server.api_key) as client,
        pytest.raises(et.IncompleteFetch) as caught,
    ):
        et.fetch_calls(client, et.CallQuery(call_number=FORMS[0]), progress=False)
    partial = caught.value.partial
    assert not partial.report.complete
    server.forget()
    with et.Client(server.base_url, server.api_key) as client:
        assert et.fetch_calls(client, resume=partial, progress=False).report.complete


def test_extension_has_one_form(server: CallLogServer):
    logs, _ = fetch(server, et.CallQuery(call_number="101"))

    assert logs.report.number_forms == 1


def test_texts_of_shifts_are_readable():
    texts = {
        hours: DateCheck(result="shifted", shift=timedelta(hours=hours)).warning
        for hours in (-1, 7, 0.25, 0)
    }

    assert "1 hour too early" in texts[-1]
    assert "7 hours too late" in texts[7]
    assert "15 minutes too late" in texts[0.25]
    assert "in another time zone" in texts[0]
