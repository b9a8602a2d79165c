"""Panels whose cell runs again: they are no longer on the page, so they are closed.

ipywidgets keeps each widget until it is closed, and IPython keeps the results of cells in `Out`.
Without this, each run of a cell with a panel would keep one more panel and its calls.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import CellType, FrameType, MethodType
from typing import Any
from weakref import WeakKeyDictionary, ref

import ipywidgets as ui
from IPython.core.getipython import get_ipython

__all__ = ["note_output"]

_CALLBACKS = (MethodType, CellType, partial, FrameType)
"""How a panel's own parts refer to it, and the functions that are running."""

_RUNS: WeakKeyDictionary[ui.Widget, dict[str, str]] = WeakKeyDictionary()
"""The cells that show each panel, and the run of the cell in which it was shown last."""


def note_output(panel: ui.Widget) -> None:
    """Close this panel after another run of the cell that shows it now, if nobody keeps the panel.

    A panel is kept if a variable, a list or another object refers to it, or another cell shows it.
    Front ends that do not name their cells, such as Voila, run each cell once.
    """
    shell: Any = get_ipython()
    request = _request_of(shell)
    if cell := request.get("metadata", {}).get("cellId"):
        if _close_replaced not in shell.events.callbacks["post_run_cell"]:
            shell.events.register("post_run_cell", _close_replaced)
        _RUNS.setdefault(panel, {})[cell] = request["header"]["msg_id"]


def _request_of(shell: Any) -> Mapping[str, Any]:
    """The message of the front end that is being handled; empty without a kernel."""
    return shell.get_parent() or {} if hasattr(shell, "get_parent") else {}


def _close_replaced(_: object) -> None:
    """Close the panels of earlier runs of this cell, and those of deleted cells."""
    shell = get_ipython()
    request = _request_of(shell)
    metadata = request.get("metadata", {})
    cell, deleted = metadata.get("cellId"), metadata.get("deletedCells") or ()
    # References would keep the panels. The newest first: a ChartView refers to an earlier panel.
    panels: Sequence[Callable[[], Any]] = [ref(panel) for panel in _RUNS][::-1]
    is_any_gone = False
    for panel in panels:
        for name, run in tuple(_RUNS[panel()].items()):
            if name in deleted or (name == cell and run != request["header"]["msg_id"]):
                del _RUNS[panel()][name]
                is_any_gone = True
    for panel in panels if is_any_gone else ():
        if panel() and not _RUNS[panel()] and not _is_kept(panel, shell):
            _release(panel, shell)


def _is_kept(panel: Callable[[], Any], shell: Any) -> bool:
    """Whether anything but IPython, ipywidgets and the panel's own callbacks refers to it."""
    own_names = [name for name, value in shell.user_ns.items() if value is panel()]
    if any(not name.startswith("_") for name in own_names):
        return True
    known = [shell.displayhook, vars(shell.displayhook), shell.history_manager.output_hist]
    known += shell.all_ns_refs
    return not all(
        isinstance(referrer, _CALLBACKS)
        or any(referrer is each for each in known)
        or (isinstance(referrer, dict) and referrer.get(panel().model_id) is panel())
        for referrer in gc.get_referrers(panel())
    )


def _release(panel: Callable[[], Any], shell: Any) -> None:
    """Close the panel, forget the results of cells that refer to it, and return its memory."""
    panel().close()
    for name in [name for name, value in shell.user_ns.items() if value is panel()]:
        if name in shell.user_ns:  # deleting one deletes all
            shell.del_var(name)
    gc.collect()  # at once, so that it keeps no other panel that is checked next
