"""Extensions, users and hotlines over real HTTP: typed tables, drift counts, and no passwords."""

import json
import logging
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.api.directory import fetch_extensions, fetch_hotlines, fetch_users
from etelecom_analytics.api.listing import Listing, read_listing
from etelecom_analytics.schema import EXTENSIONS, HOTLINES, USERS, schema_of
from etelecom_analytics.simulator import Answer, CallLogServer, Directory, serve

ClientOf = Callable[..., et.Client]
FetchList = Callable[[et.Client], pl.DataFrame]

SECRET = "Xk7-sip-quartz-melon"
LISTS: dict[str, tuple[FetchList, str, str, tuple[Any, ...]]] = {
    "extensions": (fetch_extensions, "Etelecom/GetExtensions", "extensions", EXTENSIONS),
    "users": (fetch_users, "Shop/GetAccountUsers", "account_users", USERS),
    "hotlines": (fetch_hotlines, "Etelecom/GetPartnerHotlineList", "hotlines", HOTLINES),
}


@pytest.fixture(params=LISTS)
def listing(request: pytest.FixtureRequest) -> tuple[FetchList, str, str, tuple[Any, ...]]:
    return LISTS[request.param]


def page(key: str, *rows: object, following: str = "") -> dict[str, Any]:
    return {key: list(rows), "paging": {"next": following, "prev": ""}}


def extension(number: int, **changes: object) -> dict[str, Any]:
    row = {
        "id": str(1000 + number),
        "extension_number": str(number),
        "hotline_id": "7",
        "user_id": "9",
        "tenant_domain": "t.example",
    }
    times = {"created_at": "2026-01-15T09:30:00+07:00", "expires_at": "0001-01-01T00:00:00Z"}
    return {**row, **times, "state": "active", "extension_password": SECRET, **changes}


def user(number: int, **changes: object) -> dict[str, Any]:
    row = {
        "user_id": str(number),
        "full_name": f"User {number}",
        "short_name": "U",
        "email": "u@t.example",
        "phone": "0900000001",
    }
    return {
        **row,
        "department_id": "0",
        "position": "",
        "roles": ["owner"],
        "deleted": False,
        **changes,
    }


# Tables.


def test_each_table_is_typed_and_sorted(listing: Any, client: et.Client, server: CallLogServer):
    fetch, method, key, columns = listing
    table = fetch(client)

    assert table.schema == pl.Schema(schema_of(columns))
    assert table.height == len(getattr(server.directory, key)) > 0
    assert table[columns[0].name].is_sorted()
    assert [(each.path, each.body) for each in server.requests] == [
        (f"/v1/shop.{method}", {"filter": {}, "paging": {"limit": 100}}),
        (
            f"/v1/shop.{method}",
            {
                "filter": {},
                "paging": {"limit": 100, "after": server.requests[1].body["paging"]["after"]},
            },
        ),
    ]


def test_simulated_lists_have_no_drift(client: et.Client, caplog: pytest.LogCaptureFixture):
    for fetch in (et.fetch_extensions, et.fetch_users, et.fetch_hotlines):
        fetch(client)

    assert caplog.text == ""


def test_extension_has_all_fields_except_its_password(client: et.Client, server: CallLogServer):
    server.script(Answer(body=page("extensions", extension(101, user_id="0", hotline_id=""))))

    assert fetch_extensions(client).to_dicts() == [
        {
            "id": "1101",
            "extension_number": "101",
            "hotline_id": None,
            "user_id": None,
            "tenant_domain": "t.example",
            "created_at": pl.Series(["2026-01-15T02:30:00Z"]).str.to_datetime(time_zone="UTC")[0],
            "expires_at": None,
            "state": "active",
        }
    ]


@pytest.mark.parametrize("size", [1, 99, 100, 101, 250])
def test_every_page_is_followed(size: int, client_of: ClientOf):
    rows = tuple(extension(number) for number in range(size, 0, -1))
    with serve([]) as server:
        server.directory = Directory(extensions=rows)
        table = fetch_extensions(client_of(server))

    assert table["id"].to_list() == sorted(row["id"] for row in rows)
    assert len(server.requests) == -(-size // 100) + 1


def test_list_without_paging_is_complete(client: et.Client, server: CallLogServer):
    """The page has 150 rows, more than the page limit."""
    server.script(Answer(body={"extensions": [extension(number) for number in range(150)]}))

    assert fetch_extensions(client).height == 150
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [{"extensions": []}, {"extensions": None, "paging": {"next": ""}}],
)
def test_empty_list_is_an_empty_table(
    body: dict[str, Any], client: et.Client, server: CallLogServer
):
    server.script(Answer(body=body))

    table = fetch_extensions(client)
    assert (table.height, table.schema) == (0, pl.Schema(schema_of(EXTENSIONS)))


