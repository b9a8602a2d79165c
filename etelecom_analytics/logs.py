"""CallLogs: calls with their query and fetch report, and merging of two fetches."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

import polars as pl

from . import frames, local_time, names
from .errors import InputError
from .fetch_report import FetchReport, Gap, Window
from .formatting import facts_html, facts_text
from .language import tr
from .phone_numbers import describe
from .query import CallQuery
from .report_merge import certify, merge_reports

__all__ = [
    "CallLogs",
    "Fetch",
    "FetchReport",
    "Gap",
    "Progress",
    "Window",
    "checked_logs",
    "merge_logs",
]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CallLogs:
    """The result of a fetch.

    Attributes:
        calls: one row per call, with the columns of `schema.CALLS`; newest first (started_at, then
            id; nulls last).
        query: which calls were requested.
        report: how they were fetched, how complete they are, and what was irregular.

    Raises:
        InputError: `calls` is not a DataFrame of calls, or another attribute has another type.

    Examples:
        >>> logs = et.sample_logs()
        >>> logs.calls.height, logs.call_targets.height
        (400, 1251)
        >>> print(logs.query)
        from 2026-11-02, before 2026-11-09 (Asia/Ho_Chi_Minh)
        >>> inbound = et.CallLogs(
        ...     calls=logs.calls.filter(direction="in"), query=logs.query, report=logs.report
        ... )
        >>> inbound == logs
        False
    """

    calls: pl.DataFrame
    query: CallQuery
    report: FetchReport

    def __post_init__(self) -> None:
        for name, kind in (("query", CallQuery), ("report", FetchReport)):
            if not isinstance(getattr(self, name), kind):
                raise InputError(
                    f"{name} must be a {kind.__name__}; got {describe(getattr(self, name))}."
                )
        if isinstance(self.calls, pl.LazyFrame):  # type: ignore[unreachable]
            raise InputError("CallLogs need a DataFrame of calls: collect the LazyFrame first.")
        object.__setattr__(self, "calls", frames.checked_calls(self.calls))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CallLogs):
            return NotImplemented
        return (
            self.query == other.query
            and self.report == other.report
            and self.calls.schema == other.calls.schema
            and self.calls.equals(other.calls)
        )

    def __hash__(self) -> int:
        return hash((self.calls.height, self.query))

    @cached_property
    def call_targets(self) -> pl.DataFrame:
        """One row per leg, with the columns of `schema.CALL_TARGETS`.

        After `with_names` there is also `user`, the name for the target number. It is computed
        once.
        """
        return names.call_targets_with_users(self.calls)

    def with_names(
        self,
        extensions: pl.DataFrame | None = None,
        users: pl.DataFrame | None = None,
        hotlines: pl.DataFrame | None = None,
    ) -> "CallLogs":
        """These logs with names for ids in their calls; the rows do not change.

        Adds those columns of `schema.NAMES` that the tables provide, for charts and panels:

        - `extension_number` of the call's extension.
        - `hotline` of the call's `hotline_id`, from a fetch with `label_hotlines`, or else of its
          extension; a hotline without a number has its name.
        - `user` and `department_id` of the call's `user_id`, or of its extension's if that is null.
          `user` is the full name, else the short name; equal names are followed by the `user_id`.
          With extensions and users, the `department_id` of an inbound call that was not answered is
          that of the extensions that rang, joined by " / " if there are several.
        - `target_owners`: for each of `call_targets`, the extension that rang and the person who
          had it: of an answered leg of the call's own extension, the call's user; else the user of
          the only extension with this number at that time, by `created_at` and `expires_at`; else
          the user of the present extension, with `owner_assumed`.
        - `target_names`: for each of `call_targets`, the name of this owner, or if it is assumed,
          the present users of its number, joined by " / ".

        **A missed call has no extension**, so it has no user, and answer rates by these are 100 %.
        Use measures of offers, such as `fair_answer_rate`, for rates by person: offers by `user`,
        `user_id`, `extension_id`, `extension_number` and `department_id` are those of their owner.
        For rates by hotline, fetch with `label_hotlines=True`, or use `by=["callee"]` if the PBX
        states the number that was dialled.

        If an id occurs more than once in a table, rows that are not deleted have priority, then the
        newest, then the last. Pass all tables in one call: columns of an omitted table are neither
        added nor changed.

        Args:
            extensions: the result of `et.fetch_extensions`.
            users: the result of `et.fetch_users`.
            hotlines: the result of `et.fetch_hotlines`; requires `extensions`, or calls with
                `hotline_id`.

        Raises:
            InputError: an argument is not such a table.

        Examples:
            >>> logs = et.sample_logs()
            >>> with et.simulator.serve(logs.calls) as server:
            ...     client = et.Client(server.base_url, server.api_key)
            ...     logs = logs.with_names(et.fetch_extensions(client), et.fetch_users(client))
            >>> logs.calls.columns[-4:]
            ['user', 'department_id', 'target_names', 'target_owners']
        """
        return replace(
            self,
            calls=names.with_names(
                self.calls, extensions=extensions, users=users, hotlines=hotlines
            ),
        )

    def _facts(self) -> Iterable[tuple[str, str]]:
        """The content of both representations, as pairs of label and text."""
        legs = frames.leg_count(self.calls)
        yield (
            tr("calls", context="fact"),
            tr("{calls}, with {legs} call targets", calls=self.calls.height, legs=legs),
        )
        yield tr("query", context="fact"), str(self.query)
        first, last = self.calls.select(
            first=pl.col("started_at").min(), last=pl.col("started_at").max()
        ).row(0)
        if first is not None:
            begin, end = (
                local_time.display_text(moment, self.query.time_zone) for moment in (first, last)
            )
            yield tr("began", context="fact"), tr("{begin} to {end}", begin=begin, end=end)
        yield from self.report.facts()

    def __repr__(self) -> str:
        return facts_text("CallLogs", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("CallLogs", self._facts())


Progress = Callable[[int, datetime | None], None]
"""A callback that receives the number of calls so far, and the time from which they are complete.

