"""Each strange value of the simulator is strange in the way that it says, and in no other."""

import json
from typing import Any

import pytest
import requests
from requests_to_server import Row, every_row

from etelecom_analytics.frames import DriftKind, PageReader
from etelecom_analytics.schema import CALLS, LEGS
from etelecom_analytics.simulator import serve, simulate_calls
from etelecom_analytics.simulator.drift import STRANGE, Strange
from etelecom_analytics.simulator.faults import drifting
from etelecom_analytics.simulator.rows import wire_rows


@pytest.fixture(scope="module")
def row() -> Row:
    """A row with two legs or more."""
    return next(
        row for row in wire_rows(simulate_calls(100, seed=2).calls) if len(row["call_targets"]) > 1
    )


def read(row: Row) -> tuple[dict[str, Any], list[tuple[str, str, int]]]:
    """The call that the package makes of a row, and what it found strange."""
    reader = PageReader()
    call = reader.read([json.dumps({"call_logs": [row], "paging": {"next": ""}}).encode()]).row(
        0, named=True
    )
    return call, [(drift.field, drift.kind, drift.count) for drift in reader.drift]


@pytest.mark.parametrize(
    "strange",
    STRANGE,
    ids=[f"{strange.field}: {strange.kind} {strange.value!r:.20}" for strange in STRANGE],
)
def test_a_strange_value_is_read_as_it_says_and_the_rest_of_the_row_as_before(
    row: Row, strange: Strange
):
    expected, _ = read(row)
    name, _, leg_name = strange.field.partition(".")
    if leg_name:
        expected[name][0] |= {leg_name: strange.read_as} if leg_name in expected[name][0] else {}
    elif name in expected:
        expected[name] = strange.read_as

    assert read(strange.put_into(row)) == (expected, [(strange.field, strange.kind, 1)])


def test_every_kind_and_every_field_but_the_id_is_there():
    assert {strange.kind for strange in STRANGE} == set(DriftKind)
    assert {strange.field for strange in STRANGE} >= {column.name for column in CALLS[1:]} | {
        f"call_targets.{leg.name}" for leg in LEGS
    }


def test_the_row_that_is_given_stays_as_it_is(row: Row):
    before = json.dumps(row)
    for strange in STRANGE:
        strange.put_into(row)

    assert json.dumps(row) == before


def test_each_row_of_a_drifting_server_has_one_strange_value():
    """Which one hangs on the row alone: another page size gives the same rows."""
    calls = simulate_calls(400, seed=3).calls
    with serve(calls) as server, requests.Session() as session:
        right = every_row(session, server)
        server.misbehave(drifting())
        rows = every_row(session, server)
        again = every_row(session, server, limit=30)

    assert rows == again
    assert all(
        sum(strange.put_into(one) == other for strange in STRANGE) >= 1
        for one, other in zip(right, rows, strict=True)
    )
    assert sum(one != other for one, other in zip(right, rows, strict=True)) > 300
