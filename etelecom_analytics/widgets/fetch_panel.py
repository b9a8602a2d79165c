"""FetchPanel: controls, and a button that fetches the calls of their query."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime

import ipywidgets as ui

from .. import local_time
from ..errors import InputError
from ..language import tr
from ..logs import CallLogs, Fetch, Progress
from ..phone_numbers import describe
from ..query import CallQuery
from ..query_text import readable_text
from ..readable_dates import CLOCK_MINUTE, long_date
from ..site import Site, checked_site
from .background_task import BackgroundTask, Stop
from .closing import close_children
from .controls import Controls, api_fields
from .fetch_failure import can_resume, failure_status, failure_text, partial_of
from .fetch_outcome import Remedy, fetched_share, outcome_text, remedies
from .own_language import builds_in_language, in_own_language
from .panel import BUTTON, Observers, Panel, make_button
from .progress_bar import ProgressBar
from .site_facts import number_facts, site_facts
from .status import Facts, StatusLine, callback_error_text

__all__ = ["FetchPanel"]


class FetchPanel(Panel):
    """Controls, and a button that fetches the calls of their query in the background.

    `panel.result` is the result of the last successful fetch. The status states how many calls it
    has and what is missing; without calls, why that may be, with buttons that change the filters.
    After an error or Cancel, Apply fetches the rest of the same query. One line names the numbers
    of its calls that look like an IVR or a queue, unless the site's settings have them.

    Args:
        fetch: a function `fetch(query, on_progress, stop)` that returns CallLogs, such as
            `et.fetcher(client)`, or with the hotline of each call
            `et.fetcher(client, label_hotlines=True)`.
        query: the first query; the last 7 days by default. Nothing is fetched before Apply is
            pressed.
        time_zone: the time zone of days; by default that of the site file.
        as_of: the moment whose day is "today"; now by default.
        site: the settings of your organisation; by default the site file, as `Site.load` finds it.
        language: the language of texts, "en" or "vi"; by default that of the site file.

    Raises:
        InputError: `fetch` is no function, or the query has another time zone.

    Examples:
        >>> server = et.simulator.serve(et.sample_logs().calls)
        >>> client = et.Client(server.base_url, server.api_key)
        >>> panel = et.FetchPanel(fetch=et.fetcher(client), as_of="2026-11-08")
        >>> panel.apply()
        >>> panel.wait()
        True
        >>> panel.result.calls.height
        400
        >>> server.close()
    """

    _fetching: BackgroundTask[int, datetime | None] | None = None

    @builds_in_language
    def __init__(
        self,
        *,
        fetch: Fetch,
        query: CallQuery | None = None,
        time_zone: str | None = None,
        as_of: date | datetime | str | None = None,
        site: Site | None = None,
        language: str | None = None,
    ) -> None:
        self._site = site = checked_site(site)
        time_zone = site.time_zone if time_zone is None else time_zone
        if not callable(fetch):
            raise InputError(
                "fetch is a function that returns CallLogs, such as et.fetcher(client); "
                f"got {describe(fetch)}."
            )
        self._arguments = {
            "fetch": fetch,
            "query": query,
            "time_zone": time_zone,
            "as_of": as_of,
            "site": site,
            "language": language,
        }
        zone = local_time.zone(time_zone)
        day = None if as_of is None else local_time.parse_moment(as_of, time_zone, "as_of").date()
        self._today: Callable[[], date] = lambda: day or datetime.now(zone).date()
        controls = Controls(api_fields(), time_zone=time_zone, today=self._today)
        self._fetch = fetch
        self._result: CallLogs | None = None
        self._result_query: CallQuery | None = None
        self._fetched_query: CallQuery | None = None
        self._partial: CallLogs | None = None
        self._number_facts: tuple[tuple[str, str], ...] = ()
        self._status, self._error = tr("nothing fetched yet; press Apply"), ""
        self._result_observers: Observers[CallLogs] = Observers()
        self._apply = ui.Button(
            description=tr("Apply"),
            tooltip=tr("Fetch the calls of this query"),
            button_style="primary",
            layout=BUTTON,
        )
        self._cancel = ui.Button(
            description=tr("Cancel"),
            tooltip=tr("Stop the fetch and keep the result"),
            layout=BUTTON,
        )
        self._progress_bar, self._remedies = (
            ProgressBar(tr("Progress of the fetch")),
            ui.HBox(layout={"flex_flow": "wrap"}),
        )
        self._fetch_error, self._result_view = StatusLine(), Facts()
        super().__init__(controls, controls.state_of(query, default="last 7 days"), debounce_s=0)
        self._apply.on_click(lambda _: self.apply())
        self._cancel.on_click(lambda _: self.cancel())
        self._arrange(
            [self._apply, self._cancel, self._reset, self._copy],
            self._progress_bar,
            self._facts_table,
            self._remedies,
            self._fetch_error,
            self._result_view,
        )
        self._show()

    @property
    def result(self) -> CallLogs | None:
        """The result of the last successful fetch; None before the first."""
        with self._lock:
            self._deliver()
            return self._result

    @property
    def fetching(self) -> bool:
        """Whether a fetch is running."""
        with self._lock:
            self._deliver()
            return self._fetching is not None

    @in_own_language
    def apply(self) -> None:
        """Fetch the calls of the query in a thread.

        Does nothing while a fetch is running or the controls are not valid.
        """
        with self._lock:
            self._deliver()
            self._update()
            if self._is_busy or self._controls.invalid:
                return
            self._status, self._error = tr("fetching"), ""
            self._fetched_query = self._state.query
            self._fetching = BackgroundTask(
                self._work(self._state.query),
                on_progress=self._progressed,
                on_end=self._ended,
                lock=self._lock,
            )
            self._show()
            self._fetching.start()

    @property
    def _is_busy(self) -> bool:
        """Whether something runs that a fetch would disturb."""
        return self._fetching is not None

    def _work(self, query: CallQuery) -> Callable[[Progress, Stop], CallLogs]:
        """The fetch of this query, or of what is missing of it."""
        received, fetch = self._partial, self._fetch
        if received is not None and received.query == query:
            return lambda on_progress, stop: fetch(query, on_progress, stop, resume=received)
        return lambda on_progress, stop: fetch(query, on_progress, stop)

    @in_own_language
    def cancel(self) -> None:
        """Stop the running fetch; the result does not change."""
        with self._lock:
            self._deliver()
            if self._fetching:
                self._fetching.stop()
                self._status = tr("stopping")
                self._show()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether no fetch is running after at most this time; None waits for its end."""
        with self._lock:  # an end that is being handled is complete afterwards
            fetching = self._fetching
        return fetching is None or fetching.wait(timeout_s)

    def observe_result(self, callback: Callable[[CallLogs], object]) -> Callable[[], None]:
        """Call `callback` with each new result; returns a function that removes it."""
        return self._result_observers.add(callback)

    def close(self) -> None:
        """Stop the running fetch, and remove the panel from the page."""
        if self._fetching:
            self._fetching.stop()
        super().close()

    def _deliver(self) -> None:
        if fetching := self._fetching:
            fetching.deliver()

    @in_own_language
    def _progressed(self, rows: int, reached: datetime | None) -> None:
        with self._lock:
            if not self._fetching or self._fetching.is_stopping or not self._fetched_query:
                return
            query = self._fetched_query
            if reached is None:
                self._status = tr("fetching: {n} calls so far", n=rows)
            else:
                local = reached.astimezone(local_time.zone(query.time_zone))
                self._status = tr(
                    "fetching: {n} calls so far, back to {moment}",
                    n=rows,
                    moment=long_date(local, CLOCK_MINUTE),
                )
            self._progress_bar.show(fetched_share(query, reached, datetime.now(UTC)))
            self._show()

    @in_own_language
    def _ended(self, outcome: object) -> None:
        with self._lock:
            if not (fetching := self._fetching):
                return
            self._fetching, self._result_query, self._partial = None, None, None
            if isinstance(outcome, CallLogs) and not fetching.is_stopping:
                self._receive(outcome)
            else:
                self._partial = partial_of(outcome) if can_resume(self._fetch) else None
                self._status = failure_status(
                    is_stopped=fetching.is_stopping,
                    has_result=self._result is not None,
                    partial=self._partial,
                )
                self._error = "" if fetching.is_stopping else failure_text(outcome)
            self._show()
        if outcome is self._result and isinstance(outcome, CallLogs):
            try:
                self._result_observers.notify(outcome)
            # No caller can catch the error of an observer, so the panel shows it.
            except Exception as error:  # noqa: BLE001
                self._error = callback_error_text(error)
                self._show()

    def _receive(self, logs: CallLogs) -> None:
        """Take the result of a fetch."""
        self._result, self._result_query = logs, self._fetched_query
        self._status = outcome_text(logs)
        if not logs.calls.is_empty() and (next_step := self._next_step()):
            self._status += f" {next_step}"
        self._number_facts = (*number_facts(logs.calls, self._site.options()),)
        self._result_view.show_object(logs)
        close_children(self._remedies)
        self._remedies.children = [
            self._remedy_button(remedy)
            for remedy in remedies(logs, self._state.to_dict(), self._today())
        ]

    def _remedy_button(self, remedy: Remedy) -> ui.Button:
        return make_button(remedy.label, remedy.tooltip, lambda: self._try(remedy.state))

    def _next_step(self) -> str:
        """What to do with a result."""
        return tr("They are in its attribute result: explore them with et.Explorer(panel.result).")

    @in_own_language
    def _try(self, state: Mapping[str, object]) -> None:
        """Fetch with other filters."""
        self.restore(state)
        self.apply()

    def _code_query(self) -> CallQuery:
        """The query that the code fetches."""
        return self._state.query

    def _code(self) -> str:
        labels = ", label_hotlines=True" if getattr(self._fetch, "label_hotlines", False) else ""
        client = getattr(self._fetch, "client_code", "")
        code = self._code_query().code() + (f"{client}\n" if client else "")
        return f"{code}logs = et.fetch_calls(client, query{labels})\n"

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield from self._panel_facts()
        if self._error:
            yield tr("error", context="fact"), self._error
        if self._result is not None:
            count, query = self._result.calls.height, readable_text(self._result.query)
            yield tr("result", context="fact"), tr("{n} calls: {query}", n=count, query=query)

    def _panel_facts(self) -> Iterable[tuple[str, str]]:
        yield from super()._facts()
        yield from site_facts(self._site)
        yield tr("status", context="fact"), self._status
        yield from self._number_facts

    def _show(self) -> None:
        super()._show()
        self._apply.disabled = (
            self._is_busy or self._controls.invalid or self._state.query == self._result_query
        )
        self._cancel.disabled = not self._fetching or self._fetching.is_stopping
        if not self._fetching:
            self._progress_bar.hide()
        for button in self._remedies.children:
            button.disabled = self._is_busy
        self._remedies.layout.display = None if self._result_query else "none"
        self._facts_table.show(self._panel_facts())
        self._fetch_error.show(self._error)
