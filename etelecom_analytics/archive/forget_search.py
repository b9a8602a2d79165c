"""Searching every byte of a folder for a number: raw, and decompressed from parquet and JSON."""

import json
import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from .forget_matching import Matcher, texts_of
from .log import LOG
from .problems import Unreadable, reading

__all__ = ["FileSearch", "search_file", "search_folder"]

_CONTEXT = 120
"""Bytes around a possible hit: more than the longest form of a number."""
_JSON = (".json", ".jsonl")
_PARQUET = b"PAR1"


class FileSearch(NamedTuple):
    """How one file was searched.

    Attributes:
        path: the file.
        bytes: its size.
        hits: how many texts or places have the number.
        readable: whether its compressed content was searched as well.
    """

    path: Path
    bytes: int
    hits: int
    readable: bool = True


def search_folder(folder: Path, matcher: Matcher) -> list[FileSearch]:
    """The searches of all files in a folder and below, with hidden ones; links are not followed."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [search_file(path, matcher, name=str(path.relative_to(folder))) for path in paths]


def search_file(path: Path, matcher: Matcher, *, name: str = "") -> FileSearch:
    """The search of one file, and of its name.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    hits = _raw_hits(path, matcher) if size else 0
    hits += matcher.occurs(name or path.name)
    with path.open("rb") as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET or path.suffix == ".parquet"
    if is_parquet:
        try:
            with reading():
                hits += _parquet_hits(path, matcher)
        except Unreadable:
            return FileSearch(path, size, hits, readable=False)
    elif path.suffix in _JSON:
        hits += sum(matcher.occurs(text) for text in _json_texts(path.read_bytes()))
    return FileSearch(path, size, hits)


def _raw_hits(path: Path, matcher: Matcher) -> int:
    """The number of places of the file that contain the number as it is."""
    hits, pattern = 0, re.compile(matcher.pattern.encode())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for match in pattern.finditer(content):
            context = content[max(0, match.start() - _CONTEXT) : match.end() + _CONTEXT]
            hits += matcher.occurs(context.decode(errors="replace"))
    return hits


def _parquet_hits(path: Path, matcher: Matcher) -> int:
    """The number of distinct texts of a parquet file that contain the number."""
    if path.parent.name == LOG:  # a checkpoint: few rows, deeply nested
        rows = pl.read_parquet(path, hive_partitioning=False).iter_rows()
        return sum(matcher.occurs(text) for row in rows for text in _nested_texts(texts_of(row)))
    hits = 0
    for name in pl.read_parquet_schema(path):
        column = pl.scan_parquet(path, hive_partitioning=False).select(name).collect()
        for texts in _text_series(column.to_series()):
            # A certificate is JSON with JSON in it.
            hits += len(matcher.hits(texts))
            nested = texts.drop_nulls().unique()
            nested = nested.filter(nested.str.contains(r"^\s*[\[{]"))
            hits += sum(matcher.occurs(text) for text in _nested_texts(nested))
    return hits


def _text_series(values: pl.Series) -> Iterator[pl.Series]:
    """The texts in a column, however deeply they are nested."""
    dtype: Any = values.dtype
    if dtype == pl.String:
        yield values
    elif dtype == pl.Binary:
        yield pl.Series([each.decode(errors="replace") for each in values.drop_nulls()])
    elif isinstance(dtype, pl.Enum | pl.Categorical):
        yield values.cast(pl.String)
    elif dtype == pl.List or dtype == pl.Array:
        yield from _text_series(values.explode())
    elif dtype == pl.Struct:
        for each in values.struct.unnest():
            yield from _text_series(each)


def _json_texts(content: bytes) -> Iterator[str]:
    """The decoded texts of a file of JSON, or of one JSON value per line."""
    text = content.decode(errors="replace")
    try:
        values: Iterable[object] = [json.loads(text)]
    except ValueError:
        values = [value for line in text.splitlines() for value in _parsed(line)]
    for value in values:
        yield from _nested_texts(texts_of(value))


def _nested_texts(texts: Iterable[str]) -> Iterator[str]:
    """The texts; of those that are JSON themselves also the texts in them."""
    for text in texts:
        yield text
        if text.lstrip()[:1] in ("{", "["):
            for value in _parsed(text):
                yield from _nested_texts(texts_of(value))


def _parsed(text: str) -> Iterator[object]:
    try:
        yield json.loads(text)
    except ValueError:
        return
