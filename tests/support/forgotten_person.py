"""Calls of a person who will be forgotten, and a search of every byte for their number."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

__all__ = ["FORMS", "NUMBER", "PSEUDONYM_KEY", "add_person", "places"]

NUMBER = "0912345678"
FORMS = (
    "0912345678",
    "84912345678",
    "+84912345678",
    "0084912345678",
    "0912 345 678",
    "0912.345.678",
    "0912-345-678",
    "(+84) 912-345-678",
    "+84 (0)912 345 678",
    "0912\u00a0345\u200b678",
    "sip:0912345678@pbx.example",
    "tel:+84-912-345-678",
)
PSEUDONYM_KEY = "a key for the tests, 0123456789"

_DIGITS = re.compile(r"9\W{0,4}1\W{0,4}2\W{0,4}3\W{0,4}4\W{0,4}5\W{0,4}6\W{0,4}7\W{0,4}8(?!\d)")


def add_person(rows: list[dict[str, Any]], forms: Sequence[str] = FORMS) -> list[dict[str, Any]]:
    """The raw rows, in which the person has calls in all forms, and is mentioned in others."""
    changed = [dict(row) for row in rows]
    free = iter(changed)
    for form in forms:
        next(free).update(
            caller=form,
            contact_id="5500000000000000001",
            external_id="order of the person",
            note="wants an offer",
            recording_urls=["https://rec.example/a.wav"],
        )
        next(free).update(callee=form, external_session_id="session of the person")
        row = next(free)
        row["call_targets"] = [
            {"target_number": "101", "status": "NOANSWER", "end_reason": f"moved to {form}"},
            {"target_number": form, "status": "ANSWERED", "trunk_name": "trunk"},
        ]
        next(free).update(note=f"call back {form}, please")
    link = next(free)
    link["recording_urls"] = [
        "https://rec.example/b.wav",
        "https://rec.example/2024-01-02/%2B84%20912%20345%20678.wav",
    ]
    next(free).update(external_id=f"crm/{NUMBER}", contact_id=NUMBER)
    next(free).update(caller="+447912345678", note="order 10912345678")
    return changed


def places(folder: Path, *words: str) -> list[str]:
    """Where the number or one of the words occurs: in names, raw bytes, parquet or JSON."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [
        f"{path.relative_to(folder)}: {text[max(0, match.start() - 20) : match.end() + 20]!r}"
        for path in files
        for text in (str(path.relative_to(folder)), *_texts(path))
        if (match := _first(text, words))
    ]


def _first(text: str, words: tuple[str, ...]) -> re.Match[str] | None:
    for match in _DIGITS.finditer(text):
        before = re.search(r"\d*$", text[: match.start()])
        if before and re.fullmatch(r"|0|84|840|0084|00840", before[0]):
            return match
    return next((match for word in words if (match := re.search(word, text))), None)


def _texts(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    yield content.decode("latin-1")
    yield content.decode(errors="replace")
    if path.suffix == ".parquet":
        for row in pl.read_parquet(path, hive_partitioning=False).iter_rows():
            yield from _values(row)
    elif path.suffix in (".json", ".jsonl"):
        for line in [content, *content.splitlines()]:
            try:
                yield from _values(json.loads(line))
            except ValueError:
                continue


def _values(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield unquote(value)
        if value[:1] in ("{", "["):
            try:
                yield from _values(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from _values(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each)
