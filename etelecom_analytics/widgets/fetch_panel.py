"""FetchPanel: controls, and a button that fetches what they ask."""

from collections.abc import Callable, Iterable
from datetime import date, datetime

import ipywidgets as ui

from .. import local_time
from ..logs import CallLogs, Fetch
from ..query import CallQuery
from .controls import Controls, api_fields
from .fetching import Fetching
from .panel import BUTTON, Observers, Panel
from .words import Facts, StatusLine, in_words

__all__ = ["FetchPanel"]


class FetchPanel(Panel):
    """Controls, and a button that fetches what they ask, while the notebook stays free.

    `panel.result` is what the last fetch brought, until the next one has brought something.

    Args:
        fetch: `fetch(query, on_progress, stop)` that gives CallLogs, such as `et.fetcher(client)`.
        query: what is chosen at first; the last 7 days by default. Nothing is fetched before Apply
            is pressed.
        time_zone: in which days are meant.
        as_of: the moment whose day is "today"; now, by default.

    Raises:
        InputError: `query` speaks of days in another zone.
    """

    _under_way: Fetching | None = None

    def __init__(
        self,
        *,
        fetch: Fetch,
        query: CallQuery | None = None,
        time_zone: str = local_time.HOME_ZONE,
        as_of: date | datetime | str | None = None,
    ) -> None:
        zone = local_time.zone(time_zone)
        fixed = None if as_of is None else local_time.parse_moment(as_of, time_zone, "as_of").date()
        controls = Controls(
            api_fields(), time_zone=time_zone, today=lambda: fixed or datetime.now(zone).date()
        )
        self._fetch = fetch
        self._result: CallLogs | None = None
        self._fetched: CallQuery | None = None
        self._status, self._error = "nothing is fetched yet: press Apply", ""
        self._result_observers: Observers[CallLogs] = Observers()
        self._apply = ui.Button(
            description="Apply",
            tooltip="Fetch what the controls ask",
            button_style="primary",
            layout=BUTTON,
        )
        self._cancel = ui.Button(
            description="Cancel", tooltip="End the fetch; the result stays", layout=BUTTON
        )
        self._failure, self._shown = StatusLine(), Facts()
        super().__init__(controls, controls.chosen_by(query, default="last 7 days"), debounce_s=0)
        self._apply.on_click(lambda _: self.apply())
        self._cancel.on_click(lambda _: self.cancel())
        self._stack(
            [self._apply, self._cancel, self._reset, self._copy],
            self._words,
            self._failure,
            self._shown,
        )
        self._show()

    @property
    def result(self) -> CallLogs | None:
        """What the last fetch that came to its end brought; None before."""
        with self._lock:
            self._deliver()
            return self._result

    @property
    def fetching(self) -> bool:
        """Whether a fetch is under way."""
        with self._lock:
            self._deliver()
            return self._under_way is not None

    def apply(self) -> None:
        """Fetch what the controls ask, in a thread of its own; nothing happens while a fetch is under way, or they ask what cannot be."""
        with self._lock:
            self._deliver()
            self._settle()
            if self._under_way or self._controls.wrong:
                return
            self._status, self._error = "fetching", ""
            self._under_way = Fetching(
                self._fetch,
                self._choice.query,
                show=self._progressed,
                end=self._ended,
                lock=self._lock,
            )
            self._show()
            self._under_way.start()

    def cancel(self) -> None:
        """Ask the fetch under way to end; the result stays what it was."""
        with self._lock:
            self._deliver()
            if self._under_way:
                self._under_way.stop()
                self._status = "stopping"
                self._show()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether no fetch is under way any more, after so many seconds at most; without a number, as long as it takes."""
        with self._lock:  # so that what ends just now has ended wholly
            under_way = self._under_way
        return under_way is None or under_way.wait(timeout_s)

    def observe_result(self, callback: Callable[[CallLogs], object]) -> Callable[[], None]:
        """A function that ends it: `callback` is called with what each fetch brings."""
        return self._result_observers.add(callback)

    def close(self) -> None:
        """End the fetch under way, and take the panel off the page."""
        if self._under_way:
            self._under_way.stop()
        super().close()

    def _deliver(self) -> None:
        if under_way := self._under_way:
            under_way.deliver()

    def _progressed(self, rows: int, reached: datetime | None) -> None:
        with self._lock:
            if self._under_way and not self._under_way.stopped:
                back = (
                    f", back to {reached.astimezone(local_time.zone(self._choice.query.time_zone)):%Y-%m-%d %H:%M}"
                    if reached
                    else ""
                )
                self._status = f"fetching: {rows:,} calls so far{back}"
                self._show()

    def _ended(self, outcome: object) -> None:
        with self._lock:
            if not (ended := self._under_way):
                return
            self._under_way, self._fetched = None, None
            kept = "; the result stays what it was" if self._result else ""
            if ended.stopped:
                self._status = f"cancelled{kept}"
            elif isinstance(outcome, CallLogs):
                self._result, self._fetched, self._status = outcome, ended.query, "done"
                self._shown.show(outcome)
            else:
                self._status = f"the fetch failed{kept}"
                self._error = (
                    in_words(outcome)
                    if isinstance(outcome, BaseException)
                    else f"fetch gave {type(outcome).__name__}, not CallLogs."
                )
            self._show()
        if outcome is self._result and isinstance(outcome, CallLogs):
            try:
                self._result_observers.tell(outcome)
            # a callback's: nobody is there to catch it, so it is said on the panel
            except Exception as error:  # noqa: BLE001
                self._error = f"A callback failed: {in_words(error)}"
                self._show()

    def _code(self) -> str:
        return f"{super()._code()}logs = et.fetch_calls(client, query)\n"

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield from super()._facts()
        yield "status", self._status
        if self._error:
            yield "error", self._error
        if self._result is not None:
            yield "result", f"{self._result.calls.height:,} calls: {self._result.query}"

    def _show(self) -> None:
        super()._show()
        self._apply.disabled = (
            bool(self._under_way) or self._controls.wrong or self._choice.query == self._fetched
        )
        self._cancel.disabled = not self._under_way or self._under_way.stopped
        self._words.tell([*super()._facts(), ("status", self._status)])
        self._failure.say(self._error)