def test_cycle_of_pages_is_an_error(client: et.Client, server: CallLogServer):
    server.script(*[Answer(body=page("extensions", extension(101), following="again"))] * 9)

    with pytest.raises(errors.PagingError, match="again"):
        fetch_extensions(client)


# Drift.


def test_unexpected_values_are_converted_if_possible_and_counted(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    rows = [
        extension(101, id=1101, created_at="soon", user_id=9.0),
        extension(
            102, extension_number=102, expires_at="2027-01-01T00:00:00Z", state={"is": SECRET}
        ),
        extension(103, extension_password=None, tenant_domain=None),
        {"id": "1104"},
    ]
    server.script(Answer(body=page("extensions", *rows)))
    table = fetch_extensions(client)

    assert table["id"].to_list() == ["1101", "1102", "1103", "1104"]
    assert table["extension_number"].to_list() == ["101", "102", "103", None]
    assert table["created_at"].is_null().to_list() == [True, False, False, True]
    assert table["user_id"].to_list() == [None, "9", "9", None]
    counts = caplog.messages[0].removeprefix("extensions: ").split("; ")
    assert counts == [
        *(
            "created_at: missing, 1 x",
            "created_at: unreadable time, 1 x",
            "expires_at: missing, 1 x",
            "extension_number: missing, 1 x",
        ),
        *(
            "extension_number: number, 1 x",
            "hotline_id: missing, 1 x",
            "id: number, 1 x",
            "state: missing, 1 x",
            "state: wrong type, 1 x",
        ),
        *(
            "tenant_domain: missing, 1 x",
            "tenant_domain: null, 1 x",
            "user_id: missing, 1 x",
            "user_id: wrong type, 1 x",
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "deleted", "roles"),
    [
        ({}, False, ["owner"]),
        ({"deleted": True, "roles": []}, True, []),
        ({"deleted": "true", "roles": None}, True, []),
        ({"deleted": "false", "roles": "owner"}, False, ["owner"]),
        ({"deleted": 1, "roles": ["a", 5, None, "b", ""]}, True, ["a", "b"]),
        ({"deleted": 0, "roles": {}}, False, []),
        ({"deleted": 2, "roles": [["a"]]}, None, []),
        ({"deleted": "no"}, None, ["owner"]),
        ({"deleted": []}, None, ["owner"]),
        ({"deleted": 1.0}, None, ["owner"]),
        ({"deleted": None}, None, ["owner"]),
    ],
)
def test_flags_and_roles(
    changes: dict[str, Any],
    deleted: Any,
    roles: list[str],
    client: et.Client,
    server: CallLogServer,
    caplog: pytest.LogCaptureFixture,
):
    server.script(Answer(body=page("account_users", user(1, **changes))))

    assert fetch_users(client).select("deleted", "roles").row(0) == (deleted, roles)
    is_clean = isinstance(changes.get("deleted", True), bool) and all(
        isinstance(role, str) for role in changes.get("roles") or []
    )
    assert (caplog.text == "") is is_clean


def test_row_without_an_id_is_dropped_and_counted(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    rows = [
        extension(101),
        extension(102, id="0"),
        extension(103, id=""),
        extension(104, id=7.5),
        {},
        SECRET,
        None,
        [extension(105)],
    ]
    server.script(Answer(body=page("extensions", *rows)))

    assert fetch_extensions(client)["id"].to_list() == ["1101"]
    assert "row without an id (dropped), 7 x" in caplog.text


def test_repeated_id_is_kept_once_and_counted(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    newer = extension(1, extension_number="201", created_at="2026-03-01T00:00:00Z")
    server.script(
        Answer(body=page("extensions", newer, extension(2), following="more")),
        Answer(body=page("extensions", extension(1), extension(2, extension_number="202"))),
        Answer(
            body=page(
                "account_users",
                user(5, full_name="active"),
                user(5, full_name="deleted", deleted=True),
            )
        ),
    )

    assert fetch_extensions(client)["extension_number"].to_list() == ["201", "202"]
    assert fetch_users(client)["full_name"].to_list() == ["active"]
    assert caplog.text.count("repeated id") == 2


def test_unknown_network_is_null_and_counted(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    row = {
        "id": "1",
        "hotline": "19000123",
        "name": "Main",
        "network": "gmobile",
        "status": "active",
    }
    server.script(Answer(body=page("hotlines", row, {**row, "id": "2", "network": "viettel"})))

    assert fetch_hotlines(client)["network"].to_list() == [None, "viettel"]
    assert caplog.messages == ["hotlines: network: unknown word, 1 x"]


# Errors.


def test_transient_errors_are_retried(
    listing: Any, client: et.Client, server: CallLogServer, waits: list[float]
):
    fetch, _, _, _ = listing
    server.script(
        Answer(status=503, headers={"retry-after": "17"}),
        Answer(body=b"<html>"),
        Answer(body=b"{", cut_after=0),
    )

    assert fetch(client).height > 0
    assert waits[0] == 17
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            Answer(status=400, body={"code": "invalid_argument", "msg": "no"}),
            errors.BadRequest,
            "400 invalid_argument",
        ),
        (
            Answer(status=401, body={"code": "unauthenticated"}),
            errors.Unauthenticated,
            "Client's argument api_key",
        ),
        (
            Answer(status=403, body={"code": "permission_denied"}),
            errors.PermissionDenied,
            "403 permission_denied",
        ),
        (Answer(status=404, body={"code": "bad_route"}), errors.BadRoute, "GetPartnerHotlineList"),
        (
            Answer(status=302, headers={"Location": "https://elsewhere.example"}),
            errors.BadRoute,
            "redirects are not followed",
        ),
    ],
)
def test_refusal_is_not_retried(
    answer: Answer,
    kind: type[errors.ApiError],
    message: str,
    client: et.Client,
    server: CallLogServer,
    waits: list[float],
):
    server.script(answer, Answer(status=403, body={"code": "permission_denied"}))

    with pytest.raises(kind, match=message) as raised:
        fetch_hotlines(client)
    assert "Shop/GetHotlines was refused too, with status 403" in str(raised.value)
    assert [request.path.rpartition("/")[2] for request in server.requests] == [
        "GetPartnerHotlineList",
        "GetHotlines",
    ]
    assert waits == []


def test_a_shop_gets_its_own_list_of_hotlines(client: et.Client, server: CallLogServer):
    expected = fetch_hotlines(client)
    server.script(Answer(status=403, body={"code": "permission_denied"}))

    assert fetch_hotlines(client).equals(expected)
    assert expected.height == 2
    assert server.requests[-1].path.endswith(".Shop/GetHotlines")


def test_an_error_that_is_no_refusal_does_not_lead_to_the_other_list(
    server: CallLogServer,
):
    server.misbehave(
        Answer(status=503), when=lambda request: "GetPartnerHotlineList" in request.path
    )
    client = et.Client(server.base_url, server.api_key, retry=et.Retry(attempts=1))

    with client, pytest.raises(errors.Unavailable):
        fetch_hotlines(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(body=b""), "an empty body"),
        (
            Answer(body=b'{"extensions": [{"id"'),
            "21 bytes, omitted because they may contain a password",
        ),
        (Answer(body=b"[]"), "2 bytes, omitted"),
        (Answer(body={"extensions": {"id": "1"}, "paging": {}}), "extensions is not a list"),
        (Answer(body={"extensions": [], "paging": []}), "no paging in the response"),
        (Answer(body={}), "no extensions in the response"),
        (Answer(body={"paging": {"next": ""}}), "no extensions in the response"),
        (Answer(body={"code": "internal", "msg": "down"}), "200 internal"),
        (
            Answer(body={"extensions": None, "paging": {}, "code": "internal", "msg": "down"}),
            "200 internal",
        ),
        (Answer(body=b"[" * 100_000), "100,000 bytes"),
        (Answer(body=b'{"extensions": [' + b'{"state": [' * 20_000), "bytes"),
    ],
)
def test_invalid_page_is_reported_without_quoting_it(
    answer: Answer, message: str, client_of: ClientOf, server: CallLogServer
):
    server.script(answer, answer)

    with pytest.raises(errors.Unreadable, match=message) as caught:
        fetch_extensions(client_of(server, retry=et.Retry(attempts=2)))
    assert caught.value.attempts == 2


