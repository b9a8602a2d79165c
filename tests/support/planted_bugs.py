"""Small mutations of the package, each a bug that a fetch could have had.

A mutation replaces one piece of the source of a module. Its functions get the changed code while a
`with` block runs, so all modules that use them see the bug.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .schedules import Schedule, random_schedule, undated_schedule

__all__ = ["BUGS", "Bug", "planted"]

_PACKAGE = "etelecom_analytics"


@dataclass(frozen=True)
class Bug:
    """A mutation.

    Attributes:
        module: the module below the package.
        old: the text to replace; it is in the source once.
        new: the text with the bug.
        needs: a word in the code of each schedule that can show the bug; the others are skipped.
        shown_by: the number of a random schedule that shows the bug, as a place to begin a search.
        schedule_of: the random schedules.
    """

    module: str
    old: str
    new: str
    needs: str = ""
    shown_by: int = 0
    schedule_of: Callable[[int], Schedule] = random_schedule

    def may_show_in(self, schedule: object) -> bool:
        """Whether a schedule can show the bug."""
        return self.needs in repr(schedule)


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The package with a bug.

    Raises:
        AssertionError: the source does not have the text once, or no function has changed.
    """
    module = importlib.import_module(f"{_PACKAGE}.{bug.module}")
    source = Path(inspect.getsourcefile(module) or "").read_text(encoding="utf-8")
    assert source.count(bug.old) == 1, f"{bug.module} has this text {source.count(bug.old)} times"
    changed = ModuleType(module.__name__)
    changed.__dict__.update(__package__=module.__package__, __file__=module.__file__)
    code = compile(source.replace(bug.old, bug.new), str(module.__file__), "exec")
    with _registered(changed):
        exec(code, changed.__dict__)  # noqa: S102
    pairs = [
        (function, other)
        for name, function in _functions(module)
        if (other := dict(_functions(changed)).get(name)) and _differs(function, other)
    ]
    constants = [
        (name, value)
        for name, value in vars(changed).items()
        if isinstance(value, int | float | str | bytes) and vars(module).get(name) != value
    ]
    assert pairs or constants, "the mutation changes nothing"
    before = [(function, function.__code__) for function, _ in pairs]
    values_before = [(name, getattr(module, name)) for name, _ in constants]
    for function, other in pairs:
        function.__code__ = other.__code__
    for name, value in constants:
        setattr(module, name, value)
    try:
        yield
    finally:
        for function, original in before:
            function.__code__ = original
        for name, value in values_before:
            setattr(module, name, value)


@contextmanager
def _registered(module: ModuleType) -> Iterator[None]:
    """Dataclasses look their module up while they are made."""
    original = sys.modules[module.__name__]
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.modules[module.__name__] = original


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """The functions and methods that a module defines, by their name in it."""
    for name, value in vars(module).items():
        if getattr(value, "__module__", "") != module.__name__:
            continue
        members: dict[str, Any] = dict(vars(value)) if inspect.isclass(value) else {"": value}
        for member_name, member in members.items():
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            function = inspect.unwrap(function) if callable(function) else function
            if isinstance(function, FunctionType):
                yield f"{name}.{member_name}", function


def _differs(function: FunctionType, other: FunctionType) -> bool:
    def key(code: Any) -> tuple[object, ...]:
        constants = tuple(
            key(each) if inspect.iscode(each) else repr(each) for each in code.co_consts
        )
        return code.co_code, code.co_names, code.co_varnames, constants

    return key(function.__code__) != key(other.__code__)


