"""Problems of an archive: damaged and missing files, and days that do not hold their calls."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ..language import date_text, tr

__all__ = [
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


def data_file_damage(path: Path, size: int) -> str:
    """What is wrong with a data file of this size, from its size and its ends; empty if nothing."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_MAGIC))
            end_at = file.seek(0, 2)
            file.seek(max(0, end_at - len(_MAGIC)))
            end = file.read()
    except FileNotFoundError:
        return tr("is missing")
    except OSError as error:
        return tr("cannot be read ({reason})", reason=error.strerror)
    if end_at != size:
        return tr("has {n} bytes instead of {stated}", n=end_at, stated=size)
    return "" if begin == end == _MAGIC else tr("is not a parquet file")
