"""Run the cells of a notebook in IPython, in this process: `run_notebook` starts it.

It reads one JSON object from standard input. To standard output it writes a line after each cell,
and a line with the outputs, or the error of the cell that failed, at the end.
"""

import asyncio
import base64
import gc
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from numbers import Integral, Real
from typing import IO, Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

from ..language import speaking

__all__ = ["Outputs", "Runner", "main"]

_GC_THRESHOLD = 50_000
"""At the default of 700, a sixth of the time goes into looking for garbage among the hundreds of
thousands of objects of charts and of the packages that draw them, which stay."""


class Outputs:
    """The outputs of the cells, in the format of notebooks.

    Attributes:
        by_cell: lists of outputs by number of the cell.
    """

    def __init__(self) -> None:
        self.by_cell: dict[int, list[dict[str, Any]]] = {}
        self._current: list[dict[str, Any]] = []
        self._by_display_id: dict[str, list[dict[str, Any]]] = {}
        self._clear_at_next = False

    def begin_cell(self, number: int) -> None:
        """Collect the outputs of this cell from now on."""
        self._current = self.by_cell[number] = []
        self._clear_at_next = False

    def add_text(self, stream: str, text: str) -> None:
        """Add text of stdout or stderr; texts of one stream without a result between are joined."""
        self._clear_if_due()
        for output in reversed(self._current):
            if output["output_type"] != "stream":
                break
            if output["name"] == stream:
                output["text"] += text
                return
        if text:
            self._current.append({"output_type": "stream", "name": stream, "text": text})

    def add_data(self, kind: str, data: Mapping[str, Any], display_id: str | None = None) -> None:
        """Add a result or a display."""
        self._clear_if_due()
        output = {"output_type": kind, "data": dict(data)}
        self._current.append(output)
        if display_id is not None:
            self._by_display_id.setdefault(display_id, []).append(output)

    def update(self, data: Mapping[str, Any], display_id: str | None) -> None:
        """Replace the data of all displays of this id, also of earlier cells."""
        for output in self._by_display_id.get(display_id or "", []):
            output["data"] = dict(data)

    def clear(self, *, wait: bool) -> None:
        """Remove the outputs of the current cell, now or when it writes the next one."""
        self._clear_at_next = wait
        if not wait:
            self._current.clear()

    def _clear_if_due(self) -> None:
        if self._clear_at_next:
            self.clear(wait=False)


class _Stream(io.TextIOBase):
    """stdout or stderr of the cells."""

    encoding = "utf-8"

    def __init__(self, outputs: Outputs, name: str) -> None:
        self._outputs, self._name = outputs, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.add_text(self._name, text)
        return len(text)


class _Publisher(DisplayPublisher):
    """Receives what `display` shows."""

    outputs: Outputs

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: object = None,
        source: object = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        display_id = (transient or {}).get("display_id")
        if update:
            self.outputs.update(data, display_id)
        else:
            self.outputs.add_data("display_data", data, display_id)

    def clear_output(self, wait: bool = False) -> None:  # IPython's own
        self.outputs.clear(wait=wait)


class _Hook(DisplayHook):
    """Receives the value of the last expression of a cell."""

    outputs: Outputs

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Mapping[str, Any], md_dict: object = None) -> None:
        self.outputs.add_data("execute_result", format_dict)

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Shell(InteractiveShell):
    """IPython without a terminal and without a kernel."""

    def enable_gui(self, gui: object = None) -> None:
        """Do nothing: there is no window, and %matplotlib inline needs none."""

    def showtraceback(self, *_: object, **__: object) -> None:
        """Do nothing: the error is in the result of the cell."""

    def showsyntaxerror(self, *_: object, **__: object) -> None:
        """Do nothing: the error is in the result of the cell."""

    def ask_exit(self) -> None:
        """End the notebook, when a cell calls `exit`."""
        raise SystemExit


class Runner:
    """Runs cells one after another in the same namespace."""

    def __init__(self) -> None:
        self.outputs = Outputs()
        config = Config()
        config.HistoryManager.enabled = False  # cells of reports are no history of a user
        self._shell = _Shell.instance(
            config=config, display_pub_class=_Publisher, displayhook_class=_Hook
        )
        _Publisher.outputs = _Hook.outputs = self.outputs
        sys.stdout, sys.stderr = _Stream(self.outputs, "stdout"), _Stream(self.outputs, "stderr")

    def set(self, values: Mapping[str, Any]) -> None:
        """Set variables of the cells."""
        self._shell.user_ns.update(values)

    async def run_cell(self, number: int, source: str) -> BaseException | None:
        """The error of a cell after its run; None without one.

        A loop is running, as in a kernel, so that cells may use `await` and `create_task`.
        """
        self.outputs.begin_cell(number)
        invalid = None
        try:
            code = self._shell.transform_cell(source)  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001  # a transformation may raise anything; IPython shows it
            code, invalid = source, sys.exc_info()
        result: ExecutionResult = await self._shell.run_cell_async(
            source, store_history=True, transformed_cell=code, preprocessing_exc_tuple=invalid
        )
        self._shell.events.trigger("post_execute")
        self._shell.events.trigger("post_run_cell", result)
        error: BaseException | None = result.error_before_exec or result.error_in_exec
        return error


async def _run(request: Mapping[str, Any], answers: IO[str]) -> dict[str, Any]:
    """The answer to a request; also writes a line after each cell."""
    runner = Runner()
    cells: Iterable[tuple[int, str]] = request["cells"]
    for done, (number, source) in enumerate(cells, 1):
        error = await runner.run_cell(number, source)
        if isinstance(error, SystemExit) and error.code in (None, 0):
            break
        if error is not None:
            kind = type(error).__name__
            return {"error": {"cell": number, "kind": kind, "message": str(error)}}
        if number == request["parameters_cell"]:
            runner.set(request["parameters"])
        print(json.dumps({"done": done}), file=answers, flush=True)
    return {"error": None, "outputs": runner.outputs.by_cell}


def _json_value(value: object) -> object:
    """Values of outputs that are no JSON, as Jupyter converts them."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case date():  # and datetime
            return value.isoformat()
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case set() | frozenset():
            return sorted(value, key=str)
    return str(value)


def main() -> None:
    """Run the notebook of a request on standard input."""
    request = json.load(sys.stdin)
    # What cells write to the descriptor of standard output must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    with open(os.devnull, "r+b") as null:  # noqa: PTH123  # a device
        for descriptor in (0, 1):
            os.dup2(null.fileno(), descriptor)
    # As a kernel does: figures become outputs of their cell.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    sys.argv = [""]
    gc.set_threshold(_GC_THRESHOLD)
    try:
        with speaking(request["language"]):
            answer = asyncio.run(_run(request, answers))
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    print(json.dumps(answer, default=_json_value), file=answers, flush=True)


if __name__ == "__main__":
    main()
