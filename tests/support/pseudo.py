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


_SHOWN = {"title", "subtitle", "text", "description"}


def chart_texts(spec: Mapping[str, Any]) -> list[str]:
    """All visible texts of a specification: titles, notes, labels, legends, tooltips and marks."""
    texts = [*spec.get("usermeta", {}).get("about", [])]
    texts += _titles({name: part for name, part in spec.items() if name not in _UNSEEN})
    for view in _views(spec):
        rows = spec["datasets"].get(view["data"].get("name"), []) if "data" in view else []
        fields = set(_fields(view.get("encoding", {})))
        texts += [row[name] for row in rows for name in fields if isinstance(row.get(name), str)]
    return list(dict.fromkeys(texts))


_UNSEEN = {"datasets", "usermeta", "config", "params"}


def _titles(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name in _SHOWN and isinstance(value, str):
                yield value
            elif name in _SHOWN and isinstance(value, list):
                yield " ".join(each for each in value if isinstance(each, str))
            yield from _titles(value)
    elif isinstance(node, list):
        for each in node:
            yield from _titles(each)


def _views(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts with marks, with the data that they inherit."""
    parts = [part for name in ("layer", "vconcat", "hconcat") for part in spec.get(name, [])]
    if not parts:
        yield dict(spec)
    inherited = {"data": spec["data"]} if "data" in spec else {}
    for part in parts:
        yield from _views({**inherited, **part})


def _fields(encoding: Mapping[str, Any]) -> Iterator[str]:
    """The fields of texts; a colour or a shape without a scale is none."""
    for channel, definition in encoding.items():
        for each in definition if isinstance(definition, list) else [definition]:
            is_look = channel == "detail" or each.get("scale", "") is None
            if each.get("type") in ("nominal", "ordinal") and not is_look and "field" in each:
                yield each["field"]
