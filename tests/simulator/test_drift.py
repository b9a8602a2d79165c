"""Each unexpected value of the simulator causes exactly the drift that it declares."""

import json
from typing import Any

import pytest
import requests
from support.server_requests import Row, every_row, post

from etelecom_analytics.parsing.pages import PageReader
from etelecom_analytics.parsing.values import DriftKind
from etelecom_analytics.schema import CALLS, LEGS
from etelecom_analytics.simulator import serve, simulate_calls
from etelecom_analytics.simulator.drift import UNEXPECTED_VALUES, UnexpectedValue
from etelecom_analytics.simulator.faults import raw_newline, unexpected_values
from etelecom_analytics.simulator.rows import wire_rows


@pytest.fixture(scope="module")
def row() -> Row:
    """A row with at least two legs."""
    return next(
        row for row in wire_rows(simulate_calls(100, seed=2).calls) if len(row["call_targets"]) > 1
    )


def read(row: Row) -> tuple[dict[str, Any], list[tuple[str, str, int]]]:
    """The call that the package parses from a row, and the drift that it reports."""
    reader = PageReader()
    call = reader.read([json.dumps({"call_logs": [row], "paging": {"next": ""}}).encode()]).row(
        0, named=True
    )
    return call, [(drift.field, drift.kind, drift.count) for drift in reader.drift]


@pytest.mark.slow
@pytest.mark.parametrize(
    "unexpected",
    UNEXPECTED_VALUES,
    ids=[f"{each.field}: {each.kind} {each.value!r:.20}" for each in UNEXPECTED_VALUES],
)
def test_unexpected_value_is_parsed_as_declared(row: Row, unexpected: UnexpectedValue):
    expected, _ = read(row)
    name, _, leg_name = unexpected.field.partition(".")
    if leg_name:
        expected[name][0] |= {leg_name: unexpected.read_as} if leg_name in expected[name][0] else {}
    elif name in expected:
        expected[name] = unexpected.read_as

    assert read(unexpected.put_into(row)) == (
        expected,
        [(unexpected.field, unexpected.kind, 1)],
    )


def test_every_kind_and_every_field_except_the_id_occurs():
    """Except for invalid JSON, which is a property of a page."""
    assert {each.kind for each in UNEXPECTED_VALUES} == set(DriftKind) - {DriftKind.INVALID_JSON}
    assert {each.field for each in UNEXPECTED_VALUES} >= {column.name for column in CALLS[1:]} | {
        f"call_targets.{leg.name}" for leg in LEGS
    }


def test_raw_newline_is_drift_of_its_page(row: Row):
    with serve([row]) as server, requests.Session() as session:
        server.misbehave(raw_newline())
        body = post(session, server, {}).content
    reader = PageReader()
    calls = reader.read([body])

    assert calls["note"].to_list() == ["first line\nsecond line"]
    assert [drift.kind for drift in reader.drift] == [DriftKind.INVALID_JSON]


def test_put_into_does_not_modify_the_row(row: Row):
    before = json.dumps(row)
    for unexpected in UNEXPECTED_VALUES:
        unexpected.put_into(row)

    assert json.dumps(row) == before


def test_each_row_gets_one_unexpected_value():
    """Which one depends only on the row, so another page size gives the same rows."""
    calls = simulate_calls(400, seed=3).calls
    with serve(calls) as server, requests.Session() as session:
        correct = every_row(session, server)
        server.misbehave(unexpected_values())
        rows = every_row(session, server)
        again = every_row(session, server, limit=30)

    assert rows == again
    assert all(
        sum(each.put_into(one) == other for each in UNEXPECTED_VALUES) >= 1
        for one, other in zip(correct, rows, strict=True)
    )
    assert sum(one != other for one, other in zip(correct, rows, strict=True)) > 300
