"""CallSearch: finds calls by the text that the table shows of them."""

import re
from typing import NamedTuple

import polars as pl

from ...phone_numbers import normalize, normalized
from .call_columns import NUMBER_COLUMNS, SEARCHED, CallColumns

__all__ = ["CallSearch", "is_number"]

_NUMBER = re.compile(r"[+0-9 .()/-]*[0-9][+0-9 .()/-]*")
_COUNTRY_CODES = ("+84", "0084", "84")


class _Index(NamedTuple):
    """The distinct texts of a column, and for each call the position of its text."""

    texts: pl.Series
    codes: pl.Series


class CallSearch:
    """Searches the columns of a table of calls; letters match in any case and without marks.

    The texts are those of the table: the hidden digits of a masked number match nothing. A shown
    number matches in each of its notations. The distinct texts of each column are prepared once;
    a search then only reads these.
    """

    def __init__(self, columns: CallColumns) -> None:
        names = [column.name for column in columns.columns]
        self._columns, self._names = columns, [name for name in SEARCHED if name in names]
        self._indexes: list[_Index] | None = None

    def prepare(self) -> list[_Index]:
        """Prepare the texts, which takes seconds for a million calls."""
        if self._indexes is None:
            self._indexes = [self._index(name) for name in self._names]
        return self._indexes

    def matches(self, text: str) -> pl.Series:
        """For each call of the whole table, whether one of its texts contains this text."""
        indexes = self.prepare()
        folded = pl.Series([" ".join(text.split())]).to_frame("text")
        plain = str(folded.select(_folded(pl.col("text"))).item())
        numbers = _number_parts(text) if is_number(text) else []
        result: pl.Series | None = None
        for name, (texts, codes) in zip(self._names, indexes, strict=True):
            parts = [plain, *numbers] if name in NUMBER_COLUMNS else [plain]
            contained = texts.to_frame("text").select(
                pl.any_horizontal(pl.col("text").str.contains(part, literal=True) for part in parts)
            )
            if contained.to_series().any():
                mask = contained.to_series().gather(codes)
                result = mask if result is None else result | mask
        height = self._columns.values("started_at").len()
        return pl.repeat(value=False, n=height, eager=True) if result is None else result

    def _index(self, name: str) -> _Index:
        values = self._columns.values(name)
        distinct = values.unique()
        shown = self._shown(name, distinct)
        # Millions of numbers have thousands of masks, so that few texts are folded.
        unique = shown.unique()
        text = self._folded(name, unique)
        codes = unique.with_columns(code=text.rank("dense") - 1)
        code = shown.join(
            codes, on=shown.columns, how="left", nulls_equal=True, maintain_order="left"
        )
        return _Index(
            text.unique().sort(),
            values.replace_strict(distinct, code["code"], return_dtype=pl.UInt32),
        )

    def _shown(self, name: str, values: pl.Series) -> pl.DataFrame:
        """What the table shows of these values: a text, or a name and a number."""
        columns = self._columns
        if name not in NUMBER_COLUMNS:
            return columns.texts(name, values).to_frame("text")
        number = columns.number_texts(name, values).alias("number")
        return pl.DataFrame([columns.number_names(name, values).alias("text"), number])

    def _folded(self, name: str, shown: pl.DataFrame) -> pl.Series:
        """The texts as they are compared; each number in normal form after a line break."""
        text = _folded(pl.col("text")).fill_null("")
        if name in NUMBER_COLUMNS:
            text = pl.format(
                "{}\n{}", text, normalized(pl.col("number")).str.to_lowercase().fill_null("")
            )
        return shown.select(text=text).to_series()


def is_number(text: str) -> bool:
    """Whether the text looks like a phone number or a part of one."""
    return _NUMBER.fullmatch(text) is not None


def _folded(text: pl.Expr) -> pl.Expr:
    """The text in lower case without diacritics: "binh" for "Bình"."""
    bare = text.str.normalize("NFD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    return bare.str.replace_all("đ", "d", literal=True)


def _number_parts(text: str) -> list[str]:
    """What a normal form, which follows a line break, contains if it matches this text."""
    digits = re.sub(r"[^+0-9]", "", text)
    parts = [digits, f"\n{normalize(digits)}"]
    for code in _COUNTRY_CODES:
        if digits.startswith(code) and (rest := digits.removeprefix(code).lstrip("0")):
            # Toll-free numbers have no leading 0.
            parts += [f"\n0{rest}", *([f"\n{rest}"] if rest.startswith(("18", "19")) else [])]
            break
    return parts
