"""Extensions, users and hotlines over real HTTP: typed, whole, told what was strange, and their passwords nowhere to be found."""

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
Fetch = Callable[[et.Client], pl.DataFrame]

SECRET = "Xk7-sip-quartz-melon"
LISTS: dict[str, tuple[Fetch, str, str, tuple[Any, ...]]] = {
    "extensions": (fetch_extensions, "Etelecom/GetExtensions", "extensions", EXTENSIONS),
    "users": (fetch_users, "Shop/GetAccountUsers", "account_users", USERS),
    "hotlines": (fetch_hotlines, "Etelecom/GetPartnerHotlineList", "hotlines", HOTLINES),
}


@pytest.fixture(params=LISTS)
def listed(request: pytest.FixtureRequest) -> tuple[Fetch, str, str, tuple[Any, ...]]:
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


# What comes.


def test_each_list_is_typed_and_sorted(listed: Any, client: et.Client, server: CallLogServer):
    fetch, method, key, columns = listed
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


def test_the_simulated_lists_are_clean(client: et.Client, caplog: pytest.LogCaptureFixture):
    for fetch in (et.fetch_extensions, et.fetch_users, et.fetch_hotlines):
        fetch(client)

    assert caplog.text == ""


def test_an_extension_is_what_the_api_says_but_its_password(
    client: et.Client, server: CallLogServer
):
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


def test_a_list_that_comes_at_once_without_paging_is_whole(
    client: et.Client, server: CallLogServer
):
    """Without `paging`, and with 150 rows on a page: no limit was in force."""
    server.script(Answer(body={"extensions": [extension(number) for number in range(150)]}))

    assert fetch_extensions(client).height == 150
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "nothing",
    [{"extensions": []}, {"extensions": None, "paging": {"next": ""}}, {"paging": {"next": ""}}],
)
def test_an_empty_list_is_an_empty_table(
    nothing: dict[str, Any], client: et.Client, server: CallLogServer
):
    server.script(Answer(body=nothing))

    table = fetch_extensions(client)
    assert (table.height, table.schema) == (0, pl.Schema(schema_of(EXTENSIONS)))


def test_pages_that_go_in_a_circle_are_an_error(client: et.Client, server: CallLogServer):
    server.script(*[Answer(body=page("extensions", extension(101), following="again"))] * 9)

    with pytest.raises(errors.PagingError, match="again"):
        fetch_extensions(client)


# What was strange.


def test_strange_values_are_read_as_far_as_they_can_be_and_counted(
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
    told = caplog.messages[0].removeprefix("extensions: ").split("; ")
    assert told == [
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
    ("sent", "deleted", "roles"),
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
    sent: dict[str, Any],
    deleted: Any,
    roles: list[str],
    client: et.Client,
    server: CallLogServer,
    caplog: pytest.LogCaptureFixture,
):
    server.script(Answer(body=page("account_users", user(1, **sent))))

    assert fetch_users(client).select("deleted", "roles").row(0) == (deleted, roles)
    clean = isinstance(sent.get("deleted", True), bool) and all(
        isinstance(role, str) for role in sent.get("roles") or []
    )
    assert (caplog.text == "") is clean


def test_a_row_without_an_id_is_left_out_and_told(
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
    assert "a row without an id, left out, 7 x" in caplog.text


def test_of_an_id_that_comes_twice_one_row_is_kept_and_it_is_told(
    client: et.Client, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    newer = extension(1, extension_number="201", created_at="2026-03-01T00:00:00Z")
    server.script(
        Answer(body=page("extensions", newer, extension(2), following="more")),
        Answer(body=page("extensions", extension(1), extension(2, extension_number="202"))),
        Answer(
            body=page(
                "account_users", user(5, full_name="here"), user(5, full_name="gone", deleted=True)
            )
        ),
    )

    assert fetch_extensions(client)["extension_number"].to_list() == ["201", "202"]
    assert fetch_users(client)["full_name"].to_list() == ["here"]
    assert caplog.text.count("a row of an id that came before") == 2


def test_another_word_for_a_network_is_null_and_told(
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


# Refusals and faults.


def test_what_passes_is_asked_for_again(
    listed: Any, client: et.Client, server: CallLogServer, waits: list[float]
):
    fetch, _, _, _ = listed
    server.script(
        Answer(status=503, headers={"retry-after": "17"}),
        Answer(body=b"<html>"),
        Answer(body=b"{", cut_after=0),
    )

    assert fetch(client).height > 0
    assert waits[0] == 17
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
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
            "sends us elsewhere",
        ),
    ],
)
def test_a_refusal_is_raised_at_once(
    answer: Answer,
    kind: type[errors.ApiError],
    says: str,
    client: et.Client,
    server: CallLogServer,
    waits: list[float],
):
    server.script(answer)

    with pytest.raises(kind, match=says):
        fetch_hotlines(client)
    assert waits == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(body=b""), "an empty body"),
        (
            Answer(body=b'{"extensions": [{"id"'),
            "21 bytes, not repeated here since they may hold a password",
        ),
        (Answer(body=b"[]"), "2 bytes, not repeated"),
        (Answer(body={"extensions": {"id": "1"}, "paging": {}}), "extensions is not a list"),
        (Answer(body={"extensions": [], "paging": []}), "no paging in the answer"),
        (Answer(body={}), "no paging in the answer"),
        (Answer(body=b"[" * 100_000), "100,000 bytes"),
        (Answer(body=b'{"extensions": [' + b'{"state": [' * 20_000), "bytes"),
    ],
)
def test_what_is_no_page_is_told_in_the_end_without_its_words(
    answer: Answer, says: str, client_of: ClientOf, server: CallLogServer
):
    server.script(answer, answer)

    with pytest.raises(errors.Unreadable, match=says) as caught:
        fetch_extensions(client_of(server, retry=et.Retry(attempts=2)))
    assert caught.value.attempts == 2


