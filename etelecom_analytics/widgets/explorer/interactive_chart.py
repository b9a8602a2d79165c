"""InteractiveChart: a chart with groups that can be selected, and what it is drawn of."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from ...fetch_report import FetchReport
from ...metrics import Selection
from .chart_groups import Group

__all__ = ["ChartCalls", "ChartGroup", "InteractiveChart", "PreviousCalls", "TimeSpan"]


class TimeSpan(NamedTuple):
    """A day, week or month on a time axis.

    Attributes:
        begin: where it begins on the axis, in milliseconds; `middle` and `end` too.
    """

    begin: int
    middle: int
    end: int


class ChartGroup(NamedTuple):
    """A group of a chart that can be selected.

    Attributes:
        label: its label on the chart.
        group: its dimensions and values.
        mark_id: what identifies its marks.
        text: its value, and what that is over.
    """

    label: str
    group: Group
    mark_id: object
    text: str


class PreviousCalls(NamedTuple):
    """The calls of the previous period.

    Attributes:
        calls: the calls.
        coverage: the fetch report of its days, which were fetched completely.
        first: its first day.
        last: its last day.
        days: how many days later the next period begins.
    """

    calls: Selection
    coverage: FetchReport | None
    first: date
    last: date
    days: int


class ChartCalls(NamedTuple):
    """What a chart is drawn of.

    Attributes:
        calls: its calls.
        coverage: which of their days were fetched.
        previous: the calls of the previous period, if there is one.
    """

    calls: Selection
    coverage: FetchReport | None
    previous: PreviousCalls | None = None


@dataclass(frozen=True, kw_only=True)
class InteractiveChart:
    """A chart whose groups can be clicked or brushed.

    Attributes:
        spec: the Vega-Lite specification.
        fields: the fields of a mark that a click reports.
        groups: the group of each mark by these fields.
        spans: the groups on a time axis, which can be brushed.
    """

    spec: dict[str, Any]
    fields: tuple[str, ...] = ()
    groups: Mapping[tuple[object, ...], ChartGroup] = field(default_factory=dict)
    spans: tuple[TimeSpan, ...] = ()

    @property
    def edges(self) -> tuple[int, int] | None:
        """Where the axis of spans begins and ends; None for other charts."""
        return (self.spans[0].begin, self.spans[-1].end) if self.spans else None

    def covered(self, begin: float, end: float) -> list[ChartGroup]:
        """The groups of a brush: those whose middle it covers, or the one that contains it."""
        covered = [span for span in self.spans if begin <= span.middle <= end]
        covered = covered or [
            span for span in self.spans if span.begin <= (begin + end) / 2 < span.end
        ]
        by_position = {each.mark_id: each for each in self.groups.values()}
        return [by_position[span.middle] for span in covered]

    def span_of(self, chosen: Collection[object]) -> tuple[int, int] | None:
        """Where chosen groups begin and end on a time axis, by identity; None if they have gaps."""
        places = [at for at, span in enumerate(self.spans) if span.middle in chosen]
        if not places or places[-1] - places[0] >= len(places):
            return None
        return self.spans[places[0]].begin, self.spans[places[-1]].end
