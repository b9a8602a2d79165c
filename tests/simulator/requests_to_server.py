"""How the tests of the simulated server ask it: plain requests, so that no client of ours stands between."""

import json
from typing import Any

import requests

from etelecom_analytics.simulator import CallLogServer

__all__ = ["Row", "every_page", "every_row", "ids_of", "page_of", "post"]

Row = dict[str, Any]


def post(
    http: requests.Session, server: CallLogServer, body: object, **changes: Any
) -> requests.Response:
    """The answer to this body, with the right key, headers and address but for the changes."""
    url = changes.get("url", server.base_url + ".Etelecom/ListCallLogs")
    headers = {
        "Authorization": f"Bearer {server.api_key}",
        "Content-Type": "application/json",
        **changes.get("headers", {}),
    }
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.request(changes.get("method", "POST"), url, data=data, headers=headers, timeout=10)


def page_of(
    http: requests.Session, server: CallLogServer, wanted: Row | None = None, **paging: Any
) -> Row:
    """One page, which must be granted."""
    answer = post(http, server, {"filter": wanted or {}, "paging": paging})
    assert answer.status_code == 200, answer.text
    page: Row = answer.json()
    return page


def every_page(
    http: requests.Session,
    server: CallLogServer,
    wanted: Row | None = None,
    most: int = 1_000,
    **paging: Any,
) -> list[Row]:
    """The pages of a chain to its end, or as many as `most`."""
    pages: list[Row] = []
    after = ""
    while len(pages) < most:
        pages.append(page_of(http, server, wanted, **paging, after=after))
        after = pages[-1]["paging"]["next"]
        if not after:
            break
    return pages


def every_row(
    http: requests.Session, server: CallLogServer, wanted: Row | None = None, **paging: Any
) -> list[Any]:
    """The rows of a chain to its end."""
    return [
        row
        for page in every_page(http, server, wanted, **paging)
        for row in page["call_logs"] or ()
    ]


def ids_of(rows: list[Row]) -> list[str]:
    """The ids in the order of the rows."""
    return [row["id"] for row in rows]
