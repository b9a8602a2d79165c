"""The tables of the sheets: calls with the facts that Summary adds up, and groups of calls."""

from collections.abc import Sequence

import polars as pl

from ..language import mark, tr
from ..locale.display import Display
from ..locale.terms import value_names
from ..metrics import MetricOptions, inward, missed_ledger, summarize, summarize_fetched
from ..metrics.call_facts import COUNT_FACTS, call_facts
from ..metrics.internal_calls import without_second_logs
from ..metrics.registry import MEASURES, Mean, Measure, Quantile, Ratio, Total
from ..phone_numbers import masked_digits
from .cells import Kind, SheetColumn, kind_of_unit
from .content import WorkbookContent

__all__ = [
    "AGENT_MEASURES",
    "GROUP_MEASURES",
    "agent_table",
    "call_table",
    "callback_table",
    "columns_of_table",
    "facts_of",
    "hour_table",
    "queue_table",
    "day_table",
]

GROUP_MEASURES = (
    *("offered", "answered", "missed", "abandoned", "answer_rate", "service_level"),
    *("asa_s", "wait_p90_s"),
)
"""The measures of days, hours and queues."""

AGENT_MEASURES = (
    *("offers", "answered_offers", "rna", "offer_answer_rate", "fair_answer_rate"),
    *("ring_avg_s", "leg_talk_s"),
)
"""The measures of people."""

_WORD_COLUMNS = ("direction", "call_state")
_FIRST_COLUMNS = ("started_at", "direction", "caller", "callee", "call_state", "duration")
_TITLES = {
    "id": mark("Call id"),
    "hour": mark("Hour from"),
    "target_number": mark("Number"),
    "user": mark("Name"),
    "age_s": mark("Age, h:mm:ss"),
    "fetched_hours": mark("Fetched hours"),
    "answered_wait_s": mark("Wait if answered"),
    "abandoned_wait_s": mark("Wait if abandoned"),
}

_DERIVED_TITLES = (
    mark("Abandoned not short"),
    mark("Attempts"),
    mark("Call state"),
    mark("Call status"),
    mark("Callee"),
    mark("Caller"),
    mark("Contact id"),
    mark("Created at"),
    mark("Day"),
    mark("Department id"),
    mark("Direction"),
    mark("Duration"),
    mark("Ended at"),
    mark("Extension id"),
    mark("Extension number"),
    mark("External id"),
    mark("External session id"),
    mark("Hotline"),
    mark("Hotline id"),
    mark("Level counted"),
    mark("Level met"),
    mark("Missed again"),
    mark("Note"),
    mark("Offered not short"),
    mark("Queue"),
    mark("Recorded"),
    mark("Started at"),
    mark("Transferred"),
    mark("Updated at"),
    mark("User id"),
)
"""Titles that `_title` makes from the names of other columns."""


def facts_of(measure: Measure) -> tuple[str, ...]:
    """The facts of calls that a measure aggregates; of a share, numerator and denominator."""
    match measure.aggregation:
        case Ratio(numerator, denominator):
            return (numerator, denominator)
        case Total(fact) | Mean(fact) | Quantile(fact, _):
            return (fact,)


def call_table(content: WorkbookContent, facts: Sequence[str]) -> pl.DataFrame:
    """The calls as they are shown, with these facts of the calls that Summary counts.

    A fact is null for other calls, and for the second log of an internal call. Flags are 1 and 0.
    """
    calls = content.calls.with_row_index("call_row")
    counted = without_second_logs(calls.lazy()).filter(content.is_counted)
    # `call_facts` passes ids through, so they carry the row number: ids may be repeated.
    rows = (
        call_facts(
            counted.with_columns(id=pl.struct("id", "call_row")), options=content.display.options
        )
        .unnest("id")
        .select("call_row", *(_cell_of(fact).alias(f"fact_{fact}") for fact in facts))
        .collect()
    )
    shown = content.display.anonymized(content.calls)
    flat = shown.select(
        *_FIRST_COLUMNS,
        *(
            name
            for name, dtype in shown.schema.items()
            if name not in _FIRST_COLUMNS and not isinstance(dtype, pl.List | pl.Struct)
        ),
    )
    flat = flat.with_columns(_words(name) for name in _WORD_COLUMNS)
    return (
        flat.with_row_index("call_row")
        .join(rows, on="call_row", how="left", maintain_order="left")
        .drop("call_row")
    )


