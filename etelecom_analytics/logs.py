"""CallLogs: calls, the query that asked, and the report of how they were fetched."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

import polars as pl

from . import frames, local_time, names
from .errors import InputError
from .fetch_report import FetchReport, Gap, Window, certify, merge_reports
from .formatting import facts_html, facts_text
from .query import CallQuery

__all__ = ["CallLogs", "Fetch", "FetchReport", "Gap", "Progress", "Window", "merge_logs"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CallLogs:
    """What a fetch brought.

    Attributes:
        calls: one row a call, with the columns of `schema.CALLS`; newest first (started_at, then
            id; nulls last).
        query: which calls were asked for.
        report: how they were fetched, and what was strange.
    """

    calls: pl.DataFrame
    query: CallQuery
    report: FetchReport

    @cached_property
    def call_targets(self) -> pl.DataFrame:
        """One row a leg: `call_id`, `target_index`, its columns (`schema.CALL_TARGETS`), and with names `user`, whose number it rang."""
        return names.call_targets_with_users(self.calls)

    def with_names(
        self,
        extensions: pl.DataFrame | None = None,
        users: pl.DataFrame | None = None,
        hotlines: pl.DataFrame | None = None,
    ) -> "CallLogs":
        """These logs with names in their calls: columns of `schema.NAMES`, those that the lists can tell; no call comes or goes.

        `extension_number` and `hotline` are those of the call's extension; a hotline without a
        number is told by its name. `user` and `department_id` are those of the call's `user_id`, or
        where it has none, of its extension's: the full name, else the short one, and after it the
        `user_id` where two users have the same. `target_names` says whose number each of
        `call_targets` rang; all who have it, with " / " between them. Charts and panels show these
        names.

        **A missed call has no extension**, so it has neither user nor hotline, and answer rates by
        these are 100 %: by the hotline that was called they are `by=["callee"]`, by person
        `by=["target_number"]` of offers.

        Of an id that a list has twice, what is not deleted goes first, then what was created last,
        then what stands last. Give all lists at once: what is left out is not looked up, and
        columns that they cannot tell stay as they are.

        Args:
            extensions: as `et.fetch_extensions` gives them.
            users: as `et.fetch_users` gives them.
            hotlines: as `et.fetch_hotlines` gives them; they need extensions.

        Raises:
            InputError: one of them is no such table.
        """
        return replace(
            self,
            calls=names.with_names(
                self.calls, extensions=extensions, users=users, hotlines=hotlines
            ),
        )

    def _facts(self) -> Iterable[tuple[str, str]]:
        """What there is to say, as (name, text); the one source of both representations."""
        yield "calls", f"{self.calls.height:,}, with {self.call_targets.height:,} call targets"
        yield "asked for", str(self.query)
        first, last = self.calls.select(
            first=pl.col("started_at").min(), last=pl.col("started_at").max()
        ).row(0)
        if first is not None:
            yield (
                "began",
                f"{_local(first, self.query.time_zone)} to {_local(last, self.query.time_zone)}",
            )
        yield from self.report.facts()

    def __repr__(self) -> str:
        return facts_text("CallLogs", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("CallLogs", self._facts())


Progress = Callable[[int, datetime | None], None]
"""Called while pages arrive, with the number of calls so far and the moment back to which all of
them are here, if it is known."""


class Fetch(Protocol):
    """A function that fetches calls, such as `et.fetcher(client)` returns."""

    def __call__(
        self,
        query: CallQuery,
        on_progress: Progress,
        stop: Callable[[], bool],
        *,
        resume: CallLogs | None = None,
    ) -> CallLogs:
        """The calls of the query, or of the fetch that `resume` continues."""


def merge_logs(older: CallLogs, newer: CallLogs) -> CallLogs:
    """The calls of both, one row an id in its newest state, with one query and one report.

    The newest state is that of the newest `updated_at`; at a tie, or without one, that of `newer`.
    The report promises what either did: what lies between their ranges, and what both lack, are its
    gaps.

    Raises:
        InputError: they asked for different calls, but for the dates; a table of both would have
            neither's meaning.
    """
    if not isinstance(older, CallLogs) or not isinstance(newer, CallLogs):
        raise InputError(
            "merge_logs takes two CallLogs, such as et.read_snapshot and et.fetch_calls give."
        )
    undated = [replace(logs.query, date_from=None, date_to=None) for logs in (older, newer)]
    if undated[0] != undated[1]:
        raise InputError(
            f"The two asked for different calls, so they are not merged: {undated[0]}; and {undated[1]}."
        )
    if older.calls.columns != newer.calls.columns:
        raise InputError(
            "Only one of the two has names in its calls: give with_names to both, or to neither."
        )
    both = frames.newest(pl.concat([older.calls, newer.calls]))
    calls = frames.in_order(both)
    starts, ends = (
        [getattr(logs.query, name) for logs in (older, newer)] for name in ("date_from", "date_to")
    )
    query = replace(
        newer.query,
        date_from=None if None in starts else min(starts),
        date_to=None if None in ends else max(ends),
    )
    report = merge_reports(older.report, newer.report)
    again = (
        older.report.repeated
        + newer.report.repeated
        + older.calls.height
        + newer.calls.height
        - calls.height
    )
    return CallLogs(
        calls=calls, query=query, report=certify(replace(report, repeated=again), calls)
    )


def _local(moment: datetime, time_zone: str) -> str:
    return moment.astimezone(local_time.zone(time_zone)).isoformat(sep=" ", timespec="seconds")
