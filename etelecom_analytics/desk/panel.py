"""Desk: fetch, explore, save and report in one panel."""

import time
from collections.abc import Mapping
from dataclasses import replace

import ipywidgets as ui

from ..codegen import literal
from ..errors import InputError, QueryError, UnknownName
from ..language import keep_language, mark, tr
from ..locale.display import Display
from ..logs import CallLogs
from ..phone_numbers import describe, printable
from ..query import CallQuery
from ..site import Site
from ..widgets.explorer import Explorer
from ..widgets.explorer.export import masked_code
from ..widgets.fetch_outcome import outcome_text
from ..widgets.fetch_panel import FetchPanel
from ..widgets.own_language import in_own_language
from ..widgets.site_facts import number_facts
from ..widgets.status import StatusLine, error_text
from .number_form import NumberForm
from .report_form import report_form
from .save_forms import archive_form, snapshot_form, snapshot_name
from .task_form import TaskForm

__all__ = ["Desk"]

_FETCH, _EXPLORE, _SAVE, _REPORT = "fetch", "explore", "save", "report"
_STEPS = {
    _FETCH: mark("1 Fetch"),
    _EXPLORE: mark("2 Explore"),
    _SAVE: mark("3 Save"),
    _REPORT: mark("4 Report"),
}
_BOX = {"overflow": "visible", "width": "100%", "min_width": "0"}


