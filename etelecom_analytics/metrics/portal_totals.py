"""What each call adds to the totals of the portal, and to ours, and why the two differ."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import polars as pl

from .call_facts import call_facts
from .call_legs import false_if_null
from .carriers import carrier_of
from .costs import fee_vnd, is_charged, is_free, started_units
from .internal_calls import with_second_logs
from .options import MetricOptions
from .tariffs import Tariff

__all__ = ["CAUSES", "PORTAL_TOTALS", "call_totals"]

PORTAL_TOTALS: Mapping[str, str] = MappingProxyType(
    {
        "calls": "logs",
        "succeeded": "logs with call_status P",
        "failed": "all other logs, also those without a status",
        "talk_in_s": "sum of duration of inbound logs",
        "talk_out_s": "sum of duration of outbound logs",
        "minutes": "sum of the started minutes of duration",
        "fee": "cost by tariff of outbound logs with call_status P, in VND",
    }
)
"""The totals of the portal and their definitions; all are of the logs created in the period."""

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "created_outside": "started in the period, but its log was created outside it",
        "started_outside": "its log was created in the period, but it started outside it",
        "internal_twice": "the second log of an internal call, which we count once",
        "running": "has not ended: failed for the portal, in no rate of ours",
        "status_missing": "ended without call_status: failed for the portal",
        "state_unknown": "ended without a known call_state: neither answered nor missed",
        "answered_by_machine": "answered by an IVR, a queue or voicemail only: missed for us",
        "status_differs": "call_status and call_state contradict each other",
        "duration_implausible": "its duration cannot be true, so we count no talk",
        "talk_without_answer": "has a duration, though nobody answered",
        "rounded_minutes": "the portal rounds each call up to whole minutes",
        "price_unknown": "charged, but the number of the callee is missing or masked",
    }
)
"""Why a call counts differently. If several hold, a difference is that of the first; only rounding
is always separate."""

_OF_NO_DIFFERENCE = ("rounded_minutes", "price_unknown")


def call_totals(
    calls: pl.DataFrame,
    begin: datetime,
    end: datetime,
    *,
    tariff: Tariff | None,
    options: MetricOptions,
) -> pl.DataFrame:
    """One row per call of the period, created or started in it.

    Columns: `call_id`; `cause`, the first of `CAUSES` that holds, or null; `causes`, all of them;
    `portal_<total>` and `ours_<total>` for each of `PORTAL_TOTALS`; `rounding`, the part of the
    portal's minutes that is rounding. Without a tariff the fees are null.
    """
    started = false_if_null(pl.col("started_at").is_between(begin, end, closed="left"))
    created = false_if_null(pl.col("created_at").is_between(begin, end, closed="left"))
    period = calls.filter(started | created)
    facts = call_facts(period.lazy(), options=options).drop("internal_twice")
    # Our tables are of the calls that start in the period, so only these can be one call.
    counted = with_second_logs(facts, period.filter(started).lazy()).select(
        *("running", "unknown", "answered", "missed", "talk_s", "internal_twice")
    )
    columns = period.select(
        *("id", "direction", "call_state", "call_status", "callee"),
        started=started,
        created=created,
        duration=pl.col("duration").cast(pl.Int64).fill_null(0),
        fee=_fee(period, tariff),
    )
    rows = pl.concat([columns, counted.collect()], how="horizontal")
    all_causes = pl.concat_list(
        pl.when(holds).then(pl.lit(cause)) for cause, holds in _causes(tariff).items()
    ).list.drop_nulls()
    decisive = all_causes.list.eval(
        pl.element().filter(~pl.element().is_in(_OF_NO_DIFFERENCE))
    ).list.first()
    rounding = pl.when("created").then(_minutes() - pl.col("duration") / 60).otherwise(0.0)
    return rows.select(
        pl.col("id").alias("call_id"),
        cause=decisive,
        causes=all_causes,
        rounding=rounding,
        **{
            f"portal_{name}": pl.when("created").then(value).otherwise(0)
            for name, value in _of_portal().items()
        },
        **{
            f"ours_{name}": pl.when(pl.col("started") & ~pl.col("internal_twice"))
            .then(value)
            .otherwise(0)
            for name, value in _of_ours().items()
        },
    )


def _fee(calls: pl.DataFrame, tariff: Tariff | None) -> pl.Expr:
    """The cost of a charged call, null if it is unknown, and 0 of all others."""
    if tariff is None:
        return pl.lit(None, dtype=pl.Int64)
    charged = is_charged() & false_if_null(pl.col("direction").cast(pl.String) == "out")
    charged &= ~is_free(calls.columns, tariff)
    fee = fee_vnd(carrier_of(pl.col("callee")), pl.col("duration").fill_null(0), tariff)
    return pl.when(charged).then(fee).otherwise(0)


def _causes(tariff: Tariff | None) -> dict[str, pl.Expr]:
    """Whether each of `CAUSES` holds for a call."""
    status, state = pl.col("call_status").cast(pl.String), pl.col("call_state").cast(pl.String)
    ended = ~pl.col("running")
    machine = pl.col("missed") & false_if_null(state == "answered")
    succeeded = is_charged()
    contradicts = (pl.col("answered") & ~succeeded) | (pl.col("missed") & succeeded)
    causes = {
        "created_outside": pl.col("started") & ~pl.col("created"),
        "started_outside": pl.col("created") & ~pl.col("started"),
        "internal_twice": pl.col("internal_twice"),
        "running": pl.col("running"),
        "status_missing": ended & status.is_null(),
        "state_unknown": pl.col("unknown"),
        "answered_by_machine": machine,
        "status_differs": contradicts & ~machine & status.is_not_null(),
        "duration_implausible": pl.col("answered") & _differs_from_talk(),
        "talk_without_answer": ended & ~pl.col("answered") & (pl.col("duration") != 0),
        "rounded_minutes": pl.col("created") & (pl.col("duration") % 60 != 0),
        "price_unknown": pl.col("fee").is_null() & pl.lit(tariff is not None),
    }
    return {cause: causes[cause] for cause in CAUSES}


def _differs_from_talk() -> pl.Expr:
    return pl.col("talk_s").fill_null(0.0) != pl.col("duration")


def _minutes() -> pl.Expr:
    return started_units(pl.col("duration"), 60)


def _is(direction: str) -> pl.Expr:
    return false_if_null(pl.col("direction").cast(pl.String) == direction)


def _of_portal() -> dict[str, pl.Expr]:
    """What a call that was created in the period adds to each total of the portal."""
    return {
        "calls": pl.lit(1),
        "succeeded": is_charged().cast(pl.Int64),
        "failed": (~is_charged()).cast(pl.Int64),
        "talk_in_s": pl.when(_is("in")).then("duration").otherwise(0),
        "talk_out_s": pl.when(_is("out")).then("duration").otherwise(0),
        "minutes": _minutes(),
        "fee": pl.col("fee"),
    }


def _of_ours() -> dict[str, pl.Expr]:
    """What a call that started in the period adds to our measure of the same name."""
    talk = pl.col("talk_s").fill_null(0.0)
    return {
        "calls": pl.lit(1),
        "succeeded": pl.col("answered").cast(pl.Int64),
        "failed": pl.col("missed").cast(pl.Int64),
        "talk_in_s": pl.when(_is("in")).then(talk).otherwise(0.0),
        "talk_out_s": pl.when(_is("out")).then(talk).otherwise(0.0),
        "minutes": talk / 60,
        "fee": pl.col("fee"),
    }