# The password.

ROW = extension(101)
GOOD = Answer(body=page("extensions", ROW, following="more"))
ANSWERS: dict[str, list[Answer]] = {
    "good": [GOOD, Answer(body=page("extensions", extension(102)))],
    "other spelling": [
        Answer(
            body=page(
                "extensions",
                {
                    **ROW,
                    "Extension_Password": SECRET,
                    "extensionPassword": SECRET,
                    "EXTENSION_PASSWORD": SECRET,
                },
            )
        )
    ],
    "nested": [
        Answer(
            body=page(
                "extensions",
                {
                    **ROW,
                    "sip": {"x": [{"extension_password": SECRET}]},
                    "state": {"password": SECRET},
                },
            )
        )
    ],
    "nested in text": [Answer(body=page("extensions", {**ROW, "raw": json.dumps(ROW)}))],
    "next to the rows": [
        Answer(body={**page("extensions", ROW), "extension_password": SECRET, "debug": [ROW]})
    ],
    "instead of a row": [Answer(body=page("extensions", SECRET, [ROW]))],
    "in paging": [
        Answer(body={"extensions": [ROW], "paging": {"next": "", "extension_password": SECRET}})
    ],
    "not an object": [Answer(body=[ROW])],
    "rows not a list": [Answer(body={"extensions": ROW, "paging": {}})],
    "no paging": [Answer(body={"extensions": [ROW], "paging": [SECRET]})],
    "truncated JSON": [Answer(body=json.dumps({"extensions": [ROW, ROW]}).encode()[:-40])],
    "connection closed": [Answer(body=page("extensions", ROW), cut_after=240)],
    "trailing brace": [Answer(body=json.dumps(page("extensions", ROW)).encode() + b"}")],
    "html": [Answer(body=f"<p>{SECRET}</p>".encode())],
    "first word": [Answer(body=f"{SECRET} is wrong".encode())],
    "500 in msg": [
        Answer(status=500, body={"code": "internal", "msg": f"extension_password={SECRET}"})
    ],
    "500 in code": [Answer(status=500, body={"code": SECRET, "msg": ""})],
    "500 in meta": [
        Answer(status=500, body={"code": "internal", "msg": "x", "meta": {"row": json.dumps(ROW)}})
    ],
    "500 whole body": [Answer(status=500, body=page("extensions", ROW))],
    "502 text": [Answer(status=502, body=SECRET.encode())],
    "400": [
        Answer(status=400, body={"code": "invalid_argument", "msg": f"no such password: {SECRET}"})
    ],
    "401": [Answer(status=401, body={"code": SECRET, "msg": SECRET})],
    "404": [Answer(status=404, body=SECRET.encode())],
    "redirect": [Answer(status=302, headers={"Location": f"https://elsewhere.example/{SECRET}"})],
    "in headers": [Answer(status=503, headers={"X-Debug": SECRET, "Retry-After": SECRET})],
    "second page truncated": [GOOD, Answer(body=json.dumps(page("extensions", ROW)).encode()[:-9])],
    "second page 500": [GOOD, Answer(status=500, body=f"{SECRET}".encode())],
    "cycle of pages": [GOOD] * 9,
}


