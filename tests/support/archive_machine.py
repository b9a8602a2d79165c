"""A state machine of an archive: any order of operations gives what a dictionary predicts.

The server's calls change between the steps, and it sometimes fails in the middle of one. The model
is a dictionary of the calls of each day, one for each version that can still be read.
"""

import copy
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import etelecom_analytics as et
from etelecom_analytics.errors import DataLossError, EtelecomError
from etelecom_analytics.simulator import Request, faults, serve

__all__ = ["ArchiveMachine"]

_ZONE = timezone(timedelta(hours=7))
_FIRST = date(2024, 1, 1)
_DAYS = 4
_UNTIL = _FIRST + timedelta(days=_DAYS)
_NUMBERS = ("0912345671", "0912345672", "0912345673")
_NOTES = ("first note", "second note")


class Call(NamedTuple):
    """What the model knows of a call; its day is its key in the model."""

    caller: str | None
    note: str | None


Calls = dict[date, dict[str, Call]]
days = st.integers(0, _DAYS - 1).map(lambda number: _FIRST + timedelta(days=number))


class ArchiveMachine(RuleBasedStateMachine):
    """Operations on an archive and on its server.

    Attributes:
        steps: how often each operation ran, and how it ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self.server = serve([])
        self.client = et.Client(
            self.server.base_url,
            self.server.api_key,
            retry=et.Retry(attempts=1),
            sleep=lambda seconds: None,
        )
        self.broken_after: int | None = None
        self.server.misbehave(faults.error_status(503), when=self._is_broken)
        self.on_server: Calls = {}
        self.model: Calls = {}
        self.versions: dict[int, Calls] = {}
        self.pruned_before = date.min
        self.forgotten: set[str] = set()
        self.count = 0
        self.steps = Counter[str]()

    def teardown(self) -> None:
        """Stop the server, and remove the folder."""
        self.client.close()
        self.server.close()
        self._temporary.cleanup()

    @property
    def archive(self) -> et.Archive:
        """The archive, opened again at each use."""
        return et.Archive(self.folder / "calls")

    # The server.

    @initialize(counts=st.lists(st.integers(0, 8), min_size=_DAYS, max_size=_DAYS))
    def first_sync(self, counts: list[int]) -> None:
        for number, count in enumerate(counts):
            self._add(_FIRST + timedelta(days=number), count)
        self._sync(accept_loss=False)

    @rule(day=days, count=st.integers(1, 8))
    def new_calls(self, day: date, count: int) -> None:
        self._add(day, count)

    @rule(data=st.data(), note=st.sampled_from(_NOTES))
    def changed_calls(self, data: st.DataObject, note: str) -> None:
        for day, number in self._some_ids(data):
            call = self.on_server[day][number]
            self._put(day, number, call._replace(note=note))

    @rule(data=st.data())
    def deleted_calls(self, data: st.DataObject) -> None:
        for day, number in self._some_ids(data):
            del self.on_server[day][number]
            self.server.delete(number)

    @rule(day=days)
    def deleted_day(self, day: date) -> None:
        self.server.delete(*self.on_server.pop(day, {}))

    # Fetching.

    @rule(broken_after=st.none() | st.integers(0, 3), workers=st.sampled_from([1, 4]))
    def fetch(self, broken_after: int | None, workers: int) -> None:
        """A fetch, and its resume if it fails, give the server's calls; a snapshot keeps them."""
        query = et.CallQuery(date_from=_FIRST, date_to=_UNTIL)
        partial = None
        self.steps["fetch"] += 1
        with suppress(EtelecomError):
            self._break(broken_after)
            try:
                et.fetch_calls(self.client, query, workers=workers)
            except et.IncompleteFetch as error:
                partial = error.partial
                self.steps["fetch resumed"] += 1
        self._break(None)
        logs = et.fetch_calls(self.client, query, workers=workers, resume=partial)
        assert logs.report.complete
        self._check(logs.calls, self.on_server)
        folder = et.write_snapshot(logs, self.folder / "fetched", replace=True)
        self._check(et.read_snapshot(folder).calls, self.on_server)

    @rule(day=days)
    def merge(self, day: date) -> None:
        """Two fetches that overlap give one."""
        self.steps["merge"] += 1
        parts = [
            et.fetch_calls(self.client, et.CallQuery(date_from=begin, date_to=end))
            for begin, end in ((_FIRST, day + timedelta(days=1)), (day, _UNTIL))
        ]
        merged = et.merge_logs(*parts)
        assert merged.report.complete
        self._check(merged.calls, self.on_server)

    # The archive.

    @rule(accept_loss=st.booleans(), workers=st.sampled_from([1, 4]))
    def sync(self, accept_loss: bool, workers: int) -> None:
        self._sync(accept_loss=accept_loss, workers=workers)

    @rule(broken_after=st.integers(0, 5), accept_loss=st.booleans(), resume=st.booleans())
    def broken_sync(self, broken_after: int, accept_loss: bool, resume: bool) -> None:
        """Each day has its old or its new calls, and no loss is stored; the next sync ends it."""
        partials: Iterable[et.CallLogs] = ()
        self._break(broken_after)
        try:
            self._run_sync(accept_loss=accept_loss, workers=1)
        except et.IncompleteSync as error:
            partials = error.partials
            self.steps["sync incomplete"] += 1
        except EtelecomError:
            pass
        self._break(None)
        stored, new = self._stored(), self._blanked(self.on_server)
        for day in {*stored, *self.model, *new}:
            old_day, new_day = self.model.get(day, {}), new.get(day, {})
            assert stored.get(day, {}) in (old_day, new_day), day
            if not accept_loss and stored.get(day, {}) != old_day:
                assert old_day.keys() <= new_day.keys() or self._loss_is_small(), day
        self.model = stored
        self._sync(accept_loss=accept_loss, resume=partials if resume else ())

    @rule(day=days)
    def prune(self, day: date) -> None:
        gone = [each for each in self.model if each < day]
        count = self.archive.prune(before=day)
        assert count == sum(len(self.model.pop(each)) for each in gone)
        self.pruned_before = max(self.pruned_before, day)
        self.steps["prune"] += 1
        self._remember_version()

    @rule()
    def compact(self) -> None:
        self.steps["compact"] += 1
        self.archive.compact()
        self._remember_version()

    @rule()
    def vacuum(self) -> None:
        self.steps["vacuum"] += 1
        self.archive.vacuum(keep="1s")
        self.versions = {}
        self._remember_version()

    @rule()
    def snapshot(self) -> None:
        if self.archive.days().is_empty():
            return
        self.steps["snapshot"] += 1
        folder = self.archive.snapshot(None, self.folder / "snapshot", replace=True)
        self._check(et.read_snapshot(folder).calls, self.model)

    @precondition(lambda self: len(self.forgotten) < len(_NUMBERS) - 1)
    @rule(number=st.sampled_from(_NUMBERS))
    def forget(self, number: str) -> None:
        """The number is in no version, and later syncs do not bring it back."""
        known = [*self.versions.values(), self.model]
        occurs = any(
            call.caller == number
            for calls in known
            for day in calls.values()
            for call in day.values()
        )
        if number in self.forgotten:
            assert self.archive.forget(number).hits == 0
            self._remember_version()
            return
        if not occurs:
            with pytest.raises(et.errors.ForgetError):
                self.archive.forget(number)
            return
        assert self.archive.forget(number).hits == 0
        self.steps["forget"] += 1
        self.forgotten.add(number)
        self.model = self._blanked(self.model)
        self.versions = {version: self._blanked(calls) for version, calls in self.versions.items()}
        self._remember_version()

    # What always holds.

    @invariant()
    def archive_equals_the_model(self) -> None:
        if (self.folder / "calls").exists():
            assert self._stored() == {day: calls for day, calls in self.model.items() if calls}

    @rule()
    def verify(self) -> None:
        archive = self.archive
        self.steps["verify"] += 1
        assert archive.verify().is_empty()
        assert archive.status().rows == sum(map(len, self.model.values()))

    @rule(data=st.data())
    def diff(self, data: st.DataObject) -> None:
        """All versions that were not vacuumed are as they were, and so are their differences."""
        old, new = (data.draw(st.sampled_from(sorted(self.versions))) for _ in range(2))
        before, after = (_flat(self.versions[version]) for version in (old, new))
        diff = self.archive.diff(old, new)
        self.steps["diff" if diff.is_empty else "diff with changes"] += 1
        assert set(diff.added["id"]) == after.keys() - before.keys()
        assert set(diff.gone["id"]) == before.keys() - after.keys()
        assert set(diff.changed["id"]) == {
            number for number in before.keys() & after.keys() if before[number] != after[number]
        }
        assert self._stored(old) == self.versions[old]

    # Helpers.

    def _sync(
        self, *, accept_loss: bool, workers: int = 1, resume: Iterable[et.CallLogs] = ()
    ) -> None:
        """Sync, and predict the result."""
        new = {
            day: calls
            for day, calls in self._blanked(self.on_server).items()
            if day >= self.pruned_before
        }
        touched = {day: calls for day, calls in self.model.items() if calls}
        lost = {day: calls.keys() - new.get(day, {}).keys() for day, calls in touched.items()}
        refused: set[date] = set()
        if not accept_loss:
            is_known = not touched or any(
                len(lost[day]) < len(calls) for day, calls in touched.items()
            )
            if not is_known:
                refused, new = {day for day in touched if lost[day]}, {}
            elif not self._loss_is_small():
                refused = {day for day in touched if lost[day]}
            else:
                refused = {
                    day for day, calls in touched.items() if len(calls) >= 3 and not new.get(day)
                }
        losses = set[date]()
        try:
            self._run_sync(accept_loss=accept_loss, workers=workers, resume=resume)
        except DataLossError as error:
            losses = set(error.losses)
        assert losses == refused
        self.steps["sync refused" if refused else "sync"] += 1
        unchanged = {day: self.model[day] for day in refused}
        self.model = copy.deepcopy(
            {day: calls for day, calls in {**new, **unchanged}.items() if calls}
        )
        self._remember_version()

    def _run_sync(self, **options: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.archive.sync(
                self.client,
                since=_FIRST,
                until=_UNTIL,
                lookback="90000d",
                progress=False,
                **options,
            )

    def _loss_is_small(self) -> bool:
        stored = _flat(self.model)
        lost = len(stored.keys() - _flat(self.on_server).keys())
        return lost <= 5 or lost <= 0.02 * len(stored)

    def _stored(self, version: int | None = None) -> Calls:
        rows = self.archive.scan(version=version, facts=True).collect()
        return _by_day(rows.select("local_day", "id", "caller", "note").rows())

    def _check(self, calls: pl.DataFrame, expected: Calls) -> None:
        days = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date()
        rows = calls.select(days, "id", "caller", "note").rows()
        assert len(rows) == len(_flat(expected))
        assert _by_day(rows) == {day: each for day, each in expected.items() if each}

    def _blanked(self, calls: Calls) -> Calls:
        return {
            day: {
                number: Call(None, None) if call.caller in self.forgotten else call
                for number, call in each.items()
            }
            for day, each in calls.items()
        }

    def _remember_version(self) -> None:
        self.versions[self.archive.status().version] = copy.deepcopy(
            {day: calls for day, calls in self.model.items() if calls}
        )

    def _add(self, day: date, count: int) -> None:
        for _ in range(count):
            self.count += 1
            self._put(day, str(self.count), Call(_NUMBERS[self.count % len(_NUMBERS)], None))

    def _put(self, day: date, number: str, call: Call) -> None:
        self.on_server.setdefault(day, {})[number] = call
        begin = datetime(day.year, day.month, day.day, 8, tzinfo=_ZONE)
        self.server.change(
            {
                "id": number,
                "started_at": (begin + timedelta(minutes=int(number) % 900)).isoformat(),
                "caller": call.caller,
                "note": call.note,
                "direction": "in",
            }
        )

    def _some_ids(self, data: st.DataObject) -> list[tuple[date, str]]:
        known = [(day, number) for day, calls in self.on_server.items() for number in calls]
        if not known:
            return []
        return data.draw(st.lists(st.sampled_from(known), unique=True, max_size=7))

    def _break(self, after: int | None) -> None:
        self.broken_after = None if after is None else len(self.server.requests) + after

    def _is_broken(self, request: Request) -> bool:
        return self.broken_after is not None and request.number >= self.broken_after


def _flat(calls: Calls) -> dict[str, Call]:
    return {number: call for each in calls.values() for number, call in each.items()}


def _by_day(rows: Iterable[tuple[date, str, str | None, str | None]]) -> Calls:
    calls: Calls = {}
    for day, number, caller, note in rows:
        calls.setdefault(day, {})[number] = Call(caller, note)
    return calls
