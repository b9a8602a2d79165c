"""Verification: which days the archive really holds, and what is wrong with the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType

import polars as pl

from ..language import tr
from .certificates import (
    CLOCK_TOLERANCE,
    Certificate,
    Certificates,
    read_certificates,
    write_certificates,
)
from .delta import translate_errors
from .log import Commit, Log
from .places import place_of, read_file
from .problems import Problem, Unreadable
from .table import Table

__all__ = [
    "DayCheck",
    "check_contents",
    "check_days",
    "save_certificates",
    "set_aside_damaged_files",
]

_HARMLESS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
"""Operations of other engines that do not change calls."""


@dataclass(frozen=True, kw_only=True)
class DayCheck:
    """The days of an archive after verification.

    Attributes:
        certificates: the certificates that count: the table has the rows that they state.
        problems: why other certificates do not count.
        expected: for each day that is damaged, the number of calls that it had.
        days: all days that were ever fetched and not pruned, including damaged ones.
    """

    certificates: Mapping[date, Certificate]
    problems: tuple[Problem, ...]
    expected: Mapping[date, int]
    days: frozenset[date]


def check_days(table: Table) -> DayCheck:
    """The days of an archive, verified without reading the calls themselves.

    A certificate counts if its commit can be read back, the files of the day have the sizes that
    the commit states and its number of rows, and it was not written in the future.
    """
    log, files = table.log(), table.files()
    begin = table.pruned_before or date.min
    claims = {day: each for day, each in _claims(table, log).items() if day >= begin}
    problems = [
        Problem("damaged file", path, tr("The file {damage}.", damage=str(damage)), day)
        for path, day, damage in table.damaged_files(files)
    ]
    expected = dict(files.group_by("local_day").agg(pl.col("rows").sum()).rows())
    damaged = {problem.local_day for problem in problems}
    certificates: dict[date, Certificate] = {}
    for day, claim in sorted(claims.items()):
        if problem := _problem(claim, log, expected.get(day, 0)):
            problems.append(problem)
            damaged.add(day)
            expected[day] = max(expected.get(day, 0), claim.report.rows)
        elif day not in damaged:
            certificates[day] = claim
    return DayCheck(
        certificates=certificates,
        problems=tuple(problems),
        expected={day: rows for day, rows in expected.items() if day in damaged},
        days=frozenset({*claims, *files["local_day"]}),
    )


def save_certificates(
    table: Table, newer: Mapping[date, Certificate] = MappingProxyType({})
) -> None:
    """Write the file of the certificates that count, and of newer ones.

    Raises:
        ArchiveError: it cannot be written.
    """

    def known() -> Certificates:
        stored = dict(check_days(table).certificates)
        for day, each in newer.items():
            if day not in stored or (stored[day].version or 0) <= (each.version or 0):
                stored[day] = each
        return stored.values(), table.version

    with translate_errors(table.folder):
        write_certificates(table.folder, known)


def check_contents(table: Table) -> list[Problem]:
    """One problem per data file that cannot be read, or has another number of calls."""
    problems = []
    with translate_errors(table.folder):
        for path, day, rows in table.files().select("path", "local_day", "rows").rows():
            try:
                height = read_file(table.folder / path).height
            except Unreadable:
                problems.append(Problem("damaged file", path, tr("The file cannot be read."), day))
                continue
            if rows is not None and height != rows:
                text = tr("The file has {n} calls instead of {stated}.", n=height, stated=rows)
                problems.append(Problem("damaged file", path, text, day))
    return problems


def set_aside_damaged_files(table: Table) -> list[Problem]:
    """Rename the data files that cannot be read, so that a sync fetches their days again.

    Raises:
        ArchiveError: a file cannot be renamed.
    """
    problems = check_contents(table)
    with translate_errors(table.folder):
        for problem in problems:
            place_of(table.folder).set_aside(table.folder / problem.file)
    return problems


def _claims(table: Table, log: Log) -> dict[date, Certificate]:
    """The latest certificate of each day, by table version, whether it is true or not.

    Those of versions that other processes have added since the table was opened do not count.
    """
    with translate_errors(table.folder):
        stored, through = read_certificates(table.folder)
    later = {version for version in log.commits if version > table.version}
    stored = {day: each for day, each in stored.items() if each.version not in later}
    commits: dict[date, Commit] = {}
    for commit in log.commits.values():
        if commit.version in later:
            continue
        if not commit.metadata and commit.info.get("operation") not in _HARMLESS:
            # Another engine changed the table, so older certificates may no longer be true.
            commits.clear()
            if commit.version > through:
                stored.clear()
        if commit.metadata.get("what") == "day":
            commits[date.fromisoformat(commit.metadata["day"])] = commit
    claims: dict[date, Certificate] = {}
    for day in {*stored, *commits}:
        claim, written = stored.get(day), commits.get(day)
        if written and (claim is None or _known_through(claim, through) < written.version):
            claim = Certificate.from_json(written.metadata["certificate"], version=written.version)
        if claim:
            claims[day] = claim
    return claims


def _known_through(claim: Certificate, through: int) -> int:
    return through if claim.version is None else claim.version


def _problem(claim: Certificate, log: Log, rows: int) -> Problem | None:
    """Why a certificate does not count."""
    day, stated = claim.day, claim.report.rows
    if claim.report.began_at > datetime.now(UTC) + CLOCK_TOLERANCE:
        text = tr(
            "The day was fetched at {moment} UTC, in the future.", moment=claim.report.began_at
        )
        return Problem("future certificate", "", text, day)
    if not _is_written(claim, log):
        text = tr("The commit that wrote the {n} calls of the day is lost.", n=stated)
        return Problem("lost commit", "", text, day)
    if rows != stated:
        text = tr("The table has {n} calls of the day instead of {stated}.", n=rows, stated=stated)
        return Problem("wrong rows", "", text, day)
    return None


def _is_written(claim: Certificate, log: Log) -> bool:
    """Whether the commit of a certificate reads back as one that wrote its day."""
    if claim.version is None:
        return True  # no calls, or written by an older version of this package: rows are compared
    if claim.version < log.begin:
        return True  # a checkpoint replaced the commit
    commit = log.commits.get(claim.version)
    return commit is not None and (
        commit.metadata.get("what"),
        commit.metadata.get("day"),
        commit.metadata.get("rows"),
    ) == ("day", claim.day.isoformat(), claim.report.rows)
