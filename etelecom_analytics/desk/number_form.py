"""The numbers that the calls propose for the site file, as checkboxes with their evidence."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import ipywidgets as ui

from .. import storage
from ..errors import EtelecomError
from ..formatting import format_value
from ..language import keep_language, ntr, tr
from ..logs import CallLogs
from ..metrics.number_suggestions import missing_numbers
from ..phone_numbers import mask
from ..site import SITE_FILE, SITE_VARIABLE, Site, find_site_file
from ..site_template import hotline_shares, site_template
from ..widgets.closing import close_children
from ..widgets.panel import make_button
from ..widgets.status import StatusLine, error_text
from .paths import PathField, new_file

__all__ = ["NumberForm"]

_BOX = {"width": "auto", "margin": "0 12px 0 2px", "height": "24px"}
_ROW = {"flex_flow": "wrap", "align_items": "baseline", "overflow": "visible"}
_STYLE = {"description_width": "initial"}


class NumberForm(ui.VBox):  # type: ignore[misc]
    """Checkboxes of numbers, and a button that writes a site file with the checked ones.

    It is hidden while there is nothing to propose. `on_site` receives the settings of the file.
    """

    def __init__(self, on_site: Callable[[Site], object]) -> None:
        self._on_site = on_site
        self._logs: CallLogs | None = None
        self._boxes: dict[str, ui.Checkbox] = {}
        self._list = ui.VBox(layout={"overflow": "visible"})
        self._field = PathField(tr("Site file"), SITE_FILE)
        self._write = make_button(
            tr("Write site file"),
            tr("Write a new site file with the checked numbers"),
            keep_language(self._pressed),
        )
        later = make_button(tr("Not now"), tr("Hide this proposal"), self._hide)
        self._note, self._result = StatusLine(is_error=False), StatusLine(is_error=False)
        self._error_line = StatusLine()
        row = ui.HBox([self._field, self._write, later], layout={"flex_flow": "wrap"})
        self._proposal = ui.VBox([self._note, self._list, row], layout={"overflow": "visible"})
        super().__init__(
            [self._proposal, self._error_line, self._result],
            layout={"overflow": "visible", "margin": "0 0 8px 0"},
        )
        self.show(None, Site())

    def show(self, logs: CallLogs | None, site: Site) -> None:
        """Propose the numbers of these calls that the settings lack; nothing with a site file."""
        rows = [] if logs is None else _proposals(logs, site)
        self._logs = logs
        close_children(self._list)
        self._boxes = {
            number: ui.Checkbox(
                value=True, description=text, indent=False, style=_STYLE, layout=_BOX
            )
            for number, text, _ in rows
        }
        self._list.children = [
            ui.HBox([self._boxes[number], _evidence_line(evidence)], layout=_ROW)
            for number, _, evidence in rows
        ]
        self._note.show(
            tr(
                "Without these settings a call that a machine answered counts as answered by a "
                "person. Uncheck what is wrong:"
            )
        )
        self._proposal.layout.display = None if rows else "none"
        self._error_line.show("")
        self._result.show("")

    def _hide(self) -> None:
        self._proposal.layout.display = "none"
        self._error_line.show("")

    def _pressed(self) -> None:
        self._error_line.show("")
        if self._logs is None:
            return
        try:
            site = self._written(self._logs)
        # Any error, such as that of a full disk, is shown next to the button.
        except OSError as error:
            text = tr("The site file cannot be written: {reason}.", reason=storage.reason(error))
            self._error_line.show(text)
        except EtelecomError as error:
            self._error_line.show(error_text(error))
        else:
            self._hide()
            self._on_site(site)
            self._result.show(_written_text(site))

    def _written(self, logs: CallLogs) -> Site:
        """The settings of the new file."""
        path = new_file(self._field.path)
        numbers = [number for number, box in self._boxes.items() if box.value]
        text = site_template(logs.calls, time_zone=logs.query.time_zone, numbers=numbers)
        storage.write_file(path, text.encode())
        return Site.load(path)


def _evidence_line(text: str) -> StatusLine:
    line = StatusLine(is_error=False)
    line.show(text)
    return line


def _proposals(logs: CallLogs, site: Site) -> list[tuple[str, str, str]]:
    """Each number, what it is, and the evidence; none where the settings are the user's."""
    if site.file or _is_of_user(site):
        return []
    suggested = missing_numbers(logs.calls, site.options())
    if suggested.is_empty():
        return []
    return [
        *(
            (row["number"], _kind(mask(row["number"]), row["kind"]), _evidence(row))
            for row in suggested.iter_rows(named=True)
        ),
        *(
            (
                number,
                tr("{number} is a hotline, never masked", number=number),
                tr("dialled in {share} of inbound calls", share=format_value(share, "share")),
            )
            for number, share in hotline_shares(logs.calls)
        ),
    ]


def _is_of_user(site: Site) -> bool:
    """Whether the settings are more than the defaults, so that a file would replace them."""
    default = Site()
    return any(
        getattr(site, each.name) != getattr(default, each.name)
        for each in fields(Site)
        if each.compare and each.name not in ("language", "time_zone")
    )


def _kind(number: str, kind: str) -> str:
    if kind == "ivr":
        return tr("{number} is an IVR", number=number)
    return tr("{number} is a queue", number=number)


def _evidence(row: Mapping[str, Any]) -> str:
    return tr(
        "{calls}; {fast} of its legs were answered within 1 s, {followed} were followed by another",
        calls=ntr("{n} call", "{n} calls", row["calls"]),
        fast=format_value(row["share_within_1s"], "share"),
        followed=format_value(row["share_followed"], "share"),
    )


def _written_text(site: Site) -> str:
    """Where the settings are, and how others find them."""
    text = tr("Settings written to {path}; the Explorer uses them.", path=site.source)
    try:
        used = find_site_file()
    except EtelecomError:
        used = None
    if site.file and used and used.absolute() == site.file:
        return text
    other = tr(
        "Other panels and commands find them if {variable} is this path.", variable=SITE_VARIABLE
    )
    return f"{text} {other}"