def all_text_of(error: BaseException) -> str:
    """All text of an error: message, repr, pickle, and traceback with local variables."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert error.__context__ is None
    return "".join(
        [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *trace.format()]
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_password_is_in_no_table_message_repr_log_file_or_traceback(
    name: str,
    client_of: ClientOf,
    server: CallLogServer,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    calls: pl.DataFrame,
):
    caplog.set_level(logging.DEBUG)
    client = client_of(server, retry=et.Retry(attempts=2))
    answers = ANSWERS[name]
    server.script(*answers, answers[-1])
    try:
        table = fetch_extensions(client)
    except errors.ApiError as error:
        # The first frame is that of this test, whose variables contain the password.
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        text = all_text_of(error)
    else:
        logs = et.fetch_calls(client, et.CallQuery(direction="ext"), progress=False).with_names(
            table, None, None
        )
        folder = et.write_snapshot(logs, tmp_path / "snapshot")
        text = repr(table) + table.write_json() + repr(logs) + logs._repr_html_()
        text += "".join(repr(path.read_bytes()) for path in folder.iterdir())
        assert "password" not in "".join(table.columns)

    assert [
        part
        for part in (SECRET, SECRET[:10], SECRET[-10:])
        if part in text + caplog.text + repr(vars(client))
    ] == []


_SEARCH = """
import gc, logging, sys
import etelecom_analytics as et

url, key, reversed_secret, control = sys.argv[1:]
logging.basicConfig(level=logging.DEBUG)
client = et.Client(url, key, sleep=lambda seconds: None, retry=et.Retry(attempts=2))
try:
    result = et.fetch_extensions(client)
