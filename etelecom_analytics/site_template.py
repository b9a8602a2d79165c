"""A site file as a proposal: with comments, and with what the calls show."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

import polars as pl

from . import local_time
from .metrics.number_suggestions import suggest_numbers
from .phone_numbers import is_subscriber, normalized
from .watch_settings import WATCHED_MEASURES

__all__ = ["hotline_shares", "site_template"]

_MIN_SHARE_OF_CALLS = 0.02
"""Calls to a number below this share are rather wrong numbers than calls to a hotline."""
_MIN_SHARE_OF_PEAK = 0.2
"""An hour with a smaller part of the calls of its weekday's busiest hour is rather closed."""
_MIN_CALLS_OF_DAY = 20
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HEAD = """\
# Settings of this organisation for etelecom_analytics.
# The command line, panels, reports and archives read this file; `etelecom --help` says how it is
# found. A line that begins with "#" has no effect: remove the "#" to set it.
"""


def site_template(
    calls: pl.DataFrame | pl.LazyFrame | None = None,
    *,
    time_zone: str = local_time.HOME_ZONE,
    numbers: Collection[str] | None = None,
) -> str:
    """The text of a site file: numbers and hours that the calls show are set or proposed.

    Args:
        calls: the calls; None for a file without proposals.
        time_zone: the time zone of the calls.
        numbers: the suggested numbers and the hotlines to set; all by default.
    """
    rows = None if calls is None else calls.lazy().collect()
    return "\n".join([_HEAD, *_top_level(rows, time_zone, numbers), *_tables(rows, time_zone)])


def hotline_shares(calls: pl.DataFrame) -> list[tuple[str, float]]:
    """Phone numbers that inbound callers dial often, with their share of inbound calls."""
    inbound = _inbound(calls)
    counts = (
        inbound.filter(is_subscriber(pl.col("callee")))
        .select(number=normalized(pl.col("callee")))
        .group_by("number")
        .agg(share=pl.len() / max(inbound.height, 1))
        .filter(pl.col("share") >= _MIN_SHARE_OF_CALLS)
    )
    return counts.sort("share", "number", descending=[True, False]).rows()


def _top_level(
    calls: pl.DataFrame | None, time_zone: str, numbers: Collection[str] | None
) -> Iterator[str]:
    def is_set(number: str) -> bool:
        return numbers is None or number in numbers

    suggested = [] if calls is None else suggest_numbers(calls).rows(named=True)
    of_kind = {
        kind: [row for row in suggested if row["kind"] == kind and is_set(row["number"])]
        for kind in ("ivr", "queue")
    }
    hotlines = [] if calls is None else hotline_shares(calls)
    hotlines = [(number, share) for number, share in hotlines if is_set(number)]
    yield from _setting("time_zone", "The time zone of days and hours.", time_zone)
    yield from _setting(
        "ivr_numbers",
        "Target numbers of IVRs. Without them, a call that an IVR answered counts as answered.",
        [row["number"] for row in of_kind["ivr"]],
        example=["8000"],
        evidence=map(_evidence, of_kind["ivr"]),
    )
    yield from _setting(
        "queue_numbers",
        "Target numbers of queues.",
        [row["number"] for row in of_kind["queue"]],
        example=["8100"],
        evidence=map(_evidence, of_kind["queue"]),
    )
    yield from _setting(
        "voicemail_numbers",
        'Target numbers of voicemail; "*98*" stands for all numbers that begin with *98.',
        example=["*98*"],
    )
    yield from _setting(
        "own_numbers",
        "Phone numbers that are never masked, such as hotlines.",
        [number for number, _ in hotlines],
        example=["19000123"],
        evidence=(
            f"{number}: dialled in {share:.0%} of inbound calls" for number, share in hotlines
        ),
    )
    yield from _setting(
        "agent_numbers",
        "Long numbers (8 digits or more) that belong to agents, such as mobiles.",
        example=["0900000000"],
    )
    yield from _setting(
        "holidays", "Dates on which no call is in business hours.", example=["2026-09-02"]
    )
    yield from _setting(
        "language", "The language of texts: en for English, vi for Vietnamese.", example="vi"
    )


def _tables(calls: pl.DataFrame | None, time_zone: str) -> Iterator[str]:
    hours = {} if calls is None else _busy_hours(calls, time_zone)
    yield "# Hours in which calls count as in_hours. Other days are closed."
    if hours:
        yield "# The hours below hold most inbound calls. Check them before you remove the #."
    yield "# [business_hours]"
    for name, span in (hours or {"mon-fri": ["08:00", "17:30"]}).items():
        yield f"# {_toml(name)} = {_toml(span)}"
    yield ""
    yield "# Targets of measures; a share is between 0 and 1. They are shown beside the values."
    yield "# [targets]"
    yield "# service_level = 0.8\n# asa_s = 20\n"
    yield "# What etelecom watch checks, when it is silent, and where it posts alarms."
    yield "# [watch]"
    yield f"# measures = {_toml(WATCHED_MEASURES)}"
    yield '# quiet_hours = ["21:00", "07:00"]\n# address = "https://host/path"\n'
    yield "# How new snapshots and archives hide phone numbers: masked, pseudonymized or kept."
    yield "# Notes and recordings: dropped or kept."
    yield "# [privacy]"
    yield '# numbers = "masked"\n# notes = "dropped"\n# recordings = "dropped"\n'
    yield "# Names of hotlines, shown in place of their numbers."
    yield "# [hotline_names]"
    yield '# "19000123" = "Sales"\n'


def _setting(
    name: str,
    comment: str,
    value: str | Sequence[str] = (),
    *,
    example: str | Sequence[str] = (),
    evidence: Iterable[str] = (),
) -> Iterator[str]:
    """The lines of a setting; without a value, its line is a comment with an example."""
    yield f"# {comment}"
    yield from (f"#   {line}" for line in evidence)
    yield f"{name} = {_toml(value)}\n" if value else f"# {name} = {_toml(example)}\n"


def _toml(value: str | Sequence[str]) -> str:
    # Text and lists of text are the same in JSON and TOML.
    return json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False)


def _evidence(row: dict[str, object]) -> str:
    return (
        f"{row['number']}: {row['calls']:,} calls, {row['share_within_1s']:.0%} of the legs "
        f"answered within 1 s, {row['share_followed']:.0%} followed by another leg"
    )


def _inbound(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.filter(pl.col("direction").cast(pl.String) == "in")


def _busy_hours(calls: pl.DataFrame, time_zone: str) -> dict[str, list[str]]:
    """By weekdays, the clock hours from the first to the last that hold many inbound calls."""
    local = pl.col("started_at").dt.convert_time_zone(time_zone)
    counts = (
        _inbound(calls)
        .drop_nulls("started_at")
        .group_by(day=local.dt.weekday(), hour=local.dt.hour())
        .len()
        .with_columns(total=pl.col("len").sum().over("day"), peak=pl.col("len").max().over("day"))
        .filter(
            pl.col("total") >= _MIN_CALLS_OF_DAY,
            pl.col("len") >= _MIN_SHARE_OF_PEAK * pl.col("peak"),
        )
        .group_by("day")
        .agg(first=pl.col("hour").min(), last=pl.col("hour").max())
        .sort("day")
    )
    spans = {day: [f"{first:02}:00", f"{last + 1:02}:00"] for day, first, last in counts.rows()}
    result: dict[str, list[str]] = {}
    for span, group in groupby(range(1, 8), key=spans.get):
        days = [_DAYS[day - 1] for day in group]
        if span:
            result[days[0] if len(days) == 1 else f"{days[0]}-{days[-1]}"] = span
    return result
