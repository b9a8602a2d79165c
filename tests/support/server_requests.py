"""Plain HTTP requests to the simulated server, without the package's client."""

import json
from typing import Any

import requests

from etelecom_analytics.simulator import CallLogServer

__all__ = ["Row", "every_page", "every_row", "ids_of", "page_of", "post"]

Row = dict[str, Any]


def post(
    http: requests.Session, server: CallLogServer, body: object, **changes: Any
) -> requests.Response:
    """Post a body with the correct URL, key and headers, except for the changes."""
    url = changes.get("url", server.base_url + ".Etelecom/ListCallLogs")
    headers = {
        "Authorization": f"Bearer {server.api_key}",
        "Content-Type": "application/json",
        **changes.get("headers", {}),
    }
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.request(changes.get("method", "POST"), url, data=data, headers=headers, timeout=10)


def page_of(
    http: requests.Session, server: CallLogServer, query: Row | None = None, **paging: Any
) -> Row:
    """One page; the status must be 200."""
    answer = post(http, server, {"filter": query or {}, "paging": paging})
    assert answer.status_code == 200, answer.text
    page: Row = answer.json()
    return page


def every_page(
    http: requests.Session,
    server: CallLogServer,
    query: Row | None = None,
    limit_pages: int = 1_000,
    **paging: Any,
) -> list[Row]:
    """The pages of a chain, at most `limit_pages`."""
    pages: list[Row] = []
    after = ""
    while len(pages) < limit_pages:
        pages.append(page_of(http, server, query, **paging, after=after))
        after = pages[-1]["paging"]["next"]
        if not after:
            break
    return pages


def every_row(
    http: requests.Session, server: CallLogServer, query: Row | None = None, **paging: Any
) -> list[Any]:
    """The rows of all pages of a chain."""
    return [
        row for page in every_page(http, server, query, **paging) for row in page["call_logs"] or ()
    ]


def ids_of(rows: list[Row]) -> list[str]:
    """The ids of the rows, in order."""
    return [row["id"] for row in rows]
