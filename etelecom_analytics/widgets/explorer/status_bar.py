"""StatusBar: which calls the Explorer shows, as one sentence, and what to know about them."""

from collections.abc import Callable, Iterable, Sequence

import ipywidgets as ui

from ...charts.finish import coverage_note
from ...fetch_report import FetchReport
from ...language import mark, tr
from ...metrics import Selection
from ...query import CallQuery
from ..menu import Menu
from ..panel import make_button
from ..status import Facts, StatusLine
from .source import CallSource

__all__ = ["StatusBar", "status_sentence"]

_VISIBLE = (mark("warning", context="fact"), mark("fetched", context="fact"))
"""The labels of facts that are always visible."""


class StatusBar(ui.Box):  # type: ignore[misc]
    """The sentence, a button that shows all directions, the other facts, and warnings below."""

    def __init__(
        self,
        source: CallSource,
        facts: Facts,
        on_all_directions: Callable[[], object],
    ) -> None:
        self._source, self._facts = source, facts
        self._sentence, self._warnings = StatusLine(is_error=False), StatusLine(is_error=False)
        self._all_directions = make_button(
            tr("Show all directions"), tr("Remove the filter on direction"), on_all_directions
        )
        self._all_directions.add_class("etelecom-link")
        about = Menu(tr("About these calls"), [facts])
        row = ui.Box([self._sentence, self._all_directions, about])
        row.add_class("etelecom-row")
        super().__init__([row, self._warnings])
        self.add_class("etelecom-status")

    def show(
        self,
        query: CallQuery,
        calls: Selection,
        filters: Sequence[str],
        facts: Iterable[tuple[str, str]],
    ) -> None:
        """Show which calls these are: those of the query and of other filters.

        `filters` are the texts of all filters but the dates. Warnings among the facts are visible.
        """
        source = self._source
        dates = source.dates_text(query)
        sentence = status_sentence(
            [*filters, *([dates] if dates else [])],
            count=calls.height,
            total=source.calls.height,
            coverage=source.coverage(query),
            time_zone=query.time_zone,
        )
        self._sentence.show(sentence)
        facts = list(facts)
        labels = [tr(label, context="fact") for label in _VISIBLE]
        self._warnings.show(" ".join(f"⚠ {text}" for label, text in facts if label in labels))
        self._facts.show(facts)
        is_hiding = query.direction is not None and source.has_directions
        self._all_directions.layout.display = None if is_hiding else "none"


def status_sentence(
    filters: Sequence[str],
    *,
    count: int,
    total: int,
    coverage: FetchReport | None,
    time_zone: str,
) -> str:
    """Which calls are shown, how many of all, and whether they are complete.

    Nothing is said about completeness where it is unknown what was fetched (`coverage` is None).

    Args:
        filters: the filters as texts; none for all calls.
        count: the number of calls.
        total: the number of calls without filters.
        coverage: the fetch report of the dates.
        time_zone: the time zone of texts.

    Examples:
        >>> from etelecom_analytics.widgets.explorer.status_bar import status_sentence
        >>> report = et.sample_logs().report
        >>> status_sentence(
        ...     ["Inbound", "weekday 1"],
        ...     count=59, total=400, coverage=report, time_zone="Asia/Ho_Chi_Minh",
        ... )
        'Inbound, weekday 1: 59 of 400 calls. Complete.'
    """
    subject = ", ".join(filters) or tr("all calls")
    subject = subject[:1].upper() + subject[1:]
    texts = [tr("{filters}: {n} of {total} calls.", filters=subject, n=count, total=total)]
    note = coverage_note(coverage, time_zone)
    if note.text:
        texts.append(tr("Complete.") if note.is_complete else note.text)
    if count == 0 < total and note.is_fetched:
        texts.append(tr("No call matches: remove a filter, or press Reset."))
    return " ".join(texts)
