"""Let each file operation fail in turn, or kill the process there: old or new must be whole.

    python tests/benchmarks/failed_io.py [--sample 60] [--seed 1] [--only snapshot sync]

For each subject (a snapshot, a page, a report, an export, a sync and so on), the script counts the
file operations under the target folder: opening for writing, writing, fsync, rename, link, unlink,
mkdir and chmod. For each of them it runs the subject again on a copy of the old state, and lets
this operation fail (EIO, ENOSPC), or kills the process before it, or halfway through a write.
Then:

- an error is one of this package, and leaves the old content;
- after a kill, the old or the new content is there, whole; of an archive, that of each day;
- the next run gives the new content, and leaves no temporary file.

It prints a table of the points tried, also after Ctrl-C. The test suite runs a sample.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.failing_io import Fault, FaultKind, Run, run_watched

# All modules are loaded before the forks. Nothing here may compute with Polars before them.
import etelecom_analytics as et
import etelecom_analytics.api.fetch
import etelecom_analytics.charts.png
import etelecom_analytics.reports.report
import etelecom_analytics.sample
import etelecom_analytics.widgets.explorer.export
from etelecom_analytics import errors
from etelecom_analytics.archive import delta
from etelecom_analytics.locale.display import Display
from etelecom_analytics.reports.document import _write_all as write_all

State = dict[str, str]
"""A digest of each part of what is stored; each part must be old or new."""
_OURS = set(errors.__all__)
_TEMPORARY = re.compile(r"\.(?:new|old)-[0-9a-f]{8}|#\d+$|\.tmp$")
_KEPT = re.compile(r" The calls are in (.*): read_snapshot reads them there\.$")
_DAYS, _CALLS_PER_DAY = 3, 4


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An action that replaces an old state by a new one.

    Attributes:
        name: its name.
        prepare: writes the old state into a folder.
        act: writes the new state.
        state: the digests of what the folder holds.
        whole: whether a killed process leaves all parts old, or all new.
        missing: system calls that the system lacks.
    """

    name: str
    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    state: Callable[[Path], State]
    whole: bool = True
    missing: tuple[str, ...] = ()


@dataclass
class Sweep:
    """The points that were tried with one subject, and what went wrong.

    Attributes:
        operations: number of operations by name in an undisturbed run.
        points: number of points tried by kind of fault.
        failures: one sentence per point at which something went wrong.
        seconds: how long it took.
    """

    operations: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


def _files(folder: Path) -> State:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _TEMPORARY.search(str(path))
    }


def _snapshot_state(folder: Path) -> State:
    path = folder / "week"
    if not path.exists() and not any(folder.glob(".week.old-*")):
        return {}
    logs = et.read_snapshot(path)
    return {"calls": f"{logs.calls.height} {et.snapshot.fingerprint(logs.calls)}"}


def _archive_state(folder: Path) -> State:
    """A digest of the rows of each day; the archive is verified and says that days are complete."""
    archive = et.Archive(folder / "calls")
    if not any((folder / "calls" / "_delta_log").glob("*.json")):
        return {}
    problems = archive.verify()
    assert problems.is_empty(), problems.rows()
    rows = archive.scan(facts=True).collect().sort("id")
    archive.status(), archive.days(), archive.versions()
    return {
        str(day): hashlib.sha256(repr(table.rows()).encode()).hexdigest()
        for (day,), table in rows.group_by("local_day")
    }


def _logs(count: int) -> et.CallLogs:
    from dataclasses import replace

    logs = et.sample_logs()
    return replace(logs, calls=logs.calls.head(count))


def _write_snapshot(count: int, folder: Path) -> None:
    et.write_snapshot(_logs(count), folder / "week", replace=True)


def _write_page(count: int, folder: Path) -> None:
    et.write_page(_logs(count), folder / "new" / "page.html")


def _write_files(text: str, folder: Path) -> None:
    """What a report writes at its end: a page, and charts in another folder."""
    names = ("report.html", "charts/01-a.png", "charts/02-b.png")
    write_all({folder / name: f"{text} {name}".encode() for name in names})


def _write_export(name: str, folder: Path) -> None:
    path = folder / name
    if path.exists():  # an export never replaces a file
        path.unlink()
    et.widgets.explorer.export.write_calls(_logs(9).calls, path, Display(), workbook=bytes)


_NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": 'snapshot: str = ""',
            "outputs": [],
            "execution_count": None,
            "id": "parameters",
        },
        {
            "cell_type": "code",
            "metadata": {},
            "source": "import etelecom_analytics as et\n"
            "et.charts.heatmap(et.read_snapshot(snapshot).calls)",
            "outputs": [],
            "execution_count": None,
            "id": "chart",
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def _write_report(count: int, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        notebook = Path(name) / "heatmap.ipynb"
        notebook.write_text(json.dumps(_NOTEBOOK))
        snapshot = et.write_snapshot(_logs(count), Path(name) / "week")
        et.write_report(
            snapshot, folder / "report.html", notebook=notebook, png_folder=folder / "charts"
        )


def _sync(address: tuple[str, str], folder: Path, **options: Any) -> None:
    with et.Client(*address, retry=et.Retry(attempts=1)) as client:
        et.Archive(folder / "calls").sync(
            client,
            since="2024-01-01",
            until="2024-01-08",
            lookback="90000d",
            progress=False,
            workers=1,
            **options,
        )


def _sync_and(address: tuple[str, str], action: Callable[[et.Archive], object], path: Path) -> None:
    _sync(address, path)
    action(et.Archive(path / "calls"))


def _on_archive(action: Callable[[et.Archive], object], folder: Path) -> None:
    action(et.Archive(folder / "calls"))


def _vacuum(archive: et.Archive) -> None:
    archive.vacuum(keep="1s")


def _prune(archive: et.Archive) -> None:
    archive.prune(before="2024-01-02")


def _nothing(folder: Path) -> None:
    pass


def subjects(old: tuple[str, str], new: tuple[str, str]) -> list[Subject]:
    """All subjects.

    Args:
        old: address and key of a server with the old calls.
        new: those of a server with the new calls.
    """
    snapshot = partial(Subject, act=partial(_write_snapshot, 12), state=_snapshot_state)
    old_snapshot = partial(_write_snapshot, 7)
    archive = partial(Subject, state=_archive_state, whole=False)
    synced, changed = partial(_sync, old), partial(_sync_and, new)
    files = partial(Subject, act=partial(_write_files, "new"), state=_files, whole=False)
    export = partial(Subject, prepare=_nothing, state=_files)
    return [
        snapshot(name="first snapshot", prepare=_nothing),
        snapshot(name="snapshot", prepare=old_snapshot),
        snapshot(
            name="snapshot without an exchange",
            prepare=old_snapshot,
            missing=("renameat2",),
        ),
        Subject(
            name="page",
            prepare=partial(_write_page, 7),
            act=partial(_write_page, 12),
            state=_files,
        ),
        files(name="first files of a report", prepare=_nothing),
        files(name="files of a report", prepare=partial(_write_files, "old")),
        export(name="CSV export", act=partial(_write_export, "calls.csv")),
        export(name="parquet export", act=partial(_write_export, "calls.parquet")),
        archive(name="first sync", prepare=_nothing, act=partial(_sync, new)),
        archive(name="sync", prepare=synced, act=partial(_sync, new)),
        archive(
            name="compact",
            prepare=partial(changed, et.Archive.compact),
            act=partial(_on_archive, et.Archive.compact),
        ),
        archive(
            name="prune",
            prepare=partial(changed, et.Archive.verify),
            act=partial(_on_archive, _prune),
        ),
        archive(
            name="vacuum",
            prepare=lambda folder: (_sync(old, folder), _sync(new, folder)),
            act=partial(_on_archive, _vacuum),
        ),
        Subject(
            name="report",
            prepare=partial(_write_report, 7),
            act=partial(_write_report, 12),
            state=_files,
            whole=False,
        ),
    ]


def _age_staged_files(folder: Path) -> None:
    """Make the files that deltalake did not rename two hours old; younger ones may be in use."""
    for path in folder.rglob("*#*"):
        os.utime(path, (time.time() - 7_200,) * 2)


def in_fork(action: Callable[[], object], folder: Path) -> str:
    """What the action returns in a fork of this process; `AssertionError` if it fails."""
    run = run_watched(action, folder)
    if run.error:
        raise AssertionError(": ".join(run.error))
    return run.result or ""


class Tester:
    """Tries points of a subject in copies of its old state.

    Args:
        subject: the subject.
        folder: an empty folder.
    """

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject, self.sweep, self._folder = subject, Sweep(), folder
        self._old_folder = folder / "old"
        self._old_folder.mkdir(parents=True)
        in_fork(lambda: subject.prepare(self._old_folder), folder)
        self._old = self._state(self._old_folder)
        copy = self._copy()
        run = self._act(copy)
        assert run.error is None, run.error
        self.operations, self._new = run.operations, self._state(copy)
        self.sweep.operations.update(each.name for each in run.operations)

    @property
    def points(self) -> list[Fault]:
        """All points."""
        return [
            Fault(number, kind)
            for number, operation in enumerate(self.operations)
            for kind in FaultKind
            if kind is not FaultKind.TORN_WRITE or operation.name == "write"
        ]

    def try_point(self, fault: Fault) -> None:
        """Try a point, and record what went wrong."""
        began = time.monotonic()
        copy = self._copy()
        try:
            self._check(copy, self._act(copy, fault), fault)
        except AssertionError as error:
            operation = self.operations[fault.number]
            path = operation.path.replace(str(copy), "")
            self.sweep.failures.append(
                f"{self.subject.name}: {fault.kind} at {fault.number} ({operation.name} {path}): "
                f"{error}"
            )
        self.sweep.points[fault.kind] += 1
        self.sweep.seconds += time.monotonic() - began

    def _check(self, copy: Path, run: Run, fault: Fault) -> None:
        if run.error:
            name, message = run.error
            assert name in _OURS, f"raises {name}: {message}"
            assert "\n" not in message, f"raises several lines: {message}"
            if match := _KEPT.search(message):
                kept = Path(match[1])
                shutil.copytree(kept, self._folder / "kept" / "week")
                state = self._state(self._folder / "kept")
                shutil.rmtree(self._folder / "kept")
                shutil.rmtree(kept)
                assert state == self._new, "keeps something else"
        state = self._state(copy)
        if run.result is not None:
            assert state == self._new, "returns without the new content"
        elif self.subject.whole or (run.error and self.subject.state is _files):
            allowed = [self._old] if run.error else [self._old, self._new]
            assert state in allowed, f"leaves {state} after {run.error or 'a kill'}"
        else:
            for part in {*self._old, *self._new, *state}:
                values = self._old.get(part), self._new.get(part)
                assert state.get(part) in values, f"{part} is neither old nor new"
        _age_staged_files(copy)
        again = self._act(copy)
        assert again.error is None, f"the next run raises {again.error}"
        assert self._state(copy) == self._new, "the next run does not give the new content"
        left = [
            str(path.relative_to(copy)) for path in copy.rglob("*") if _TEMPORARY.search(path.name)
        ]
        assert not left, f"the next run leaves {left}"

    def _act(self, copy: Path, fault: Fault | None = None) -> Run:
        return run_watched(
            lambda: self.subject.act(copy), copy, fault, missing=self.subject.missing
        )

    def _state(self, folder: Path) -> State:
        text = in_fork(lambda: json.dumps(self.subject.state(folder)), folder)
        state: State = json.loads(text)
        return state

    def _copy(self) -> Path:
        copy = self._folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self._old_folder, copy)
        return copy


_SERVE = """
import sys
from support.damage import week
from etelecom_analytics.simulator import serve
rows = week(int(sys.argv[1]), days=int(sys.argv[2]))
if sys.argv[3] == "new":
    rows = [{**row, "note": "changed"} if row["id"] == "2001" else row for row in rows]
with serve(rows) as server:
    print(server.base_url, server.api_key, flush=True)
    sys.stdin.read()
"""


@contextmanager
def serving(age: str) -> Iterator[tuple[str, str]]:
    """Address and key of a server of a few days in another process; the new one has a day more."""
    days = _DAYS if age == "old" else _DAYS + 1
    command = [sys.executable, "-c", _SERVE, str(_CALLS_PER_DAY), str(days), age]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as process:
        assert process.stdout
        assert process.stdin
        address, key = process.stdout.readline().split()
        yield address, key
        process.stdin.close()


def sweep(
    only: Sequence[str] = (), *, sample: int | None = None, seed: int = 1, show: bool = False
) -> Mapping[str, Sweep]:
    """The results by the name of the subject.

    Args:
        only: names of subjects; all by default.
        sample: number of points to try, chosen at random over all subjects; all by default.
        seed: the seed of the choice.
        show: print progress and failures as they come.
    """
    delta.load_deltalake()
    with (
        tempfile.TemporaryDirectory(prefix="failed-io-") as name,
        serving("old") as old,
        serving("new") as new,
    ):
        testers = [
            Tester(subject, Path(name) / subject.name.replace(" ", "-"))
            for subject in subjects(old, new)
            if not only or subject.name in only
        ]
        points = [(tester, point) for tester in testers for point in tester.points]
        if sample is not None:
            points = random.Random(seed).sample(points, min(sample, len(points)))
        with suppress(KeyboardInterrupt):
            for number, (tester, point) in enumerate(points):
                if show and number % 50 == 0:
                    print(f"{number} of {len(points)} points", file=sys.stderr, flush=True)
                before = len(tester.sweep.failures)
                tester.try_point(point)
                if show and len(tester.sweep.failures) > before:
                    print(tester.sweep.failures[-1], file=sys.stderr, flush=True)
    return {tester.subject.name: tester.sweep for tester in testers}


def main() -> int:
    parser = argparse.ArgumentParser(description="Lets each file operation fail in turn.")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=())
    arguments = parser.parse_args()
    results = sweep(arguments.only, sample=arguments.sample, seed=arguments.seed, show=True)
    print("| subject | operations | points tried | failures | seconds |\n|---|---|---|---|---|")
    for name, result in results.items():
        operations = ", ".join(f"{count} {each}" for each, count in result.operations.items())
        points = ", ".join(f"{count} {kind}" for kind, count in result.points.items())
        print(
            f"| {name} | {operations} | {points} | {len(result.failures)} | {result.seconds:.0f} |"
        )
    tried = sum(result.points.total() for result in results.values())
    failures = [failure for result in results.values() for failure in result.failures]
    print(f"\n{tried} points tried, {len(failures)} failures")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
