"""fetch_calls over real HTTP: each call once for any pages, and a report of every received row."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA, DIRECTIONS
from etelecom_analytics.simulator import Answer, CallLogServer, serve

ClientOf = Callable[..., et.Client]
Request = dict[str, Any]


def test_every_call_is_fetched_unchanged(client: et.Client, calls: pl.DataFrame):
    logs = et.fetch_calls(client)

    assert_frame_equal(logs.calls, calls)
    assert logs.report.drift == ()
    assert logs.report.set_aside == ()
    assert (logs.report.rows, logs.report.received, logs.report.pages) == (1500, 1500, 16)
    assert logs.calls.schema == pl.Schema(CALL_SCHEMA)


def test_call_targets_has_one_row_per_leg(client: et.Client):
    logs = et.fetch_calls(client, et.CallQuery(direction="in"))

    assert logs.call_targets.schema == pl.Schema(CALL_TARGETS_SCHEMA)
    nested = {
        call["id"]: call["call_targets"]
        for call in logs.calls.select("id", "call_targets").to_dicts()
    }
    regrouped: dict[str, list[Any]] = {call_id: [] for call_id in nested}
    for leg in logs.call_targets.to_dicts():
        call_id, index = leg.pop("call_id"), leg.pop("target_index")
        assert index == len(regrouped[call_id])
        regrouped[call_id].append(leg)
    assert regrouped == nested


def test_empty_range_is_an_empty_table(client: et.Client):
    logs = et.fetch_calls(client, et.CallQuery(date_from="2020-01-01", date_to="2020-01-02"))

    assert logs.calls.schema == pl.Schema(CALL_SCHEMA)
    assert logs.call_targets.schema == pl.Schema(CALL_TARGETS_SCHEMA)
    assert (logs.calls.height, logs.report.pages) == (0, 1)
    assert "0, with 0 call targets" in repr(logs)


@pytest.mark.slow
@examples(12)
@given(page_size=st.integers(1, 100))
def test_result_does_not_depend_on_the_page_size(page_size: int, calls: pl.DataFrame):
    some = calls.head(150)
    with serve(some, rewrite=None) as server, et.Client(server.base_url, server.api_key) as client:
        logs = et.fetch_calls(
            client, progress=False, fetch_options=et.FetchOptions(page_limit=page_size)
        )
    assert_frame_equal(logs.calls, some)
    assert logs.report.pages == -(-150 // page_size) + 1


def test_repeated_call_is_kept_once_in_its_newest_state(client_of: ClientOf, calls: pl.DataFrame):
    first = calls.head(3).with_columns(note=pl.lit("old"))
    newer = first.with_columns(
        note=pl.lit("new"), updated_at=pl.col("updated_at") + pl.duration(seconds=1)
    )
    untimed = first.with_columns(
        note=pl.lit("untimed"), updated_at=pl.lit(None, dtype=CALL_SCHEMA["updated_at"])
    )
    with serve(pl.concat([newer, first, untimed])) as server:
        logs = et.fetch_calls(client_of(server))

    assert logs.calls["note"].to_list() == ["new"] * 3
    assert (logs.report.received, logs.report.repeated, logs.report.rows) == (9, 6, 3)


def test_last_received_state_is_kept_at_a_tie(client_of: ClientOf, calls: pl.DataFrame):
    one = calls.head(1)
    with serve(
        pl.concat([one.with_columns(note=pl.lit(name)) for name in ("first", "second", "third")])
    ) as server:
        logs = et.fetch_calls(client_of(server))

    assert logs.calls["note"].to_list() == ["third"]


def test_end_of_the_range_is_exclusive_although_it_is_inclusive_in_the_api(
    client_of: ClientOf, calls: pl.DataFrame
):
    begin = datetime(2026, 11, 2, tzinfo=UTC)
    starts = [
        begin,
        datetime(2026, 11, 2, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 11, 3, tzinfo=UTC),
    ]
    with serve(calls.head(3).with_columns(started_at=pl.Series(starts))) as server:
        logs = et.fetch_calls(
            client_of(server),
            et.CallQuery(date_from="2026-11-02", date_to="2026-11-03", time_zone="UTC"),
        )

        assert server.requests[-1].body["filter"] == {
            "date_from": "2026-11-01T23:59:58+00:00",
            "date_to": "2026-11-03T00:00:02+00:00",
        }
    assert logs.calls["started_at"].to_list() == starts[1::-1]
    assert (logs.report.received, logs.report.outside, logs.report.rows) == (3, 1, 2)


def test_range_with_fractions_of_a_second_is_complete(client_of: ClientOf, calls: pl.DataFrame):
    """Requests have whole seconds, rounded outwards."""
    starts = calls["started_at"].sort()
    query = et.CallQuery(date_from=starts[10], date_to=starts[20])
    with serve(calls) as server:
        logs = et.fetch_calls(client_of(server), query)

    assert_frame_equal(logs.calls, calls.filter(query.to_expr()))
    assert logs.calls.height == 10


_queries = st.fixed_dictionaries(
    {},
    optional={
        "direction": st.sampled_from(DIRECTIONS),
        "call_state": st.sampled_from(["answered", "not_answered", "unknown"]),
        "duration": st.tuples(
            st.sampled_from(
                [
                    "less_than",
                    "less_than_or_equal_to",
                    "greater_than",
                    "greater_than_or_equal_to",
                    "equal_to",
                ]
            ),
            st.integers(0, 200),
        ),
        "date_from": st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 5)),
        "date_to": st.datetimes(datetime(2026, 11, 5, 1), datetime(2026, 11, 10)),
        "row": st.integers(0, 1499),
    },
)


@pytest.mark.slow
@examples(40)
@given(
    fields=_queries,
    column=st.sampled_from(
        ["caller", "callee", "extension_id", "user_id", "external_id", "external_session_id"]
    ),
)
def test_filtering_in_the_api_and_in_the_table_gives_the_same_calls(
    fields: dict[str, Any], column: str, calls: pl.DataFrame, shared_server: CallLogServer
):
    """The filters of the simulated server are implemented separately."""
    row = fields.pop("row", None)
    if row is not None and (value := calls[column][row]) is not None:
        if column in ("caller", "callee"):
            # The API compares numbers as text, so a fetch requests each form of a number.
            fields["call_number"] = value if value.startswith(("0", "1")) else None
        else:
            fields[f"{column}s" if column == "extension_id" else column] = (
                [value] if column == "extension_id" else value
            )
    query = et.CallQuery(**fields)
    expected = calls.filter(query.to_expr())

    with et.Client(shared_server.base_url, shared_server.api_key) as client:
        logs = et.fetch_calls(client, query)
    assert_frame_equal(logs.calls, expected)


def test_hotline_and_department_are_filtered_by_the_api(client_of: ClientOf, calls: pl.DataFrame):
    ids = calls["id"].head(6).to_list()
    with serve(
        calls, hotlines=dict.fromkeys(ids[:4], "7"), departments=dict.fromkeys(ids[2:], "9")
    ) as server:
        logs = et.fetch_calls(
            client_of(server), et.CallQuery(hotline_ids=["7", "8"], department_id="9")
        )

    assert logs.calls["id"].to_list() == ids[2:4]


# Errors of the server.


def test_transient_errors_do_not_change_the_result(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    first = client.list_calls()
    server.script(
        Answer(body=first.body),
        Answer(status=503),
        Answer(status=503),
        Answer(body=first.body, cut_after=500),
        Answer(body=b"<html>", content_type="text/html"),
        Answer(status=429, headers={"Retry-After": "1"}),
    )

    assert_frame_equal(et.fetch_calls(client).calls, calls)


def test_error_during_a_fetch_contains_the_received_calls(client: et.Client, server: CallLogServer):
    first = client.list_calls()
    server.script(
        Answer(body=first.body),
        Answer(status=401, body={"code": "unauthenticated", "msg": "revoked"}),
    )

    with pytest.raises(errors.Unauthenticated, match="revoked") as caught:
        et.fetch_calls(client)
    assert isinstance(caught.value, et.IncompleteFetch)
    assert caught.value.partial.calls.height == 100


def test_repeated_cursor_is_an_error_with_the_number_of_pages(
    client: et.Client, server: CallLogServer
):
    rows = client.list_calls(limit=5).call_logs
    server.script(*[Answer(body={"call_logs": rows, "paging": {"next": "again", "prev": ""}})] * 3)

    with pytest.raises(
        errors.PagingError, match=r"'again' was repeated without new rows; 2 pages were read"
    ):
        et.fetch_calls(client)


def test_null_list_and_empty_page_do_not_end_the_fetch(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    first = client.list_calls()
    second = client.list_calls(after=first.next)
    server.script(
        Answer(body=first.body),
        Answer(body={"call_logs": None, "paging": {"next": "a detour", "prev": ""}}),
        Answer(body={"call_logs": [], "paging": {"next": "another", "prev": ""}}),
        Answer(body=second.body),
    )

    logs = et.fetch_calls(client)
    assert_frame_equal(logs.calls, calls)
    assert logs.report.pages == 18


# Drift: each kind, through the whole fetch.

ROW = {
    "id": "4000000000000000001",
    "external_id": "",
    "external_session_id": "",
    "caller": "0900000001",
    "callee": "1001",
    "direction": "in",
    "call_state": "answered",
    "call_status": "P",
    "started_at": "2026-11-02T08:00:00+07:00",
    "ended_at": "2026-11-02T01:01:00Z",
    "created_at": "2026-11-02T01:00:00Z",
    "updated_at": "2026-11-02T01:01:00Z",
    "duration": 30,
    "extension_id": "0",
    "user_id": "",
    "contact_id": "0",
    "note": "",
    "recording_urls": [""],
    "call_targets": [],
}
LEG = {
    "target_number": "101",
    "add_time": "2026-11-02T01:00:00Z",
    "ring_time": "2026-11-02T01:00:00Z",
    "answered_time": "0001-01-01T00:00:00Z",
    "ended_time": "2026-11-02T01:00:10Z",
    "ring_duration": 10,
    "status": "NOANSWER",
    "end_reason": "",
    "fail_code": 0,
    "trunk_name": "",
}


def fetch_rows(client_of: ClientOf, *rows: object) -> et.CallLogs:
    with serve(rows) as server:
        return et.fetch_calls(client_of(server))


def drift_counts(logs: et.CallLogs) -> list[tuple[str, str, int]]:
    return [(drift.field, drift.kind, drift.count) for drift in logs.report.drift]


def without(row: Request, field: str) -> Request:
    return {name: value for name, value in row.items() if name != field}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "drift", "field", "expected"),
    [
        (without(ROW, "caller"), ("caller", "missing"), "caller", None),
        (ROW | {"duration": None}, ("duration", "null"), "duration", None),
        (ROW | {"duration": "30"}, ("duration", "quoted number"), "duration", 30),
        (ROW | {"duration": "30.0"}, ("duration", "quoted number"), "duration", 30),
        (ROW | {"duration": 30.0}, ("duration", "float"), "duration", 30),
        (ROW | {"duration": 30.7}, ("duration", "fraction"), "duration", None),
        (ROW | {"duration": "30.7"}, ("duration", "fraction"), "duration", None),
        (ROW | {"duration": 2**31}, ("duration", "out of range"), "duration", None),
        (ROW | {"duration": True}, ("duration", "wrong type"), "duration", None),
        (ROW | {"duration": "long"}, ("duration", "wrong type"), "duration", None),
        (ROW | {"duration": float("nan")}, ("duration", "fraction"), "duration", None),
        (ROW | {"id": 4000000000000000001}, ("id", "number"), "id", "4000000000000000001"),
        (ROW | {"user_id": 12}, ("user_id", "number"), "user_id", "12"),
        (ROW | {"user_id": 1.2e18}, ("user_id", "wrong type"), "user_id", None),
        (ROW | {"direction": "sideways"}, ("direction", "unknown word"), "direction", None),
        (ROW | {"call_status": 5}, ("call_status", "wrong type"), "call_status", None),
        (ROW | {"caller": 84900000001}, ("caller", "number"), "caller", "84900000001"),
        (ROW | {"note": {"text": "x"}}, ("note", "wrong type"), "note", None),
        (ROW | {"note": True}, ("note", "wrong type"), "note", "true"),
        (ROW | {"note": "half \ud83d"}, ("note", "broken text"), "note", "half ?"),
        (
            ROW | {"started_at": "2026-11-02T08:00:00.123456789+07:00"},
            ("started_at", "finer than microseconds"),
            "started_at",
            datetime(2026, 11, 2, 1, 0, 0, 123456, tzinfo=UTC),
        ),
        (ROW | {"created_at": "yesterday"}, ("created_at", "unreadable time"), "created_at", None),
        (
            ROW | {"created_at": "2026-02-31T00:00:00Z"},
            ("created_at", "unreadable time"),
            "created_at",
            None,
        ),
        (
            ROW | {"created_at": "2026-11-02T08:00:00"},
            ("created_at", "unreadable time"),
            "created_at",
            None,
        ),
        (ROW | {"created_at": 1793581200}, ("created_at", "wrong type"), "created_at", None),
        (ROW | {"mood": "good"}, ("mood", "new field"), "id", ROW["id"]),
        (
            ROW | {"recording_urls": "https://r.example/1"},
            ("recording_urls", "wrong type"),
            "recording_urls",
            ["https://r.example/1"],
        ),
        (
            ROW | {"recording_urls": [None, "a"]},
            ("recording_urls", "wrong type"),
            "recording_urls",
            ["a"],
        ),
        (ROW | {"call_targets": "none"}, ("call_targets", "wrong type"), "call_targets", []),
    ],
    ids=lambda value: f"{value[0]} {value[1]}" if isinstance(value, tuple) else "",
)
def test_drift_keeps_the_row_and_the_fetch_continues(
    row: Request, drift: tuple[str, str], field: str, expected: object, client_of: ClientOf
):
    logs = fetch_rows(client_of, row, ROW | {"id": "4000000000000000002"})

    assert drift_counts(logs) == [(*drift, 1)]
    assert logs.calls.height == 2
    assert logs.calls.filter(pl.col("id") == ROW["id"])[field].to_list() == [expected]


@pytest.mark.parametrize(
    ("leg", "drift", "field", "expected"),
    [
        (
            LEG | {"ring_duration": "10"},
            ("call_targets.ring_duration", "quoted number"),
            "ring_duration",
            10,
        ),
        (LEG | {"fail_code": 487.5}, ("call_targets.fail_code", "fraction"), "fail_code", None),
        (without(LEG, "status"), ("call_targets.status", "missing"), "status", None),
        (
            LEG | {"target_number": 101},
            ("call_targets.target_number", "number"),
            "target_number",
            "101",
        ),
        (LEG | {"codec": "opus"}, ("call_targets.codec", "new field"), "target_number", "101"),
        (17, ("call_targets", "wrong type"), "target_number", None),
        (None, ("call_targets", "wrong type"), "target_number", None),
    ],
)
def test_drift_in_a_leg_keeps_the_leg_and_the_call(
    leg: object, drift: tuple[str, str], field: str, expected: object, client_of: ClientOf
):
    logs = fetch_rows(client_of, ROW | {"call_targets": [LEG, leg]})

    assert drift_counts(logs) == [(*drift, 1)]
    assert logs.call_targets[field].to_list() == [LEG[field], expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"call_targets": None},
        {"recording_urls": None},
        {"recording_urls": [""]},
        {"caller": ""},
        {"direction": ""},
    ],
)
def test_empty_values_and_null_lists_are_not_drift(changes: Request, client_of: ClientOf):
    logs = fetch_rows(
        client_of, ROW | changes, without(ROW, "call_targets") | {"id": "4000000000000000002"}
    )

    assert logs.report.drift == ()
    assert logs.calls.height == 2
    assert logs.calls["recording_urls"].to_list() == [[], []]
    assert logs.calls["call_targets"].to_list() == [[], []]


@pytest.mark.parametrize(
    "record",
    [
        {**ROW, "id": ""},
        {**ROW, "id": "0"},
        {**ROW, "id": None},
        without(ROW, "id"),
        17,
        "call",
        None,
        [ROW],
    ],
)
def test_record_without_an_id_is_set_aside_unchanged(record: object, client_of: ClientOf):
    logs = fetch_rows(client_of, ROW, record)

    assert logs.calls["id"].to_list() == [ROW["id"]]
    assert [(each.page, each.record) for each in logs.report.set_aside] == [(0, record)]
    assert (logs.report.received, logs.report.rows) == (2, 1)


def test_drift_is_counted_without_showing_numbers_notes_or_links(client_of: ClientOf):
    rows = [
        ROW
        | {
            "id": str(10**18 + n),
            "caller": 84900000001 + n,
            "recording_urls": "https://r.example/secret",
            "note": ["private"],
        }
        for n in range(150)
    ]
    logs = fetch_rows(client_of, *rows)

    assert drift_counts(logs) == [
        ("caller", "number", 150),
        ("note", "wrong type", 150),
        ("recording_urls", "wrong type", 150),
    ]
    text = repr(logs.report.drift) + repr(logs) + logs._repr_html_()
    assert not re.search("84900|secret|private", text)
    assert "84…" in text


def test_invalid_utf8_does_not_stop_the_fetch(client_of: ClientOf, server: CallLogServer):
    body = (
        json.dumps({"call_logs": [ROW | {"note": "NOTE"}], "paging": {"next": "", "prev": ""}})
        .encode()
        .replace(b"NOTE", b"caf\xe9")
    )
    server.script(Answer(body=body))
    logs = et.fetch_calls(client_of(server))

    assert logs.calls["note"].to_list() == ["caf�"]
    assert drift_counts(logs) == [("call_logs", "broken text", 1)]


_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
)


@pytest.mark.slow
@examples(60)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(sorted(ROW)), _values, max_size=6).map(
            lambda values: {**ROW, **values}
        )
        | st.dictionaries(st.sampled_from(sorted(LEG)), _values, max_size=4).map(
            lambda values: {**ROW, "call_targets": [{**LEG, **values}]}
        )
        | _values,
        max_size=6,
    )
)
def test_report_counts_every_row_for_any_values(rows: list[object]):
    with serve(rows) as server, et.Client(server.base_url, server.api_key) as client:
        report = et.fetch_calls(client).report

    assert (
        report.received
        == len(rows)
        == report.rows + report.repeated + report.outside + len(report.set_aside)
    )


# Progress, reports and representations.


def test_progress_shows_rows_and_the_date_reached(
    client: et.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("TQDM_DISABLE")
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)

    et.fetch_calls(client, et.CallQuery(time_zone="Asia/Ho_Chi_Minh"))
    assert "1500 calls" in stderr.getvalue()
    assert "back to 2026-11-02" in stderr.getvalue()


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_progress_can_be_turned_off(
    how: str, client: et.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    if how == "argument":
        monkeypatch.delenv("TQDM_DISABLE")

    et.fetch_calls(client, progress=how != "argument")
    assert capsys.readouterr().err == ""


def test_report_shows_the_range_in_which_calls_are_complete(client: et.Client):
    before = datetime.now(UTC)
    past = et.fetch_calls(client, et.CallQuery(date_from="2026-11-02", date_to="2026-11-03")).report
    open_range = et.fetch_calls(client, et.CallQuery(date_to="2199-01-01")).report

    assert past.complete_from == datetime(2026, 11, 1, 17, tzinfo=UTC)
    assert past.complete_to == datetime(2026, 11, 2, 17, tzinfo=UTC)
    assert open_range.complete_from is None
    assert before <= open_range.complete_to == open_range.began_at <= datetime.now(UTC)


def test_future_range_is_complete_up_to_its_begin(client: et.Client):
    report = et.fetch_calls(client, et.CallQuery(date_from="2199-01-01")).report

    assert report.complete_from == report.complete_to


def test_representations_have_no_control_characters_and_no_phone_numbers(client_of: ClientOf):
    logs = fetch_rows(
        client_of,
        ROW | {"a\x1b[31m\nb": 1, "0900000001": 1, "direction": "\ud83d\x07"},
        {"caller": "0900000001", "note": "private"},
    )

    assert repr(logs).replace("\n", "").isprintable()
    logs._repr_html_().encode()
    assert not re.search("90000|private", repr(logs) + repr(logs.report) + logs._repr_html_())


def test_server_that_ignores_cursors_is_an_error(client_of: ClientOf, calls: pl.DataFrame):
    numbers = iter(range(1000))

    def page_with_new_cursor() -> Request:
        return first | {"paging": {"next": f"cursor {next(numbers)}", "prev": ""}}

    with serve(calls.head(50)) as server:
        client = client_of(server)
        first = json.loads(client.list_calls().body)
        server.script(*[Answer(body=page_with_new_cursor()) for _ in range(10)])
        with pytest.raises(errors.PagingError, match="3 pages without new rows in a row"):
            et.fetch_calls(client)


def test_future_part_of_the_range_is_a_gap(client: et.Client):
    report = et.fetch_calls(
        client, et.CallQuery(date_from="2026-11-02", date_to="2199-01-01")
    ).report

    assert [(gap.begin, gap.end) for gap in report.gaps] == [
        (report.complete_to, datetime(2198, 12, 31, 17, tzinfo=UTC))
    ]
    assert et.FetchReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_fetcher_reports_progress_and_can_be_stopped(client: et.Client, calls: pl.DataFrame):
    progress: list[tuple[int, datetime | None]] = []
    fetch = et.fetcher(client)

    logs = fetch(
        et.CallQuery(), lambda rows, reached: progress.append((rows, reached)), lambda: False
    )
    assert_frame_equal(logs.calls, calls)
    assert [rows for rows, _ in progress] == sorted(rows for rows, _ in progress)
    assert progress[-1] == (1500, calls["started_at"].min())
    with pytest.raises(errors.Stopped):
        fetch(et.CallQuery(), lambda rows, reached: None, lambda: True)


def test_both_representations_show_the_fetch_and_escape_received_text(
    client_of: ClientOf, tmp_path: Path
):
    logs = fetch_rows(
        client_of,
        ROW | {"<script>alert(1)</script>": 1, "direction": "<img src=x onerror=alert(1)>"},
    )

    for text in (repr(logs), logs._repr_html_()):
        assert "1, with 0 call targets" in text
        assert "1 row on 2 pages" in text
        assert "2026-11-02 08:00:00+07:00" in text
    assert "<script>" not in logs._repr_html_()
    assert "<img" not in logs._repr_html_()
    assert "&lt;script&gt;" in logs._repr_html_()