except et.errors.ApiError as error:
    result = error
print(type(result).__name__)


def types_with(text):
    visited, texts, objects = set(), [], gc.get_objects()
    while objects:
        new = [each for each in objects if id(each) not in visited]
        visited.update(map(id, new))
        texts += [each for each in new if isinstance(each, str | bytes | bytearray)]
        objects = gc.get_referents(*new)
    return [
        type(each).__name__
        for each in texts
        if each is not text and (text if isinstance(each, str) else text.encode()) in each
    ]


print(len(types_with(control)) > 0)
print(types_with(reversed_secret[::-1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "good",
        "truncated JSON",
        "500 in msg",
        "html",
        "second page truncated",
        "second page 500",
        "connection closed",
    ],
)
def test_password_is_in_no_object_of_the_program(name: str, server: CallLogServer):
    """A program that keeps its result searches all objects; the server is another process."""
    server.script(*ANSWERS[name], ANSWERS[name][-1])
    command = [
        sys.executable,
        "-c",
        _SEARCH,
        server.base_url,
        server.api_key,
        SECRET[::-1],
        "GetExtensions",
    ]

    process = subprocess.run(command, capture_output=True, text=True, check=True)
    result, control, types = process.stdout.strip().splitlines()
    assert (result == "DataFrame") is (name == "good")
    assert control == "True"
    assert types == "[]"
    assert SECRET not in process.stdout + process.stderr


def test_interrupt_does_not_show_the_response(
    client: et.Client, server: CallLogServer, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(body: bytes) -> object:
        assert SECRET.encode() in body
        raise KeyboardInterrupt

    monkeypatch.setattr("etelecom_analytics.api.listing.parse_json", interrupt)
    server.script(GOOD)
    with pytest.raises(KeyboardInterrupt) as caught:
        fetch_extensions(client)

    assert SECRET not in "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert caught.value.__context__ is None


def test_key_is_not_echoed(
    client_of: ClientOf, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    key = "sk-live-9f8e7d6c5b4a"
    server.script(*[Answer(status=500, body={"code": key, "msg": key})] * 2)
    with pytest.raises(errors.Unavailable) as caught:
        fetch_extensions(
            client_of(base_url=server.base_url, api_key=key, retry=et.Retry(attempts=2))
        )

    caught.value.__traceback__ = caught.value.__traceback__ and caught.value.__traceback__.tb_next
    assert key not in all_text_of(caught.value) + caplog.text


_plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_names = st.sampled_from(
    [
        "extensions",
        "paging",
        "next",
        "prev",
        "id",
        "state",
        "code",
        "msg",
        "x",
        "",
        "extension_number",
    ]
)
_secrets = st.dictionaries(
    st.sampled_from(["extension_password", "Password", "passwords"]), st.just(SECRET), max_size=1
)
_json = st.recursive(
    _plain | st.just([SECRET]).map(lambda each: {"y": each}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(st.dictionaries(_names, inner, max_size=5), _secrets).map(
            lambda two: two[0] | two[1]
        )
    ),
    max_leaves=25,
)
_document = _json | st.fixed_dictionaries(
    {"extensions": st.lists(_json, max_size=4)}, optional={"paging": _json, "z": st.just(SECRET)}
)


@pytest.mark.slow
@example(
    document={
        "extensions": [{"state": [{"password": SECRET}, [SECRET]]}],
        "paging": {"next": [{"password": SECRET}]},
    },
    status=200,
    length=None,
)
@given(
    document=_document,
    status=st.sampled_from([200, 200, 200, 400, 401, 500, 302]),
    length=st.integers(0, 400) | st.none(),
)
def test_any_response_is_a_page_without_secrets_or_an_api_error(
    document: Any, status: int, length: int | None
):
    """Only plain values and lists of them under declared names are kept; secrets are elsewhere."""
    body = json.dumps(document).encode()[:length]
    listing = Listing(method="Etelecom/GetExtensions", rows="extensions", fields=("id", "state"))
    try:
        page = read_listing(listing, status, {"Location": SECRET}, body)
    except errors.ApiError as error:
        text = all_text_of(error.with_traceback(None))
    else:
        text = page.body.decode() + repr(page)
        assert status == 200
        assert all(
            row is None or row.keys() <= {"id", "state"}
            for row in json.loads(page.body)["extensions"] or []
        )
    assert SECRET not in text
