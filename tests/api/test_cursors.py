"""Cursors that count rows or pages are recognised, those that name a row are not."""

import base64
import json

import pytest

from etelecom_analytics.api.cursors import OffsetPattern


def is_offset(*cursors: str, rows: int = 100) -> bool:
    pattern = OffsetPattern()
    for cursor in cursors:
        pattern.add(cursor, rows)
    return pattern.matches


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursors",
    [
        ["100"],
        ["100", "200", "300"],
        ["99", "198", "297"],
        ["101", "201", "301"],
        ["5000", "5100", "5200"],
        ["2", "3", "4"],
        ["1", "2"],
        ["offset=100&limit=100", "offset=200&limit=100"],
        ["page=2&size=50", "page=3&size=50", "page=4&size=50"],
        [encoded("100"), encoded("200")],
        [encoded("100").rstrip("="), encoded("200").rstrip("=")],
        [encoded("cursor:100"), encoded("cursor:200")],
        ["o100", "o200"],
        [json.dumps({"offset": 100}), json.dumps({"offset": 200})],
        [encoded(json.dumps({"from": 100, "seed": 7})), encoded(json.dumps({"from": 200}))],
        ["NTAwMA%3D%3D", "NTEwMA%3D%3D"],
        ["100", "?", "300", "400"],
    ],
)
def test_numbers_that_grow_by_about_the_rows_of_a_page_are_offsets(cursors: list[str]):
    assert is_offset(*cursors)


@pytest.mark.parametrize(
    "cursors",
    [
        [],
        ["row-a", "row-b"],
        ["1140000000000000900", "1140000000000000800"],
        ["1140000000000000800", "1140000000000000900"],
        ["900000", "899900", "899800"],
        ["100", "100", "100"],
        ["1762345678", "1762340000", "1762339999"],
        [encoded('[-1762345678.0, 19, "4000000000000000077", 0]')],
        [encoded('[-1762345678.0, 100, "4000000000000000077", 3]')] * 3,
        ["2026-11-05T10:00:00Z", "2026-11-04T10:00:00Z", "2026-11-03T10:00:00Z"],
        ["limit=100&after=x", "limit=100&after=y", "limit=100&after=z"],
        ["8ug1zc2w9k", "8ug1zc2wbc", "8ug1zc2we4"],
    ],
)
def test_cursors_that_name_a_row_are_no_offsets(cursors: list[str]):
    assert not is_offset(*cursors)


@pytest.mark.parametrize("rows", [1, 2, 3, 9])
def test_a_small_number_in_the_cursor_of_a_short_page_is_no_offset(rows: int):
    assert not is_offset(encoded(f'[-1762345678.0, {rows}, "3", 0]'), rows=rows)


@pytest.mark.parametrize("rows", [1, 2, 3, 9])
def test_a_small_number_in_the_cursor_of_a_full_page_may_be_an_offset(rows: int):
    pattern = OffsetPattern()
    pattern.add(f"offset={rows}&size=77", rows, is_full=True)

    assert pattern.matches


@pytest.mark.parametrize("offsets", [(50, 100, 150), (100, 200, 300)])
def test_an_offset_counts_the_copies_of_rows_or_not(offsets: tuple[int, ...]):
    pattern = OffsetPattern()
    for offset in offsets:
        pattern.add(f"offset={offset}&size=7", 50, copies=50)
        assert pattern.matches


def test_a_number_that_stays_is_no_offset_of_full_pages():
    pattern = OffsetPattern()
    for index in range(2):
        pattern.add(
            encoded(f'[-176234567{index}.0, 3, "400000000000000{index}", 0]'), 3, is_full=True
        )

    assert not pattern.matches


def test_offsets_with_several_numbers_are_recognised_after_two_short_pages():
    assert is_offset("offset=5&limit=5", "offset=10&limit=5", rows=5)


def test_offset_counts_rows_that_the_server_removes_from_a_page():
    assert is_offset("100", "200", "300", rows=3)
