"""Recorded responses: each file in tests/cases is a response and the expected result."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics import errors
from etelecom_analytics.api import wire

CASES = sorted((Path(__file__).parent.parent / "cases").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_recorded_response_gives_the_expected_page_or_error(path: Path):
    case = json.loads(path.read_text(encoding="utf-8"))
    body = (
        case["body"]
        if isinstance(case["body"], str)
        else json.dumps(case["body"], ensure_ascii=False)
    )

    expected = case["expect"]
    if "error" not in expected:
        page = wire.read_page(case["status"], case["headers"], body.encode())
        assert {name: getattr(page, name) for name in expected} == expected
        assert page.call_logs == (case["body"]["call_logs"] or [])
        return
    with pytest.raises(errors.ApiError) as caught:
        wire.read_page(case["status"], case["headers"], body.encode())
    result = {
        "error": type(caught.value).__name__,
        **{name: getattr(caught.value, name) for name in expected if name != "error"},
    }
    assert result == expected


_texts = st.text(max_size=8) | st.sampled_from(['"paging"', '"paging":{}}', "{", "}", "\\", '"'])
_rows = st.lists(
    st.dictionaries(
        _texts | st.just("paging"), _texts | st.dictionaries(st.just("next"), _texts), max_size=4
    ),
    max_size=4,
)


@pytest.mark.slow
@given(
    rows=_rows,
    following=_texts,
    before=_texts,
    paging_first=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_cursor_is_read_from_the_paging_of_the_page_and_not_from_its_rows(
    rows: list[Any], following: str, before: str, paging_first: bool, indent: int | None
):
    paging = {
        "after": "",
        "before": "",
        "limit": 100,
        "next": following,
        "prev": before,
        "sort": "",
    }
    parts = [("paging", paging), ("call_logs", rows)]
    body = json.dumps(dict(parts if paging_first else reversed(parts)), indent=indent)

    page = wire.read_page(200, {}, body.encode(errors="replace"))
    assert (page.next, page.prev, page.is_empty) == (following, before, not rows)


@given(length=st.integers(min_value=0))
def test_truncated_body_is_never_a_page(length: int):
    rows = [
        {"id": "1", "recording_urls": ["a"], "note": '"paging":{"next":"x"}}'},
        {"id": "2", "call_targets": [{"fail_code": 0}]},
    ]
    for parts in (
        {"call_logs": rows, "paging": {"next": "c"}},
        {"paging": {"next": "c"}, "call_logs": rows},
    ):
        body = json.dumps(parts).encode()
        with pytest.raises(errors.Unreadable):
            wire.read_page(200, {}, body[: length % len(body)])


@pytest.mark.parametrize("base_url", ["https://host/v1/shop", "https://host/v1/shop/"])
def test_service_is_appended_with_a_dot(base_url: str):
    assert wire.service_url(base_url) == "https://host/v1/shop.Etelecom/ListCallLogs"


def test_request_contains_only_set_values():
    body = wire.list_request({"direction": "in"}, limit=100, sort="", after="cursor", before="")

    assert json.loads(body) == {
        "filter": {"direction": "in"},
        "paging": {"limit": 100, "after": "cursor"},
    }


def test_prev_is_sent_as_before():
    """The API documentation says `after` for both, but the backend expects `prev` in `before`."""
    assert json.loads(wire.list_request({}, limit=0, sort="", after="", before="p"))["paging"] == {
        "before": "p"
    }


@pytest.mark.parametrize("rows", [[], None])
@pytest.mark.parametrize(
    "key",
    [
        {"callLogs": [{"id": "1"}]},
        {"message": "overloaded"},
        {"status": "error"},
        {"paging": {"next": "", "error": "timeout"}},
    ],
    ids=lambda key: next(iter(key)),
)
def test_page_without_rows_is_an_error_if_another_key_explains_it(
    rows: list[object] | None, key: dict[str, object]
):
    body = json.dumps({"call_logs": rows, "paging": {"next": ""}} | key).encode()

    for read in (wire.read_page, wire.scan_page):
        with pytest.raises(errors.Unreadable):
            read(200, {}, body)


@pytest.mark.parametrize("key", [{}, {"message": "ok"}, {"status": "success"}, {"extra": []}])
def test_page_without_rows_and_with_harmless_keys_is_the_last_page(key: dict[str, object]):
    body = json.dumps({"call_logs": [], "paging": {"next": ""}} | key).encode()

    for read in (wire.read_page, wire.scan_page):
        assert read(200, {}, body).is_empty


@pytest.mark.parametrize("paging", [{"nextCursor": "c"}, {"message": "timeout"}])
def test_page_whose_next_cursor_is_not_readable_is_not_the_last_page(paging: dict[str, str]):
    body = json.dumps({"call_logs": [{"id": "1"}], "paging": paging}).encode()

    for read in (wire.read_page, wire.scan_page):
        with pytest.raises(errors.Unreadable):
            read(200, {}, body)