BUGS: dict[str, Bug] = {
    # Following pages.
    "an empty page ends a chain": Bug(
        "api.paging",
        "if not page.next or is",
        "if not page.next or page.is_empty or is",
        needs="empty pages",
    ),
    "a repeated cursor is an error at once": Bug(
        "api.paging",
        "if cursor in cursors and not new_rows:",
        "if cursor in cursors:",
        needs="same cursor",
    ),
    "requests have no cursor": Bug("api.wire", '"after": after', '"after": before'),
    "an error next to null rows is an empty page": Bug(
        "parsing.documents",
        "for name in _ERROR_KEYS if document.get(name)",
        "for name in ()",
        needs="error in page",
        shown_by=253,
    ),
    # Sharing out the work.
    "a worker that ends still counts": Bug("api.workers", "self._running -= 1", "pass"),
    "an error of a worker is dropped": Bug(
        "api.workers",
        "self.error = self.error or error",
        "pass",
        shown_by=44,
    ),
    "the first page of a chain is lost": Bug(
        "api.workers",
        "                self._queue.append(",
        "                if last_cursor: self._queue.append(",
    ),
    "a part that was split off is never read": Bug(
        "api.plan", "self._waiting += reversed(older)", "self._waiting += older[1:]"
    ),
    "a chain ends at the first call of its last moment": Bug(
        "api.plan",
        "chain.reached < chain.begin - tolerance",
        "chain.reached <= chain.begin",
        needs="workers",
        shown_by=262,
    ),
    "a gap begins after the last moment that was read": Bug(
        "api.chain",
        "end = reached + _SMALLEST_STEP if",
        "end = reached - _SMALLEST_STEP if",
        shown_by=71,
    ),
    # Requests.
    "a shift is corrected the wrong way": Bug(
        "api.server_checks",
        "begin - self.shift - self.margin",
        "begin + self.shift - self.margin",
        needs="shifts dates",
        shown_by=76,
    ),
    "requests end too early": Bug(
        "api.server_checks", "shift + self.margin", "shift - self.margin"
    ),
    "a shift is not noticed": Bug(
        "api.server_checks",
        "if call_id in narrow or any(",
        "if call_id or any(",
        needs="shifts dates",
        shown_by=75,
    ),
    "skipped rows are not looked for": Bug(
        "api.run",
        "self._recheck(record)",
        "pass",
        needs="offset cursors",
        shown_by=341,
    ),
    "skipped calls without a start are not looked for": Bug(
        "api.page_edges",
        "_undated_parts(chain) if chain.undated else []",
        "[]",
        shown_by=54,
        schedule_of=undated_schedule,
    ),
    "calls without a start are looked for on the last page only": Bug(
        "api.chain",
        "numbers, step = [number], 1",
        "return [self.cursors[number - 1] if number else '']",
        shown_by=74,
        schedule_of=undated_schedule,
    ),
    "calls without a start before all others are not looked for": Bug(
        "api.page_edges",
        "chain.undated_pages[0] < first",
        "first < 0",
        needs="undated first",
        shown_by=608,
        schedule_of=undated_schedule,
    ),
    "an offset after a full page of few rows is taken for a flag": Bug(
        "api.cursors",
        "if is_full or rows >= _MIN_ROWS else",
        "if rows >= _MIN_ROWS else",
        needs="limits in cursors",
        shown_by=5,
        schedule_of=undated_schedule,
    ),
    "the second look may skip rows itself": Bug(
        "api.page_edges",
        "elif look.is_one_page or (before is not None and before <= look.ids):",
        "else:",
        shown_by=938,
        schedule_of=undated_schedule,
    ),
    "a resume reads one gap only": Bug(
        "api.run",
        "resume.report.windows if not window.whole]",
        "resume.report.windows if not window.whole][:1]",
        shown_by=65,
    ),
    "a resume leaves calls without a start out": Bug(
        "api.run",
        "undated=undated and not begin",
        "undated=False",
        needs="None",
        shown_by=765,
    ),
    # Assembling the result.
    "the last pages are not parsed": Bug("api.collect", "self._parse(at_least=1)", "pass"),
    "a page that cannot be parsed leaves no gap": Bug(
        "api.collect",
        "self._set_aside.append((page, hole))",
        "pass",
        needs="bad page",
        shown_by=79,
    ),
    "a hole leaves no gap": Bug(
        "api.windows",
        "parts = [window._replace(whole=False, pages=0)]",
        "parts = [window]",
        needs="bad page",
        shown_by=349,
    ),
    "calls outside the range stay": Bug(
        "api.assemble", "unique if in_range.all() else unique.filter(in_range)", "unique"
    ),
    "calls that do not match stay": Bug(
        "api.assemble",
        "calls.filter(_provable(query).to_expr())",
        "calls",
        needs="ignores filters",
        shown_by=198,
    ),
    "a resume loses the calls from before": Bug(
        "api.assemble",
        "if record.previous else []),",
        "if record.forms > 9 else []),",
        shown_by=91,
    ),
    "one notation of a number is enough": Bug(
        "api.windows",
        "if forms == 1:",
        "if len(plans) == 1:",
        needs="call_number",
        shown_by=446,
    ),
    # Reading rows.
    "the first row of an irregular page is lost": Bug(
        "parsing.records",
        "enumerate(self._records(body))",
        "enumerate(self._records(body)[1:])",
    ),
    "a zero time is a start": Bug(
        "parsing.values",
        'if value == "" or value.startswith("0001-01-01T"):',
        'if value == "":',
        needs="None",
        shown_by=535,
    ),
    "regular pages after an irregular one repeat the first": Bug(
        "parsing.pages",
        "                begin += height\n",
        "",
        shown_by=458,
    ),
    # Hiding the key.
    "the key is not redacted": Bug(
        "api.credentials", 're.sub(self._echo.reveal(), "<API key>", text)', "text"
    ),
    "an escaped key is not looked for": Bug(
        "api.credentials",
        "not (word in body or _ESCAPED_LETTER.search(body))",
        "word not in body",
        needs="echo in page",
        shown_by=522,
    ),
    "an error keeps the response": Bug(
        "api.client", "failure = error.with_traceback(None)", "failure = error"
    ),
}
"""The bugs, by what is wrong."""
