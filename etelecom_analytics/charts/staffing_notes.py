"""The notes of the chart of the agents needed: method, signs, and where it is not reliable."""

import polars as pl

from ..language import mark, number, tr
from ..locale.terms import count
from ..metrics import MetricOptions

__all__ = ["alt_text", "backtest_note", "legend_notes", "method_note", "reliability_note"]

_NOT_RELIABLE = mark(
    "? not reliable here: for these past calls Erlang A misses the observed abandonment or "
    "service level by more than 5 points, because a call log does not show who was present."
)
_NOTES = {
    "more_load_than_agents": mark("! more load than agents: the queue would grow without end"),
    "uneven": mark("~ arrivals differ more from day to day than a Poisson process (1 % level)"),
    "few_days": mark("fewer than 5 days: too few to test whether arrivals are even"),
}


def method_note(
    target: float, wrap_up_s: float, max_occupancy: float, options: MetricOptions
) -> str:
    """How the number of agents is computed."""
    wait = tr(
        "The fewest agents with whom Erlang C expects at least {target} of calls to wait at most "
        "{threshold} s",
        target=number(target, ".0%"),
        threshold=number(options.threshold_s, "g"),
    )
    if max_occupancy < 1:
        wait = tr(
            "{wait}, and are busy at most {occupancy} of the time",
            wait=wait,
            occupancy=number(max_occupancy, ".0%"),
        )
    handled = tr("mean talk in seconds")
    if wrap_up_s:
        handled = tr("(mean talk + {wrap_up} s of wrap-up)", wrap_up=number(wrap_up_s, "g"))
    return tr(
        "{wait}; traffic = arrivals per second * {handled}. The model assumes that nobody hangs up "
        "and that agents do nothing else.",
        wait=wait,
        handled=handled,
    )


def backtest_note(rows: pl.DataFrame, interval: str) -> str:
    """How the prediction for these calls compares with what was observed."""
    if rows["abandoned"].null_count() == rows.height:
        return tr("No back-test: no call shows which person answered.")
    checked = rows["not_reliable"].count()
    if checked:
        result = tr(
            "not reliable in {n} of {intervals} with at least 30 calls",
            n=int(rows["not_reliable"].sum()),
            intervals=count(checked, interval.replace("_", " ")),
        )
    elif interval == "hour":
        result = tr("no hour has the 30 calls that a check needs")
    else:
        result = tr("no quarter hour has the 30 calls that a check needs")
    return tr(
        "Back-test: abandonment of these calls (filled), and as predicted by Erlang A from the "
        "persons who talked (hollow); {result}.",
        result=result,
    )


def legend_notes(rows: pl.DataFrame, agents: int | None) -> list[str]:
    """The meaning of the line and of the signs that the chart has."""
    line = [tr("line: {agents}", agents=count(agents, "available agent"))] if agents else []
    return [*line, *(tr(text) for name, text in _NOTES.items() if rows[name].any())]


def reliability_note(rows: pl.DataFrame) -> str:
    """The warning where the model does not fit these calls; "" where it does."""
    return tr(_NOT_RELIABLE) if rows["not_reliable"].any() else ""


def alt_text(rows: pl.DataFrame) -> str:
    """The interval that needs most agents, as alternative text."""
    known = rows.drop_nulls(["agents_needed", "traffic"])
    if known.is_empty():
        return tr("No interval has calls of known talk.")
    most = known.sort("agents_needed", descending=True, maintain_order=True).row(0, named=True)
    return tr(
        "At most {n}, first at {interval} for {traffic} Erlangs.",
        n=most["agents_needed"],
        interval=most["key"],
        traffic=number(most["traffic"], ".2f"),
    )
