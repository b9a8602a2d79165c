"""StatusBar: which calls the Explorer shows, as one sentence, and what to know about them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import ipywidgets as ui

from ...charts.finish import coverage_note
from ...errors import EtelecomError
from ...fetch_report import FetchReport
from ...language import mark, tr
from ...metrics import Selection
from ..menu import Menu
from ..panel import make_button
from ..panel_state import PanelState
from ..status import Facts, StatusLine
from .periods import dated_query, day_queries
from .source import CallSource

__all__ = ["StatusBar", "missing_text", "status_sentence"]

_READING, _UNREAD = "etelecom-reading", "etelecom-unread"
"""The classes of a panel whose calls are being read, and were not read yet."""
_VISIBLE = (
    mark("warning", context="fact"),
    mark("fetched", context="fact"),
    mark("internal calls", context="fact"),
)
"""The labels of facts that are always visible."""


class StatusBar(ui.Box):  # type: ignore[misc]
    """The sentence, a button that shows all directions, the other facts, and warnings below.

    Attributes:
        missing: what was not fetched of the days that are shown; "" if all was.
    """

    def __init__(
        self,
        source: CallSource,
        facts: Facts,
        on_all_directions: Callable[[], object],
    ) -> None:
        self._source, self._facts, self.missing = source, facts, ""
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

    def use(self, source: CallSource) -> None:
        """Show calls of another source from now on."""
        self._source = source

    def show_outline(self, panel: ui.DOMWidget, text: str) -> None:
        """Show an empty panel, and as `text` which calls will be read."""
        for name in (_UNREAD, _READING):
            panel.add_class(name)
        self._all_directions.layout.display = "none"
        self._sentence.show(text)

    @contextmanager
    def reading(self, panel: ui.DOMWidget, text: str) -> Iterator[None]:
        """Show which calls are read, and dim the others, while the block runs."""
        before = self._sentence.text
        self._sentence.show(text)
        panel.add_class(_READING)
        try:
            yield
            panel.remove_class(_UNREAD)
        except EtelecomError:
            self._sentence.show("" if before == text else before)  # nothing before the first read
            raise
        finally:
            panel.remove_class(_READING)

    def show(
        self,
        state: PanelState,
        calls: Selection,
        filters: Sequence[str],
        facts: Iterable[tuple[str, str]],
    ) -> None:
        """Show which calls these are: those of a state.

        `filters` are the texts of all filters but the dates. Warnings among the facts are visible.
        """
        source, query = self._source, dated_query(state)
        dates = source.dates_text(query)
        coverages = [source.coverage(each) for each in day_queries(state) or [query]]
        self.missing = missing_text(coverages, query.time_zone)
        sentence = status_sentence(
            [*filters, *([dates] if dates else [])],
            count=calls.height,
            total=source.total,
            coverages=coverages,
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
    coverages: Sequence[FetchReport | None],
    time_zone: str,
) -> str:
    """Which calls are shown, how many of all, and whether they are complete.

    Nothing is said about completeness where it is unknown what was fetched (a None).

    Args:
        filters: the filters as texts; none for all calls.
        count: the number of calls.
        total: the number of calls without filters.
        coverages: the fetch report of each span of days; several where the days have gaps.
        time_zone: the time zone of texts.

    Examples:
        >>> from etelecom_analytics.widgets.explorer.status_bar import status_sentence
        >>> report = et.sample_logs().report
        >>> status_sentence(
        ...     ["Inbound", "weekday 1"],
        ...     count=59, total=400, coverages=[report], time_zone="Asia/Ho_Chi_Minh",
        ... )
        'Inbound, weekday 1: 59 of 400 calls. Complete.'
    """
    subject = ", ".join(filters) or tr("all calls")
    subject = subject[:1].upper() + subject[1:]
    texts = [tr("{filters}: {n} of {total} calls.", filters=subject, n=count, total=total)]
    if text := missing_text(coverages, time_zone):
        texts.append(text)
    elif None not in coverages:
        texts.append(tr("Complete."))
    is_fetched = any(coverage_note(each, time_zone).is_fetched for each in coverages)
    if count == 0 < total and is_fetched:
        texts.append(tr("No call matches: remove a filter, or press Reset."))
    return " ".join(texts)


def missing_text(coverages: Sequence[FetchReport | None], time_zone: str) -> str:
    """What was not fetched; "" if all was, or if it is unknown.

    Args:
        coverages: the fetch report of each span of days; None where it is unknown.
        time_zone: the time zone of texts.
    """
    notes = [coverage_note(each, time_zone) for each in coverages]
    if not all(note.text for note in notes) or all(note.is_complete for note in notes):
        return ""
    if len(notes) == 1:
        return notes[0].text
    if any(note.is_fetched for note in notes):
        return tr("These days were not fetched completely, so their counts are too low.")
    return tr("Not fetched.")
