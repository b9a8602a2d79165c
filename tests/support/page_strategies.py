"""Strategies for pages of the API: formatted in many ways, and with any irregularity anywhere."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics.parsing.records import Drift, RecordReader
from etelecom_analytics.schema import CALL_SCHEMA, CALLS, LEGS
from etelecom_analytics.simulator.rows import wire_rows

__all__ = [
    "PAGING",
    "TOKENS",
    "Raw",
    "Writer",
    "by_record",
    "irregular_bodies",
    "page_of",
    "rows_of",
]

PAGING = {
    "after": "",
    "before": "",
    "limit": 100,
    "next": "bmV4dA==",
    "prev": "",
    "sort": "-started_at",
}


class Raw(str):
    """JSON text that is written unchanged."""

    __slots__ = ()


class Writer:
    """Writes JSON with these separators.

    A list of pairs is written as an object, so that a key may be repeated.
    """

    def __init__(self, comma: str = ",", colon: str = ":", *, ascii_only: bool = False) -> None:
        self._comma, self._colon, self._ascii_only = comma, colon, ascii_only

    def __repr__(self) -> str:
        return f"Writer({self._comma!r}, {self._colon!r}, ascii_only={self._ascii_only})"

    def __call__(self, value: Any) -> str:
        """The JSON of this value."""
        if isinstance(value, Raw):
            return str(value)
        if isinstance(value, dict):
            value = list(value.items())
        if _is_object(value):
            return (
                "{"
                + self._comma.join(self(key) + self._colon + self(each) for key, each in value)
                + "}"
            )
        if isinstance(value, list):
            return "[" + self._comma.join(map(self, value)) + "]"
        return json.dumps(value, ensure_ascii=self._ascii_only)


def rows_of(count: int, *, seed: int) -> list[dict[str, Any]]:
    """Simulated calls, as the API writes them."""
    return wire_rows(et.simulate_calls(count, seed=seed).calls)


def by_record(bodies: Sequence[bytes]) -> tuple[pl.DataFrame, tuple[Drift, ...], str]:
    """The expected result: calls, drift, and the repr of the records that are set aside."""
    reader = RecordReader()
    rows = [row for page, body in enumerate(bodies) for row in reader.read(body, page)]
    # The repr, because NaN does not equal itself.
    return (
        pl.DataFrame(
            {name: [row[name] for row in rows] for name in CALL_SCHEMA}, schema=CALL_SCHEMA
        ),
        reader.drift,
        repr(reader.set_aside),
    )


def page_of(
    rows: Sequence[object], *, write: Writer | None = None, paging: object = PAGING
) -> bytes:
    """The body of a page with these rows."""
    return (write or Writer())({"call_logs": list(rows), "paging": paging}).encode(
        errors="surrogatepass"
    )


# Values of any kind.

_NUMBERS = [
    "0",
    "-0",
    "7",
    "-7",
    "30",
    "30.0",
    "30.7",
    "-0.0",
    "1e3",
    "1E+2",
    "1e-2",
    "1e400",
    "NaN",
    "Infinity",
    *(
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "9999999999",
        "12345678901",
        "18446744073709551616",
        "1" * 40,
    ),
]
_LITERALS = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[{}]",
    '{"a":1}',
    '["x"]',
    '["x",""]',
    '["x",3]',
    '[":"]',
    '["a","b"]',
]
_ESCAPES = [
    r'"\ud800"',
    r'"\udc00"',
    r'"\ud83d\ude00"',
    r'"\\ud800"',
    r'"\u0022:"',
    r'"\u0031"',
    r'"\u0000"',
    r'"\/"',
    r'"\u00e9"',
]
_INVALID_JSON = [
    "007",
    "1.",
    "-",
    "+1",
    ".5",
    "0x1F",
    "nul",
    "None",
    "'x'",
    "",
    "1" * 5000,
    r'"\x"',
    '"\t"',
    '"a\x00"',
]
_TEXTS = [
    "",
    "0",
    "00",
    " ",
    "30",
    "30.0",
    "1e3",
    "-5",
    "null",
    "true",
    ":",
    ":30",
    ': "',
    '"',
    '":',
    "\\",
    "\\\\",
    "a\nb\tc",
    "\x00",
    "\x7f",
    *(
        '"duration":"30"',
        '"id":5,',
        '\\"duration\\":30',
        '\\":"',
        '"recording_urls":null',
        '{"call_logs":[]}',
        "},{",
        "]}",
        "x" * 300,
    ),
    "chị Hằng: gọi lại",
    "Đã gọi : rồi",
    "😀",
    "\ud800",
    "\udc00",
    "\ud800\udc00",
    "\U0010ffff",
    "\ufeff",
    "\xa0",
    "\u2028",
    "IN",
    "in ",
    *(word for column in CALLS for word in column.words),
]
_MOMENTS = [
    "2026-11-02T08:00:00Z",
    "2026-11-02T08:00:00z",
    "2026-11-02t08:00:00Z",
    "2026-11-02 08:00:00Z",
    "2026-11-02_08:00:00Z",
    *(
        f"2026-11-02T08:00:00{zone}"
        for zone in (
            "",
            "+07:00",
            "-00:00",
            "+0700",
            "+07",
            " +07:00",
            "+23:59",
            "-23:59",
            "+24:00",
            "+07:60",
        )
    ),
    *(
        f"2026-11-02T08:00:00{part}Z"
        for part in (".1", ".123456", ".1234567", ".123456789", ".", ",5", " ")
    ),
    *(
        f"2026-11-02T{clock}Z"
        for clock in (
            "23:59:59",
            "08:00:60",
            "08:60:00",
            "24:00:00",
            "25:00:00",
            "8:00:00",
            "08:00",
            "08:00:0０",
        )
    ),
    *(
        f"{day}T08:00:00Z"
        for day in (
            "2026-13-02",
            "2026-00-02",
            "2026-11-31",
            "2026-02-29",
            "2024-02-29",
            "2026-1-2",
            "2026-W45-1",
        )
    ),
    *(
        f"{year}-11-02T08:00:00Z"
        for year in (
            "0000",
            "0001",
            "0999",
            "1000",
            "1969",
            "2999",
            "3000",
            "9999",
            "26",
            "02026",
            "+2026",
            "２026",
        )
    ),
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+07:00",
    "0001-01-01T",
    "0001-01-01Tnonsense",
    "0001-01-01",
    "0001-01-01t00:00:00Z",
    "9999-12-31T23:59:59-01:00",
    "2999-12-31T23:59:59-23:59",
    "1000-01-01T00:00:00+14:00",
    "20261102T080000Z",
    "1793581200",
    " 2026-11-02T08:00:00Z",
    "2026-11-02T08:00:00Z ",
    "2026-11-02T08:00:00Z\n",
    "2026-11-02",
    "yesterday",
]
TOKENS = [*map(Raw, _NUMBERS), *map(Raw, _LITERALS), *map(Raw, _ESCAPES), *_TEXTS, *_MOMENTS]
"""Values that are regular in some fields, and irregular in others or in all."""

_tokens = (
    st.sampled_from(TOKENS)
    | st.sampled_from(TOKENS)
    | st.text(max_size=6)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(_INVALID_JSON).map(Raw)
)


# Pages with irregularities.

_ROWS = rows_of(40, seed=5)
_keys = st.sampled_from(
    [
        *(column.name for column in (*CALLS, *LEGS)),
        *("mood", "", "x\\", 'x"duration', "Duration", "call_logs", "paging", "limit", "codec"),
    ]
)
_writers = st.builds(
    Writer,
    st.sampled_from([",", ", ", ",\n    ", " ,\r\n\t"]),
    st.sampled_from([*[":", ": "] * 4, ":\n ", " : ", "\t:"]),
    ascii_only=st.booleans(),
)
_FRAGMENTS = [
    *(bytes([each]) for each in b'{}[]",:\\/ \n\x00\x1f0123456789-+.eEtfn\xff\xc3\xed'),
    *(b"", b"null", b'"":', b",,", b'\\"', b"\\u", b"\xed\xa0\x80", "\U0010ffff".encode()),
]
_prefixes = st.sampled_from([*[b""] * 9, b" \n", b"\xef\xbb\xbf"])
_suffixes = st.sampled_from([*[b""] * 9, b"\n", b" x", b"}"])


def _is_object(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(each, tuple) for each in value)
    )


def _pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _pairs(each)) for key, each in value.items()]
    return [_pairs(each) for each in value] if isinstance(value, list) else value


def _containers(value: Any) -> list[list[Any]]:
    """All objects and lists in the value, including the value itself."""
    if not isinstance(value, list):
        return []
    return [
        value,
        *(
            container
            for each in value
            for container in _containers(each[1] if isinstance(each, tuple) else each)
        ),
    ]


def _with_escape(key: str, index: int) -> Raw:
    index %= len(key)
    return Raw(f'"{key[:index]}\\u{ord(key[index]):04x}{key[index + 1 :]}"')


@st.composite
def _change_list(draw: st.DrawFn, container: list[Any]) -> None:
    index = draw(st.integers(0, max(len(container) - 1, 0)))
    change = draw(st.sampled_from(["replace", "add", "drop", "repeat"])) if container else "add"
    if change == "replace":
        container[index] = draw(_tokens)
    elif change == "add":
        container.insert(index, draw(_tokens))
    elif change == "drop":
        del container[index]
    else:
        container.append(container[index])


@st.composite
def _change_object(draw: st.DrawFn, container: list[Any]) -> None:
    index, other = (
        draw(st.integers(0, len(container) - 1)),
        draw(st.integers(0, len(container) - 1)),
    )
    (key, value), token = container[index], draw(_tokens)
    match draw(
        st.sampled_from(["replace"] * 3 + ["drop", "add", "repeat", "escape", "shuffle", "swap"])
    ):
        case "drop" if len(container) > 1:
            del container[index]
        case "add":
            container.insert(index, (draw(_keys), token))
        case "repeat":
            container.insert(
                other, (key, draw(st.sampled_from([value, Raw("null"), Raw("[]"), token])))
            )
        case "escape" if key and not isinstance(key, Raw):
            container[index] = (_with_escape(key, other), draw(st.sampled_from([value, token])))
        case "shuffle":
            container[:] = draw(st.permutations(container))
        case "swap":
            container[index], container[other] = (
                (key, container[other][1]),
                (container[other][0], value),
            )
        case _:
            container[index] = (key, token)


@st.composite
def irregular_bodies(draw: st.DrawFn) -> bytes:
    """The body of a page, often regular, and often irregular in its values or its bytes."""
    rows = draw(st.lists(st.sampled_from(_ROWS), max_size=3))
    page = _pairs({"call_logs": rows, "paging": PAGING})
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))):
        container = draw(st.sampled_from(_containers(page)))
        draw(_change_object(container) if _is_object(container) else _change_list(container))
    body = draw(_writers)(page).encode(errors="surrogatepass")
    for _ in range(draw(st.sampled_from([0] * 9 + [1, 2]))):
        begin = draw(st.integers(0, len(body)))
        body = (
            body[:begin]
            + draw(st.sampled_from(_FRAGMENTS))
            + body[begin + draw(st.integers(0, 2)) :]
        )
    return draw(_prefixes) + body + draw(_suffixes)
