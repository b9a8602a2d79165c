"""Problems of an archive: damaged and missing files, and days that do not hold their calls."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ..language import date_text, tr

__all__ = [
    "Damage",
    "Problem",
    "Unreadable",
    "data_file_damage",
    "problems_table",
    "problems_text",
    "reading",
]

_MAGIC = b"PAR1"
"""The first and the last bytes of a parquet file."""
_MAX_PROBLEMS = 5


class Problem(NamedTuple):
    """Something that is wrong with an archive.

    Attributes:
        problem: its kind.
        file: the damaged file, relative to the folder of the archive; empty if it is no file.
        detail: one sentence.
        local_day: the day that has to be fetched again, if it is known.
    """

    problem: str
    file: str
    detail: str
    local_day: date | None = None

    def __str__(self) -> str:
        return f"{self.file or (self.local_day and date_text(self.local_day))}: {self.detail}"


class Damage(NamedTuple):
    """What is wrong with a data file.

    Attributes:
        text: a predicate, such as "is missing", in the language of the texts.
        is_missing: whether there is no such file.
    """

    text: str
    is_missing: bool = False

    def __str__(self) -> str:
        return self.text

    @classmethod
    def missing(cls) -> "Damage":
        """That of a file that does not exist."""
        return cls(tr("is missing"), is_missing=True)

    @classmethod
    def of_sizes(cls, size: int, stated: int) -> "Damage | None":
        """That of a file of another size than stated; None if the sizes are equal."""
        if size == stated:
            return None
        return cls(tr("has {n} bytes instead of {stated}", n=size, stated=stated))


class Unreadable(Exception):
    """A parquet file cannot be read."""


def problems_table(problems: Iterable[Problem]) -> pl.DataFrame:
    """One row per problem: problem, local_day, file and detail."""
    schema: dict[str, pl.DataType] = {
        "problem": pl.String(),
        "local_day": pl.Date(),
        "file": pl.String(),
        "detail": pl.String(),
    }
    rows = [(each.problem, each.local_day, each.file, each.detail) for each in problems]
    return pl.DataFrame(rows, schema=schema, orient="row")


def problems_text(folder: object, problems: Sequence[Problem]) -> str:
    """A message that names the first problems of an archive, for a sync that repairs them."""
    texts = [str(problem) for problem in problems[:_MAX_PROBLEMS]]
    if (more := len(problems) - _MAX_PROBLEMS) > 0:
        texts.append(tr("And {n} more.", n=more))
    text = tr("The archive at {folder} was damaged. The sync repairs it.", folder=folder)
    return " ".join([text, *texts])


@contextmanager
def reading() -> Iterator[None]:
    """Raise what damaged files cause in Polars as `Unreadable`, including its PanicException.

    Raises:
        Unreadable: a file is damaged or missing.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Unreadable(str(error).splitlines()[0]) from error
    except BaseException as error:
        # Two libraries have a class of this name, which does not derive from Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable("a file is cut off") from None


def data_file_damage(path: Path, size: int) -> Damage | None:
    """What is wrong with a data file of this size, from its size and its ends; None if nothing."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_MAGIC))
            end_at = file.seek(0, 2)
            file.seek(max(0, end_at - len(_MAGIC)))
            end = file.read()
    except FileNotFoundError:
        return Damage.missing()
    except OSError as error:
        return Damage(tr("cannot be read ({reason})", reason=error.strerror))
    if damage := Damage.of_sizes(end_at, size):
        return damage
    return None if begin == end == _MAGIC else Damage(tr("is not a parquet file"))