def day_table(content: WorkbookContent) -> pl.DataFrame:
    """One row per local day, also for days without calls that were fetched."""
    return _by_start(content, "day")


def hour_table(content: WorkbookContent) -> pl.DataFrame:
    """One row per hour of the day."""
    return _by_start(content, "hour")


def queue_table(content: WorkbookContent) -> pl.DataFrame:
    """One row per queue, the first of each call."""
    table = summarize(content.counted, "queue", GROUP_MEASURES, options=content.display.options)
    return table.filter(pl.col("queue").is_not_null())


def agent_table(content: WorkbookContent) -> pl.DataFrame:
    """One row per person who was offered inbound or internal calls."""
    by = ["target_number", *(["user"] if "user" in content.calls.columns else [])]
    table = summarize(inward(content.calls), by, AGENT_MEASURES, options=content.display.options)
    return _masked(table, content.display)


def callback_table(content: WorkbookContent) -> pl.DataFrame:
    """The missed calls of the workbook whose caller has not been called back or served since."""
    ledger = missed_ledger(content.history, options=content.display.options)
    return _masked(
        ledger.filter(pl.col("outcome") == "open")
        .join(content.calls.select("id"), on="id", how="semi", maintain_order="left")
        .select("caller", "callee", "started_at", "age_s", "attempts", "missed_again", "id"),
        content.display,
    )


def columns_of_table(table: pl.DataFrame) -> list[SheetColumn]:
    """The columns of a sheet for each column of a table."""
    return [
        SheetColumn(name=name, title=_title(name), kind=_kind(name, dtype))
        for name, dtype in table.schema.items()
    ]


def _by_start(content: WorkbookContent, dimension: str) -> pl.DataFrame:
    options: MetricOptions = content.display.options
    table = summarize_fetched(
        content.counted, dimension, GROUP_MEASURES, coverage=content.coverage, options=options
    )
    unknown = ["hours", *(["fetched_hours"] if content.coverage is None else [])]
    return table.drop(unknown)


def _words(name: str) -> pl.Expr:
    """The values of a column as words of the current language."""
    return pl.col(name).cast(pl.String).replace(value_names(name))


def _cell_of(fact: str) -> pl.Expr:
    """A fact as a number: seconds, a count, or 1 and 0."""
    if fact.endswith("_s") or fact in COUNT_FACTS:
        return pl.col(fact)
    return pl.col(fact).cast(pl.Int8)


def _masked(table: pl.DataFrame, display: Display) -> pl.DataFrame:
    """The table with external phone numbers masked, in names too, unless they are shown."""
    if display.show_numbers:
        return table
    names = [masked_digits(pl.col("user"))] if "user" in table.columns else []
    return display.masked(table).with_columns(names)


def _title(name: str) -> str:
    name = name.removeprefix("fact_")
    if name in _TITLES:
        return tr(_TITLES[name])
    if name in MEASURES:
        return tr(MEASURES[name].title)
    words = name.removesuffix("_s").replace("_", " ")
    title = f"{words[:1].upper()}{words[1:]}"
    return tr(title)


def _kind(name: str, dtype: pl.DataType) -> Kind:
    if name == "age_s":
        return "long_duration"
    if name in MEASURES:
        measure = MEASURES[name]
        return kind_of_unit(measure.unit, is_total=isinstance(measure.aggregation, Total))
    if name == "duration" or (name.startswith("fact_") and name.endswith("_s")):
        return "duration"
    if isinstance(dtype, pl.Datetime):
        return "moment"
    if isinstance(dtype, pl.Date):
        return "day"
    if dtype.is_integer():
        return "count"
    return "number" if dtype.is_float() else "text"
