"""Kill a forget at its system calls: the archive is as before or new, and another forget finishes.

    python tests/benchmarks/killed_forgets.py [STEP]

STEP 1, the default, kills it at every call that changes a name or waits for the disk; 2 at every
second one of each kind.
"""

import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from time import perf_counter

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.forgotten_person import NUMBER, add_person, places
from support.traced import run_with_failures

import etelecom_analytics as et
from etelecom_analytics.simulator import serve
from etelecom_analytics.simulator.rows import wire_rows

__all__ = ["CALLS", "Subject", "killing"]

CALLS = ("mkdir", "rename", "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir", "fsync")
_CODE = f"""
import sys
import etelecom_analytics as et
et.Archive(sys.argv[1]).forget({NUMBER!r}, snapshots=[sys.argv[2]])
"""


class Subject:
    """An archive with several versions and a snapshot of it, and copies to forget in."""

    def __init__(self, folder: Path) -> None:
        self._source, self._copy = folder / "source", folder / "copy"
        calls = et.simulate_calls(120, seed=3, start=date(2024, 1, 1), days=1).calls
        archive = et.Archive(self._source / "calls")
        with serve(add_person(wire_rows(calls))) as server:
            client = et.Client(server.base_url, server.api_key)
            archive.sync(client, since="2024-01-01", until="2024-01-03", progress=False)
            archive.compact()
            server.change(*[{**row, "duration": 7} for row in server.rows[::3]])
            archive.sync(client, until="2024-01-03", lookback="90000d", progress=False)
        archive.snapshot(None, self._source / "week")
        self._old = _versions(archive)
        self._forget()
        self._new = _versions(et.Archive(self._copy / "calls"))[: len(self._old)]
        assert all(
            not one.equals(two) for one, two in zip(self._old[1:], self._new[1:], strict=True)
        )

    def kill_once(self, call: str, number: int) -> str:
        """Kill a forget at its n-th such call: "old", "new", or "done" if it ended before."""
        shutil.rmtree(self._copy)
        shutil.copytree(self._source, self._copy)
        folders = (str(self._copy / "calls"), str(self._copy / "week"))
        failures = {call: f"signal=SIGKILL:when={number}"}
        process = run_with_failures(_CODE, *folders, failures=failures)
        if process.returncode == 0:
            return "done"
        assert process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), process.stderr

        archive = et.Archive(self._copy / "calls")
        assert archive.verify().is_empty(), (call, number)
        versions = _versions(archive)
        state = "old" if _same(versions, self._old) else "new"
        assert state == "old" or _same(versions[: len(self._old)], self._new), (call, number)
        assert et.read_snapshot(self._copy / "week").calls.height == self._old[-1].height
        proof = archive.forget(NUMBER, snapshots=[self._copy / "week"])
        assert proof.hits == 0
        assert not places(self._copy), (call, number, places(self._copy)[:3])
        assert not list(self._copy.rglob("*.new-*")), (call, number)
        assert archive.verify().is_empty(), (call, number)
        assert _same(_versions(archive)[: len(self._old)], self._new), (call, number)
        return state

    def _forget(self) -> None:
        shutil.copytree(self._source, self._copy)
        et.Archive(self._copy / "calls").forget(NUMBER)


@contextmanager
def killing() -> Iterator[Subject]:
    """A subject in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Subject(Path(folder))


def _versions(archive: et.Archive) -> list[pl.DataFrame]:
    numbers = archive.versions()["version"]
    return [archive.scan(version=number).collect().sort("id") for number in numbers]


def _same(one: list[pl.DataFrame], two: list[pl.DataFrame]) -> bool:
    return len(one) == len(two) and all(a.equals(b) for a, b in zip(one, two, strict=True))


def main() -> None:
    """Kill it at every STEP-th system call, and print the states."""
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    began, states = perf_counter(), Counter[str]()
    with killing() as subject:
        for call in CALLS:
            numbers = count(1, step)
            while (state := subject.kill_once(call, next(numbers))) != "done":
                states[state] += 1
    print(f"{states.total()} kills in {perf_counter() - began:.0f} s: {dict(states)}")


if __name__ == "__main__":
    main()