# The password.

ROW = extension(101)
GOOD = Answer(body=page("extensions", ROW, following="more"))
ANSWERS: dict[str, list[Answer]] = {
    "good": [GOOD, Answer(body=page("extensions", extension(102)))],
    "spelt otherwise": [
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
    "beside the rows": [
        Answer(body={**page("extensions", ROW), "extension_password": SECRET, "debug": [ROW]})
    ],
    "in place of a row": [Answer(body=page("extensions", SECRET, [ROW]))],
    "in paging": [
        Answer(body={"extensions": [ROW], "paging": {"next": "", "extension_password": SECRET}})
    ],
    "no object": [Answer(body=[ROW])],
    "rows no list": [Answer(body={"extensions": ROW, "paging": {}})],
    "no paging": [Answer(body={"extensions": [ROW], "paging": [SECRET]})],
    "cut JSON": [Answer(body=json.dumps({"extensions": [ROW, ROW]}).encode()[:-40])],
    "cut on the way": [Answer(body=page("extensions", ROW), cut_after=240)],
    "broken after": [Answer(body=json.dumps(page("extensions", ROW)).encode() + b"}")],
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
    "second page cut": [GOOD, Answer(body=json.dumps(page("extensions", ROW)).encode()[:-9])],
    "second page 500": [GOOD, Answer(status=500, body=f"{SECRET}".encode())],
    "pages in a circle": [GOOD] * 9,
}


def every_trace_of(error: BaseException) -> str:
    """Whatever of an error may be printed: message, repr, pickle, what it came from, the traceback with all local variables."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert error.__context__ is None
    return "".join(
        [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *told.format()]
    )


@pytest.mark.parametrize("sent", ANSWERS)
def test_the_password_is_in_no_table_message_repr_log_file_or_traceback(
    sent: str,
    client_of: ClientOf,
    server: CallLogServer,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    calls: pl.DataFrame,
):
    caplog.set_level(logging.DEBUG)
    client = client_of(server, retry=et.Retry(attempts=2))
    answers = ANSWERS[sent]
    server.script(*answers, answers[-1])
    told = ""
    try:
        table = fetch_extensions(client)
    except errors.ApiError as error:
        error.__traceback__ = (
            error.__traceback__ and error.__traceback__.tb_next
        )  # this test's own frame knows what was sent
        told = every_trace_of(error)
    else:
        logs = et.fetch_calls(client, et.CallQuery(direction="ext"), progress=False).with_names(
            table, None, None
        )
        folder = et.write_snapshot(logs, tmp_path / "snapshot")
        told = repr(table) + table.write_json() + repr(logs) + logs._repr_html_()
        told += "".join(repr(path.read_bytes()) for path in folder.iterdir())
        assert "password" not in "".join(table.columns)

    assert [
        part
        for part in (SECRET, SECRET[:10], SECRET[-10:])
        if part in told + caplog.text + repr(vars(client))
    ] == []


_SEARCH = """
import gc, logging, sys
import etelecom_analytics as et

url, key, backwards, control = sys.argv[1:]
logging.basicConfig(level=logging.DEBUG)
client = et.Client(url, key, sleep=lambda seconds: None, retry=et.Retry(attempts=2))
try:
    kept = et.fetch_extensions(client)
except et.errors.ApiError as error:
    kept = error
print(type(kept).__name__)


def found(wanted):
    seen, held, new = set(), [], gc.get_objects()
    while new:
        unseen = [each for each in new if id(each) not in seen]
        seen.update(map(id, unseen))
        held += [each for each in unseen if isinstance(each, str | bytes | bytearray) and each is not wanted]
        new = gc.get_referents(*unseen)
    return [type(each).__name__ for each in held if (wanted if isinstance(each, str) else wanted.encode()) in each]


print(len(found(control)) > 0)
print(found(backwards[::-1]))
"""


@pytest.mark.parametrize(
    "sent",
    [
        "good",
        "cut JSON",
        "500 in msg",
        "html",
        "second page cut",
        "second page 500",
        "cut on the way",
    ],
)
def test_the_password_is_reachable_from_no_object_of_the_program(sent: str, server: CallLogServer):
    """A program that keeps its tables and errors searches all that its garbage collector knows; the server is another program's."""
    server.script(*ANSWERS[sent], ANSWERS[sent][-1])
    command = [
        sys.executable,
        "-c",
        _SEARCH,
        server.base_url,
        server.api_key,
        SECRET[::-1],
        "GetExtensions",
    ]

    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, control, found = done.stdout.strip().splitlines()
    assert (kept == "DataFrame") is (sent == "good")
    assert control == "True"
    assert found == "[]"
    assert SECRET not in done.stdout + done.stderr


def test_an_interruption_shows_nothing_of_the_answer(
    client: et.Client, server: CallLogServer, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(body: bytes) -> object:
        assert SECRET.encode() in body
        raise KeyboardInterrupt

    monkeypatch.setattr("etelecom_analytics.api.listing._json", interrupted)
    server.script(GOOD)
    with pytest.raises(KeyboardInterrupt) as caught:
        fetch_extensions(client)

    assert SECRET not in "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert caught.value.__context__ is None


def test_the_key_is_not_echoed_either(
    client_of: ClientOf, server: CallLogServer, caplog: pytest.LogCaptureFixture
):
    key = "sk-live-9f8e7d6c5b4a"
    server.script(*[Answer(status=500, body={"code": key, "msg": key})] * 2)
    with pytest.raises(errors.Unavailable) as caught:
        fetch_extensions(
            client_of(base_url=server.base_url, api_key=key, retry=et.Retry(attempts=2))
        )

    caught.value.__traceback__ = caught.value.__traceback__ and caught.value.__traceback__.tb_next
    assert key not in every_trace_of(caught.value) + caplog.text


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


@example(
    document={
        "extensions": [{"state": [{"password": SECRET}, [SECRET]]}],
        "paging": {"next": [{"password": SECRET}]},
    },
    status=200,
    cut=None,
)
@given(
    document=_document,
    status=st.sampled_from([200, 200, 200, 400, 401, 500, 302]),
    cut=st.integers(0, 400) | st.none(),
)
def test_any_answer_is_a_page_without_secrets_or_an_error_of_the_api(
    document: Any, status: int, cut: int | None
):
    """What is asked for passes: plain values and lists of them under declared names. Secrets stand anywhere else."""
    body = json.dumps(document).encode()[:cut]
    listing = Listing(method="Etelecom/GetExtensions", rows="extensions", fields=("id", "state"))
    try:
        read = read_listing(listing, status, {"Location": SECRET}, body)
    except errors.ApiError as error:
        told = every_trace_of(error.with_traceback(None))
    else:
        told = read.body.decode() + repr(read)
        assert status == 200
        assert all(
            row is None or row.keys() <= {"id", "state"}
            for row in json.loads(read.body)["extensions"] or []
        )
    assert SECRET not in told
