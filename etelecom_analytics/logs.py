"""CallLogs: calls, the query that asked, and the report of how they were fetched."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from . import clock, frames
from .frames import Drift, SetAside
from .query import CallQuery

__all__ = ["CallLogs", "FetchReport", "Gap"]

_MOST_DRIFT_LINES = 8


class Gap(NamedTuple):
    """A part of the range asked for that was not fetched: from its begin, and before its end."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class FetchReport:
    """How the calls were fetched, and what was strange.

    Every row that came is accounted for: received = rows + repeated + outside + len(set_aside).

    Attributes:
        rows: calls in the table.
        received: rows that came over the wire.
        repeated: rows of a call that came more than once; its newest state was kept.
        outside: rows whose start lies outside the half-open range of the query.
        pages: pages read.
        began_at: the moment at which the fetch began.
        complete_from: every call that matches and began at this moment or later is here; None: since the beginning.
        complete_to: ... and before this moment: the query's `date_to`, or when the fetch began.
        gaps: the parts of the range asked for that are not here, such as what had not happened yet.
        seconds: how long it took.
        drift: in which ways the wire differed from the contract.
        set_aside: records that cannot be rows, as they came.
    """

    rows: int
    received: int
    repeated: int
    outside: int
    pages: int
    began_at: datetime
    complete_from: datetime | None
    complete_to: datetime
    seconds: float
    gaps: tuple[Gap, ...] = ()
    drift: tuple[Drift, ...] = ()
    set_aside: tuple[SetAside, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can keep it; `from_dict` reads it back."""
        told = asdict(self)
        for name in ("began_at", "complete_from", "complete_to"):
            told[name] = told[name] and told[name].isoformat()
        told["gaps"] = [[moment.isoformat() for moment in gap] for gap in self.gaps]
        told["drift"] = [drift._asdict() for drift in self.drift]
        told["set_aside"] = [record._asdict() for record in self.set_aside]
        return told

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "FetchReport":
        """The report that `to_dict` told."""
        moments = {name: told[name] and datetime.fromisoformat(told[name]) for name in ("began_at", "complete_from", "complete_to")}
        gaps = tuple(Gap(*map(datetime.fromisoformat, gap)) for gap in told["gaps"])
        drift = tuple(Drift(**drift) for drift in told["drift"])
        set_aside = tuple(SetAside(**record) for record in told["set_aside"])
        return cls(**{**told, **moments, "gaps": gaps, "drift": drift, "set_aside": set_aside})


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CallLogs:
    """What a fetch brought.

    Attributes:
        calls: one row a call, with the columns of `schema.CALLS`; newest first (started_at, then id; nulls last).
        query: which calls were asked for.
        report: how they were fetched, and what was strange.
    """

    calls: pl.DataFrame
    query: CallQuery
    report: FetchReport

    @cached_property
    def call_targets(self) -> pl.DataFrame:
        """One row a leg: `call_id`, `target_index`, then the leg's columns (`schema.CALL_TARGETS`)."""
        return frames.call_targets(self.calls)

    def _facts(self) -> Iterable[tuple[str, str]]:
        """What there is to say, as (name, text); the one source of both representations."""
        report, zone = self.report, self.query.time_zone
        yield "calls", f"{self.calls.height:,}, with {self.call_targets.height:,} call targets"
        yield "asked for", str(self.query)
        first, last = self.calls.select(first=pl.col("started_at").min(), last=pl.col("started_at").max()).row(0)
        if first is not None:
            yield "began", f"{_local(first, zone)} to {_local(last, zone)}"
        yield (
            "complete",
            f"{_local(report.complete_from, zone) if report.complete_from else 'from the first'} to {_local(report.complete_to, zone)}",
        )
        for gap in report.gaps:
            yield "not here", f"{_local(gap.begin, zone)} to {_local(gap.end, zone)}"
        yield (
            "fetched",
            f"{_count(report.received, 'row')} on {_count(report.pages, 'page')} in {report.seconds:.1f} s; "
            f"{report.repeated:,} came again, {report.outside:,} outside the range, {len(report.set_aside):,} set aside",
        )
        for drift in report.drift[:_MOST_DRIFT_LINES]:
            often = "once" if drift.count == 1 else f"{drift.count:,} times"
            yield "drift", f"{drift.field}: {drift.kind}, {often}, such as {drift.example}"
        if (more := len(report.drift) - _MOST_DRIFT_LINES) > 0:
            yield "drift", f"and {more} more kinds: see .report.drift"

    def __repr__(self) -> str:
        return "\n".join(["CallLogs", *(f"  {name:<10} {text}" for name, text in self._facts())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th><td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in self._facts()
        )
        return f"<table><caption>CallLogs</caption><tbody>{rows}</tbody></table>"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _local(moment: datetime, time_zone: str) -> str:
    return moment.astimezone(clock.zone(time_zone)).isoformat(sep=" ", timespec="seconds")
