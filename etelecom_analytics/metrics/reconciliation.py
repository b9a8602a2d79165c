"""reconcile: the portal's totals compared with ours, and the calls behind every difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from ..errors import InputError, UnknownName
from ..local_time import display_text, parse_moment
from ..logs import CallLogs, checked_logs
from ..phone_numbers import describe
from .costs import TariffInput
from .options import MetricOptions, checked_options
from .portal_totals import CAUSES, PORTAL_TOTALS, call_totals
from .tariffs import Tariff, checked_tariff

__all__ = ["Reconciliation", "reconcile"]

_CAUSE = pl.Enum(list(CAUSES))
_TOTAL = pl.Enum(list(PORTAL_TOTALS))
_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Reconciliation:
    """The totals of the portal compared with ours, and the calls behind every difference.

    Attributes:
        totals: one row per total: `total`, one of `PORTAL_TOTALS`; `portal`, the number that was
            passed, or null; `by_portal_rules`, the same total computed from the calls;
            `unexplained`, portal - by_portal_rules; `ours`, by our definitions; `difference`,
            by_portal_rules - ours, which is the sum over `causes`.
        causes: one row per total and cause with a difference: `total`; `cause`, one of
            `RECONCILIATION_CAUSES`; `calls`, their number; `difference`, what they add; and
            `call_ids`, in the order of the calls.
        calls: one row per call and cause of a difference: `call_id`, `total`, `cause`,
            `difference`, and `causes`, all that hold for the call.
        date_from, date_to: the period, half-open.
        starts_in_period_only: no call here started before the period, as when exactly the period
            was fetched. Calls that started just before it and were created in it may be missing:
            fetch an hour more on each side.

    Examples:
        >>> result = et.reconcile(et.sample_logs(), portal={"calls": 400})
        >>> result.matching
        ('calls',)
    """

    totals: pl.DataFrame
    causes: pl.DataFrame
    calls: pl.DataFrame
    date_from: datetime
    date_to: datetime
    starts_in_period_only: bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reconciliation):
            return NotImplemented
        return (
            (self.date_from, self.date_to) == (other.date_from, other.date_to)
            and self.totals.equals(other.totals)
            and self.calls.equals(other.calls)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares tables

    @property
    def matching(self) -> tuple[str, ...]:
        """The totals of the portal that are equal to those computed by its rules."""
        equal = pl.col("unexplained").abs() <= _TOLERANCE
        return tuple(self.totals.filter(equal)["total"].to_list())

    def ids(self, cause: str, total: str | None = None) -> list[str]:
        """The ids of the calls with this cause of a difference, in any total or in one.

        Raises:
            UnknownName: the cause or the total does not exist.
        """
        _check_name("cause", cause, CAUSES)
        rows = self.calls.filter(pl.col("cause") == cause)
        if total is not None:
            _check_name("total", total, PORTAL_TOTALS)
            rows = rows.filter(pl.col("total") == total)
        return rows["call_id"].unique(maintain_order=True).to_list()

    def __repr__(self) -> str:
        compared = self.totals["portal"].count()
        return (
            f"Reconciliation: {len(self.matching)} of {compared} totals of the portal match, "
            f"from {self.date_from.isoformat()} to {self.date_to.isoformat()}"
        )


def reconcile(
    logs: CallLogs,
    *,
    portal: Mapping[str, float],
    tariff: TariffInput | None = None,
    date_from: date | datetime | str | None = None,
    date_to: date | datetime | str | None = None,
    options: MetricOptions = MetricOptions(),
) -> Reconciliation:
    """Compare the totals of the vendor's portal with ours, and name the calls that differ.

    The portal counts logs by `created_at`, one per log: `calls`; `succeeded`, call_status P;
    `failed`, all others; `talk_in_s` and `talk_out_s`, the sum of `duration` of inbound and of
    outbound logs; `minutes`, every call rounded up; `fee`, by tariff over succeeded outbound calls.
    Ours are of the calls that started in the period, internal calls once: calls, answered, missed,
    talk of answered calls, and the cost. See `RECONCILIATION_CAUSES` for the differences.

    Portal figures that are not in `portal` are computed anyway. Fetch an hour more on each side of
    the period, because a call may start before it and be created in it. Collects.

    Args:
        logs: the calls; their query is the period unless `date_from` and `date_to` say otherwise.
        portal: the totals that the portal shows, by name; any of the seven.
        tariff: a `Tariff` or a mapping of its arguments, for `fee`.
        date_from: the begin of the period, inclusive.
        date_to: its end, exclusive.
        options: what answered, missed and talk depend on, and the time zone of the dates.

    Raises:
        InputError: a total is no number, `fee` has no tariff, or there is no period.
        UnknownName: the portal has no such total; the message lists them.

    Examples:
        >>> portal = {"calls": 400, "minutes": 969}
        >>> result = et.reconcile(et.sample_logs(), portal=portal)
        >>> result.totals.select("total", "by_portal_rules", "ours").row(0)
        ('calls', 400.0, 384.0)
        >>> result.causes.select("total", "cause", "calls").row(0)
        ('calls', 'internal_twice', 16)
    """
    options = checked_options(options)
    logs = checked_logs(logs, "reconcile")
    figures = _figures(portal)
    prices = None if tariff is None else checked_tariff(tariff)
    if "fee" in figures and prices is None:
        raise InputError("The total fee needs a tariff: pass tariff=et.Tariff(...).")
    begin, end = _period(logs, date_from, date_to, options.time_zone)
    calls = logs.calls
    if "created_at" not in calls.columns:
        raise InputError("reconcile needs the column created_at: keep the columns of the fetch.")
    rows = call_totals(calls, begin, end, tariff=prices, options=options)
    differences = _differences(rows, prices)
    unknown = ("fee",) if prices is None else ()
    sums = {
        name: tuple(
            None if name in unknown else float(rows[f"{side}_{name}"].sum() or 0)
            for side in ("portal", "ours")
        )
        for name in PORTAL_TOTALS
    }
    totals = pl.DataFrame(
        [(name, figures.get(name), *sums[name]) for name in PORTAL_TOTALS],
        schema={
            "total": _TOTAL,
            "portal": pl.Float64,
            "by_portal_rules": pl.Float64,
            "ours": pl.Float64,
        },
        orient="row",
    ).select(
        "total",
        "portal",
        "by_portal_rules",
        unexplained=pl.col("portal") - pl.col("by_portal_rules"),
        ours="ours",
        difference=pl.col("by_portal_rules") - pl.col("ours"),
    )
    causes = (
        differences.group_by("total", "cause")
        .agg(
            calls=pl.len().cast(pl.Int64),
            difference=pl.col("difference").sum(),
            call_ids=pl.col("call_id"),
        )
        .sort("total", "cause")
    )
    return Reconciliation(
        totals=totals,
        causes=causes,
        calls=differences,
        date_from=begin,
        date_to=end,
        starts_in_period_only=not (calls["started_at"] < begin).any(),
    )


def _differences(rows: pl.DataFrame, tariff: Tariff | None) -> pl.DataFrame:
    """One row per call and total that differ; rounding of minutes has its own rows."""
    parts = []
    for name in PORTAL_TOTALS:
        exact = pl.col(f"portal_{name}") - pl.col(f"ours_{name}")
        if name == "minutes":
            exact -= pl.col("rounding")
            parts.append(_part(rows, name, pl.lit("rounded_minutes"), pl.col("rounding")))
        parts.append(_part(rows, name, pl.col("cause"), exact))
    if tariff is not None:
        unpriced = rows.filter(pl.col("causes").list.contains("price_unknown"))
        unknown = pl.lit(None, dtype=pl.Float64)
        parts.append(_columns(unpriced.lazy(), "fee", pl.lit("price_unknown"), unknown).collect())
    return pl.concat(parts).sort("total", "cause", maintain_order=True)


def _part(rows: pl.DataFrame, total: str, cause: pl.Expr, difference: pl.Expr) -> pl.DataFrame:
    """The rows whose difference is not 0."""
    part = _columns(rows.lazy(), total, cause, difference)
    return part.filter(pl.col("difference").abs() > _TOLERANCE).collect()


def _columns(rows: pl.LazyFrame, total: str, cause: pl.Expr, difference: pl.Expr) -> pl.LazyFrame:
    return rows.select(
        "call_id",
        total=pl.lit(total, _TOTAL),
        cause=cause.cast(_CAUSE),
        difference=difference.cast(pl.Float64),
        causes=pl.col("causes").cast(pl.List(_CAUSE)),
    )


def _figures(portal: object) -> dict[str, float]:
    """The totals of the portal as numbers."""
    if not isinstance(portal, Mapping):
        raise InputError(
            'portal is a mapping of totals to numbers, such as {"calls": 1200}; got '
            f"{describe(portal)}."
        )
    for name, value in portal.items():
        _check_name("total of the portal", name, PORTAL_TOTALS)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not abs(value) < float("inf"):
            raise InputError(f"The total {name} is a number, such as 1200; got {describe(value)}.")
    return {name: float(value) for name, value in portal.items()}


def _check_name(kind: str, name: object, known: Mapping[str, str]) -> None:
    if not isinstance(name, str) or name not in known:
        raise UnknownName(kind, name if isinstance(name, str) else describe(name), known)


def _period(
    logs: CallLogs,
    date_from: date | datetime | str | None,
    date_to: date | datetime | str | None,
    time_zone: str,
) -> tuple[datetime, datetime]:
    """The period of the arguments, else of the query."""
    begin = _limit("date_from", date_from, logs.query.date_from, time_zone)
    end = _limit("date_to", date_to, logs.query.date_to, time_zone)
    if not begin < end:
        raise InputError(
            f"date_from must be before date_to; got {display_text(begin, time_zone)} and "
            f"{display_text(end, time_zone)}."
        )
    return begin, end


def _limit(
    name: str, value: date | datetime | str | None, of_query: datetime | None, time_zone: str
) -> datetime:
    moment = of_query if value is None else parse_moment(value, time_zone, name)
    if moment is None:
        raise InputError(f"The query of these logs has no {name}: pass {name}=.")
    return moment.astimezone(UTC)