The time is None while it is unknown.
"""


class Fetch(Protocol):
    """A function that fetches calls, such as the result of `et.fetcher(client)`.

    Examples:
        >>> def fetch(query, on_progress, stop, *, resume=None):
        ...     return et.sample_logs()
        >>> panel = et.FetchPanel(fetch=fetch)
        >>> panel.restore({"date_from": "2026-11-02", "date_to": "2026-11-09"})
        >>> print(panel.query)
        from 2026-11-02, before 2026-11-09 (Asia/Ho_Chi_Minh)
    """

    def __call__(
        self,
        query: CallQuery,
        on_progress: Progress,
        stop: Callable[[], bool],
        *,
        resume: CallLogs | None = None,
    ) -> CallLogs:
        """The calls of the query; `resume` is an incomplete fetch to continue."""


def checked_logs(logs: object, function: str) -> CallLogs:
    """The logs; `InputError` with the name of the function if they are something else."""
    if not isinstance(logs, CallLogs):
        raise InputError(
            f"{function} takes CallLogs, such as et.read_snapshot returns; got {describe(logs)}."
        )
    return logs


def merge_logs(older: CallLogs, newer: CallLogs) -> CallLogs:
    """The calls of both logs, one row per id, with one query and one report.

    A row is the state with the newest `updated_at`; if it is equal or null, the state of `newer`.
    If that has no hotline, it has the one of the other state.
    The report covers what either report covers; ranges that neither covers are gaps.

    Raises:
        InputError: the queries differ in more than the dates, or an argument is not CallLogs.

    Examples:
        >>> logs = et.sample_logs()
        >>> et.merge_logs(logs, logs).calls.height
        400
    """
    for logs in (older, newer):
        checked_logs(logs, "merge_logs")
    undated = [replace(logs.query, date_from=None, date_to=None) for logs in (older, newer)]
    if undated[0] != undated[1]:
        raise InputError(
            f"Logs of different queries cannot be merged: {undated[0]}; and {undated[1]}."
        )
    if older.calls.columns != newer.calls.columns:
        raise InputError(
            "Both logs must have the same columns of names: use with_names on both, or on neither."
        )
    calls = frames.in_order(frames.newest(pl.concat([older.calls, newer.calls])))
    if "hotline_id" in calls.columns:
        for logs in (older, newer):
            calls = names.keep_labels(calls, logs.calls)
    starts, ends = (
        [getattr(logs.query, name) for logs in (older, newer)] for name in ("date_from", "date_to")
    )
    query = replace(
        newer.query,
        date_from=None if None in starts else min(starts),
        date_to=None if None in ends else max(ends),
    )
    report = merge_reports(older.report, newer.report)
    repeated = (
        older.report.repeated
        + newer.report.repeated
        + older.calls.height
        + newer.calls.height
        - calls.height
    )
    return CallLogs(
        calls=calls, query=query, report=certify(replace(report, repeated=repeated), calls)
    )