class Desk(FetchPanel):
    """Fetch calls, explore them, save them and write a report, without code.

    It is a `FetchPanel` with three more steps. After a fetch the Explorer of the result is shown.
    Save writes the result as a snapshot, or syncs an archive with the days of the query. Report
    writes an HTML report, one page or a workbook. Both run in the background. Without a site file,
    it proposes the IVR and queue numbers of the calls and writes the file. An error is a sentence
    in the panel, which stays usable.

    `desk.result` is the result of the last successful fetch, `desk.explorer` its Explorer, and
    `desk.code()` Python that does what was done.

    Args:
        fetch: a function `fetch(query, on_progress, stop)` that returns CallLogs, such as
            `et.fetcher(client)`. `et.fetcher()` reads the address and the key when it fetches, so a
            missing key is a sentence in the panel. Only `et.fetcher` can sync an archive.
        query: the first query; the last 7 days by default.
        time_zone: the time zone of days; by default that of the site file.
        as_of: the moment whose day is "today"; now by default.
        site: the settings of your organisation; by default the site file, as `Site.load` finds it.
        language: the language of texts, "en" or "vi"; by default that of the site file.

    Raises:
        InputError: `fetch` is no function, or the query has another time zone.

    Examples:
        >>> server = et.simulator.serve(et.sample_logs().calls)
        >>> client = et.Client(server.base_url, server.api_key)
        >>> desk = et.Desk(fetch=et.fetcher(client), as_of="2026-11-08")
        >>> desk.apply()
        >>> desk.wait()
        True
        >>> desk.result.calls.height, desk.explorer.filtered.height
        (400, 284)
        >>> server.close()
    """

    _explorer: Explorer | None = None
    _explorer_state: Mapping[str, object] | None = None
    _forms: tuple[TaskForm, ...] = ()

    @property
    def explorer(self) -> Explorer | None:
        """The Explorer of the result; None if there is no result, or it has no calls."""
        with self._lock:
            self._deliver()
            self._make_explorer()
            return self._explorer

    def state(self) -> dict[str, object]:
        """The filters, the step and the Explorer's state as JSON values, for `restore`."""
        state: dict[str, object] = {**super().state(), "step": self._step.value}
        explorer = self._explorer.state() if self._explorer else self._explorer_state
        return state if explorer is None else {**state, "explorer": dict(explorer)}

    @in_own_language
    def restore(self, state: Mapping[str, object]) -> None:
        """Set filters and step from a dictionary that `state` returned, like `Panel.restore`.

        The Explorer's state is set when there is a result.
        """
        if not isinstance(state, Mapping):
            raise QueryError(f"A state is a dictionary; got {describe(state)}.")
        values = dict(state)
        step, explorer = values.pop("step", _FETCH), values.pop("explorer", None)
        if not isinstance(step, str) or step not in _STEPS:
            raise UnknownName("step", printable(str(step)), _STEPS)
        if explorer is not None and not isinstance(explorer, Mapping):
            raise QueryError(
                f"The state of the Explorer is a dictionary; got {describe(explorer)}."
            )
        filters = self._controls.parse(values)
        if explorer is not None and self._explorer:
            self._explorer.restore(explorer)
        elif explorer is not None:
            self._explorer_state = dict(explorer)
        self._set_state(filters)
        self._step.value = step

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether nothing is running after at most this time; None waits for its end."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        if not super().wait(timeout_s):
            return False
        return all(
            form.wait(None if end is None else max(0.0, end - time.monotonic()))
            for form in self._forms
        )

    def close(self) -> None:
        """Stop what is running, and remove the panel from the page."""
        for form in self._forms:
            form.stop()
        super().close()

    def _arrange(self, *rows: object) -> None:
        """Place the rows of a FetchPanel in the first step, and make the others."""
        super()._arrange(*rows)
        *parts, keys = self.children
        self.layout.max_width = "1840px"
        self._step = ui.ToggleButtons(
            options=[(tr(label), name) for name, label in _STEPS.items()],
            style={"button_width": "auto"},
            layout={"margin": "0 12px 4px 0", "width": "auto"},
        )
        changed, lock = keep_language(self._show), self._lock
        snapshot, self._snapshot_field = snapshot_form(
            self._checked_result, lambda: self._site, on_change=changed, lock=lock
        )
        archive = archive_form(
            lambda: self._state.query,
            self._fetch,
            lambda: self._site,
            self._today,
            on_change=changed,
            lock=lock,
        )
        report = report_form(self._checked_result, lambda: self._site, on_change=changed, lock=lock)
        self._forms = (snapshot, archive, report)
        self._numbers = NumberForm(keep_language(self._use_site))
        self._explore_hint, self._explore_error = StatusLine(is_error=False), StatusLine()
        self._explore_box = ui.VBox([], layout=_BOX)
        self._boxes = {
            _FETCH: ui.VBox(parts, layout={**_BOX, "max_width": "1180px"}),
            _EXPLORE: ui.VBox(
                [self._numbers, self._explore_error, self._explore_box],
                layout=_BOX,
            ),
            _SAVE: ui.VBox([snapshot, archive], layout=_BOX),
            _REPORT: ui.VBox([report], layout=_BOX),
        }
        self._step.observe(keep_language(self._show_step), "value")
        row = {"flex_flow": "wrap", "align_items": "center", "margin": "0 0 4px 0"}
        # In one row with the steps, because the Explorer needs the height.
        top = ui.HBox([self._step, self._explore_hint], layout=row)
        self.children = [top, *self._boxes.values(), keys]
        self._show_step()

    @property
    def _is_busy(self) -> bool:
        return super()._is_busy or any(form.running for form in self._forms)

    def _checked_result(self) -> CallLogs:
        """The result, for saving and reports."""
        if self._result is None:
            raise InputError(tr("There are no calls yet: see 1 Fetch."))
        return self._result

    def _next_step(self) -> str:
        return tr("Explore, save or report them: see the steps above.")

    def _receive(self, logs: CallLogs) -> None:
        super()._receive(logs)
        for form in self._forms:
            form.codes.clear()
            form.clear()
        self._drop_explorer()
        self._snapshot_field.propose(snapshot_name(logs))
        self._numbers.show(logs, self._site)
        self._step.value = _FETCH if logs.calls.is_empty() else _EXPLORE
        self._show_step()

    def _drop_explorer(self) -> None:
        self._explore_box.children = ()
        if self._explorer:
            self._explorer.close()
        self._explorer = None

    def _show_step(self, _: object = None) -> None:
        """Show the parts of the chosen step only."""
        for name, box in self._boxes.items():
            box.layout.display = None if name == self._step.value else "none"
        if self._step.value != _EXPLORE:
            self._explore_hint.show("")
            self._copy.code = self._page_code()  # the Explorer may have other filters now
            return
        self._explore_hint.show(
            tr("There are no calls yet: see 1 Fetch.")
            if self._result is None
            else outcome_text(self._result)
        )
        self._make_explorer()

    @in_own_language
    def _make_explorer(self) -> None:
        """Make the Explorer of the result, if there is none yet; an error is shown."""
        if self._explorer or self._result is None or self._result.calls.is_empty():
            return
        state, self._explorer_state = self._explorer_state, None
        self._explore_error.show("")
        try:
            self._explorer = Explorer(self._result, site=self._site)
            self._explore_box.children = (self._explorer,)
            if state is not None:
                self._explorer.restore(state)
        # No caller can catch it, and the other steps still work.
        except Exception as error:  # noqa: BLE001
            self._explore_error.show(error_text(error))

    def _use_site(self, site: Site) -> None:
        """Take new settings, also for the Explorer."""
        if site.language != self._language:
            site = replace(site, language=self._language)
        with self._lock:
            self._site = site
            self._arguments = {**self._arguments, "site": site}
            if self._result is not None:
                self._number_facts = (*number_facts(self._result.calls, site.options()),)
            if self._explorer:
                self._explorer_state = self._explorer.state()
                self._drop_explorer()
            self._show_step()
            self._show()

    def _code_query(self) -> CallQuery:
        """That of the result: the rest of the code is about the result, whatever is chosen next."""
        return self._state.query if self._result is None else self._result.query

    def _page_code(self) -> str:
        code = self._code()
        if not self._explorer:
            return code
        site = self._site
        display = Display(options=site.options(), own_numbers=site.known_numbers)
        return masked_code(code, self._explorer.group_filters, display)

    def _code(self) -> str:
        code = super()._code()
        if self._explorer:
            code += f"explorer = et.Explorer(logs)\n{_restore_code(self._explorer.state())}"
        code += "".join(dict.fromkeys(text for form in self._forms for text in form.codes))
        return f"import tempfile\n\n{code}" if "tempfile." in code else code

    def _show(self) -> None:
        super()._show()
        for form in self._forms:
            form.block(self._is_busy and not form.running)


def _restore_code(state: Mapping[str, object]) -> str:
    """The statement that restores a state of the Explorer, one key per line."""
    lines = [f"        {literal(key)}: {literal(value)},\n" for key, value in state.items()]
    return f"explorer.restore(\n    {{\n{''.join(lines)}    }}\n)\n"
