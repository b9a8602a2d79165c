"""What a text in the pseudo-language has outside of brackets: untranslated words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

_WORD = re.compile(r"[^\W\d_]+")
_SILENT = {"script", "style", "svg", "template"}
_ATTRIBUTES = {"alt", "aria-label", "title", "placeholder"}


def untranslated(text: str, names: Iterable[str] = ()) -> list[str]:
    """The words outside of brackets; numbers and signs are no words.

    Args:
        text: a text in the pseudo-language.
        names: texts that are no words: data, and names of products and formulas.
    """
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, " ")
    outside, depth = [], 0
    for letter in text:
        depth += letter == "["
        if not depth:
            outside.append(letter)
        elif letter == "]":
            depth -= 1
            outside.append(" ")
    return _WORD.findall("".join(outside))


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in _ATTRIBUTES and value]
        if tag in _SILENT:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == self._open[-1]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open and data.strip():
            self.texts.append(data)


def html_texts(page: str) -> list[str]:
    """The visible texts of HTML, and those of attributes that are shown or read aloud."""
    parser = _Texts()
    parser.feed(page)
    return parser.texts


_SHOWN = {"title", "subtitle", "text", "description", "message"}


def chart_texts(spec: Mapping[str, Any]) -> Iterator[str]:
    """The titles, notes and labels of a specification; of its data, the fields that are shown."""
    yield from spec.get("usermeta", {}).get("about", [])
    fields = set(_fields(spec))
    for rows in spec.get("datasets", {}).values():
        for row in rows:
            yield from (row[name] for name in fields & row.keys() if isinstance(row[name], str))
    yield from _titles({**spec, "datasets": {}, "usermeta": {}, "config": {}})


def _titles(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name in _SHOWN and isinstance(value, str):
                yield value
            elif name in _SHOWN and isinstance(value, list):
                yield " ".join(each for each in value if isinstance(each, str))
            if isinstance(value, Mapping | list):
                yield from _titles(value)
    elif isinstance(node, list):
        for each in node:
            yield from _titles(each)


def _fields(node: object, channel: str = "") -> Iterator[str]:
    """The fields of nominal and ordinal channels: their values are on axes, marks and tooltips."""
    if isinstance(node, Mapping):
        if node.get("type") in ("nominal", "ordinal") and "field" in node and channel != "detail":
            yield node["field"]
        for name, value in node.items():
            yield from _fields(value, name if isinstance(value, Mapping) else channel)
    elif isinstance(node, list):
        for each in node:
            yield from _fields(each, channel)
