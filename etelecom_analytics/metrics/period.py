"""The period before the one that a query asks about."""

from dataclasses import replace

from .. import local_time
from ..logs import FetchReport
from ..query import CallQuery

__all__ = ["only_fetched", "previous_period"]


def only_fetched(query: CallQuery) -> str:
    """Which calls alone were fetched, in words, whatever their dates; empty if all were."""
    undated = replace(query, date_from=None, date_to=None)
    return (
        "" if undated == CallQuery(time_zone=query.time_zone) else str(undated).rpartition(" (")[0]
    )


def previous_period(query: CallQuery, report: FetchReport) -> tuple[CallQuery | None, str]:
    """The same question about the period before, and words about it.

    The period before is as long as the query's own and ends where that begins, in the query's local
    time. The query is None where there is none to ask, and the words say why: the query has no
    first or no last day, the period before was not wholly fetched, or nothing of the query's own
    was. Where its own was fetched in part, the words warn.
    """
    first, after = query.date_from, query.date_to
    if first is None or after is None:
        return None, "No period before to compare with: choose a first and a last day."
    # Of two moments in one zone Python takes the clock times: the week before begins at midnight
    # too, whatever the clocks did since.
    start = (first - (after.replace(tzinfo=None) - first.replace(tzinfo=None))).replace(
        tzinfo=first.tzinfo
    )
    told = {**query.to_dict(), "date_from": start.isoformat(), "date_to": first.isoformat()}
    earlier = CallQuery.from_dict(told)
    if report.clip(first, after).has_no_coverage:
        return None, "This period was not fetched: nothing is known of it."
    span = f"{local_time.moment_text(start, query.time_zone)} up to {local_time.moment_text(first, query.time_zone)}, exclusive"
    partly = (
        " This period was not wholly fetched, so its counts are too low."
        if report.gaps_between(first, after)
        else ""
    )
    if report.gaps_between(start, first):
        return (
            None,
            f"No change is told: the period before, {span}, was not wholly fetched.{partly}",
        )
    return earlier, f"Changes are against the period before: {span}.{partly}"
