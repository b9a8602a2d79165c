"""Roll-ups give what `summarize` gives, and compute only the days that have changed."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.call_cases import call, frame
from support.day_archives import archive_of, days_of, write_day
from support.holes import calls_with_holes
from support.random_calls import OPTIONS

import etelecom_analytics as et
from etelecom_analytics.archive.folder import exclusive_lock
from etelecom_analytics.archive.rollup_table import RollUpTable
from etelecom_analytics.archive.table import Table
from etelecom_analytics.errors import (
    ArchiveBusy,
    ArchiveError,
    ForgetError,
    InputError,
    UnknownName,
)
from etelecom_analytics.metrics import MEASURES
from etelecom_analytics.simulator import CallLogServer

LISTS = {name: list(numbers) for name, numbers in OPTIONS.items()}
CALLS = calls_with_holes(150, seed=8)
SOME = ["calls", "answer_rate", "wait_p90_s"]
ALL = [name for name in MEASURES if name != "busy_offers"]
FINE = ["day", "hour", "direction"]


@pytest.fixture
def holes(tmp_path: Path) -> et.Archive:
    return archive_of(tmp_path / "calls", CALLS, **LISTS)


def replace_day(archive: et.Archive, day: date, calls: pl.DataFrame) -> None:
    table = Table.open(archive.path)
    assert table is not None
    write_day(table, day, calls)


def roll_up(archive: et.Archive, by: Any = FINE, measures: Any = SOME, **more: Any) -> list[date]:
    return archive.roll_up(by, measures, progress=False, **more)


def assert_rolled_up(archive: et.Archive, by: Any, measures: Any, **arguments: Any) -> None:
    """The roll-up gives the table of all calls."""
    options = arguments.pop("options", archive.options)
    whole = et.summarize(archive.scan(), by, measures, options=options, **arguments).collect()
    result = archive.rolled_up(by, measures, options=options, **arguments)
    assert_frame_equal(result, whole, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.slow
def test_a_roll_up_gives_all_that_follows_from_it(holes: et.Archive):
    measures = [*SOME, "asa_s", "ring_p50_s", "asr"]
    assert roll_up(holes, measures=measures) == sorted(days_of(CALLS))
    for by in (["month"], ["weekday", "direction"], []):
        assert_rolled_up(holes, by, measures, confidence=0.9)
    assert_rolled_up(holes, "week", ["wait_p95_s", "answered"])


@pytest.mark.slow
def test_a_roll_up_has_every_measure(holes: et.Archive):
    roll_up(holes, ["day", "quarter_hour", "in_hours"], ALL)
    for by in (["month", "hour"], "half_hour", ["weekday", "in_hours"], []):
        assert_rolled_up(holes, by, ALL, confidence=True)
    of_legs = [name for name in ALL if MEASURES[name].grain != "calls"]
    roll_up(holes, ["day", "target_number", "outcome", "fail_code"], of_legs)
    assert_rolled_up(holes, ["week", "outcome", "target_number"], of_legs)


# Only what has changed is computed.


@pytest.mark.slow
def test_only_the_changed_day_is_computed(holes: et.Archive):
    roll_up(holes)
    days = days_of(CALLS)
    changed, *others = sorted(days)
    replace_day(holes, changed, days[changed].head(9))

    with pytest.raises(ArchiveError, match=f"out of date, since .* changed: {changed}. Run"):
        holes.rolled_up("month", SOME)
    before = set(commits(holes))
    assert roll_up(holes) == [changed]
    assert len({*commits(holes)} - before) == 1
    assert_rolled_up(holes, "month", SOME)
    assert_rolled_up(holes, FINE, SOME)
    assert roll_up(holes) == []
    for day in others:
        replace_day(holes, day, days[day].tail(20))
    with pytest.raises(ArchiveError, match=f"changed: {others[0]} and {len(others) - 1} more"):
        holes.rolled_up("month", SOME)


def commits(archive: et.Archive) -> Iterator[Path]:
    return archive.path.with_name("calls.rollups").glob("*/_delta_log/*.json")


@pytest.mark.slow
def test_only_the_changed_day_of_a_sync_is_computed(
    archive: et.Archive, past_client: et.Client, past_server: CallLogServer
):
    assert len(roll_up(archive)) == 7
    rows = [row for row in past_server.rows if row["started_at"].startswith("2024-01-04T04")]
    past_server.change(*[{**row, "duration": 7} for row in rows[:3]])
    archive.sync(past_client, until="2024-01-09", lookback="90000d", progress=False)
    archive.compact()

    assert roll_up(archive, measures=SOME) == [date(2024, 1, 4)]
    assert_rolled_up(archive, ["week", "direction"], SOME)


@pytest.mark.slow
def test_days_that_come_and_go(holes: et.Archive):
    roll_up(holes)
    days = days_of(CALLS)
    first, second = sorted(days)[:2]
    replace_day(holes, second, days[second].clear())
    replace_day(holes, date(2027, 1, 1), frame(call("new", shift=86_400 * 60, ended=5)))

    assert roll_up(holes) == [date(2027, 1, 1)]
    assert_rolled_up(holes, ["day", "direction"], SOME)
    replace_day(holes, date(2027, 1, 1), days[first].clear())
    assert roll_up(holes) == []
    assert_rolled_up(holes, ["month"], SOME)


def test_a_change_next_to_midnight_changes_the_day_before(tmp_path: Path):
    night = 16 * 3600.0

    def log(name: str, direction: str, start: float) -> dict[str, Any]:
        return call(name, state="answered", direction=direction, shift=start, ended=9)

    calls = [log("out", "ext_out", night - 1), call("other", shift=night + 60, ended=5)]
    archive = archive_of(tmp_path / "calls", frame(*calls))
    first, second = days_of(frame(*calls))
    roll_up(archive, "day", "calls")
    assert archive.rolled_up("day", "calls")["calls"].to_list() == [1, 1]

    replace_day(archive, second, frame(log("in", "ext_in", night), calls[1]))
    assert roll_up(archive, "day", "calls") == [first, second]
    assert archive.rolled_up("day", "calls")["calls"].to_list() == [0, 2]
    assert_rolled_up(archive, "day", ["calls"])
    replace_day(archive, second, frame(log("in", "ext_in", night), calls[1], calls[1]))
    assert roll_up(archive, "day", "calls") == [second]


# What a roll-up holds.


@pytest.mark.slow
def test_other_measures_or_options_replace_a_roll_up(holes: et.Archive):
    days = sorted(days_of(CALLS))
    assert roll_up(holes, "day", "asa_s") == days
    assert roll_up(holes, "day", ["asa_s", "talk_s"]) == days
    assert roll_up(holes, "day", ["asa_s", "talk_s"]) == []
    options = et.MetricOptions(**OPTIONS, wait_from="queue")
    with pytest.raises(ArchiveError, match="No roll-up"):
        holes.rolled_up("day", "asa_s", options=options)
    assert roll_up(holes, "day", "asa_s", options=options) == days
    assert_rolled_up(holes, "month", "asa_s", options=options)
    with pytest.raises(ArchiveError, match="No roll-up"):
        holes.rolled_up("day", "asa_s")


def test_a_roll_up_is_read_without_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive = archive_of(tmp_path / "calls", frame(call("1"), call("2"), call("3", shift=86_400)))
    roll_up(archive, "day", "calls")
    monkeypatch.delattr(Table, "scan")

    assert archive.rolled_up("day", "calls")["calls"].to_list() == [2, 1]
    with pytest.raises(AttributeError, match="scan"):
        archive.summarize("day", "calls", progress=False)


@pytest.mark.slow
def test_as_of_does_not_matter(holes: et.Archive):
    roll_up(holes, "day", "asa_s", options=et.MetricOptions(**OPTIONS, as_of="2026-11-03"))
    assert_rolled_up(holes, "day", "asa_s")


@pytest.mark.slow
def test_one_of_several_roll_ups_answers(holes: et.Archive):
    roll_up(holes, "day", "asa_s")
    roll_up(holes, ["hour", "direction"], ["asa_s", "wait_p90_s"])
    roll_up(holes, [], "calls")

    assert_rolled_up(holes, "week", "asa_s")
    assert_rolled_up(holes, "hour", ["asa_s", "wait_p90_s"])
    assert_rolled_up(holes, [], "calls")
    for by, measures in (("quarter_hour", "asa_s"), ("day", "wait_p90_s"), ("day", "calls")):
        with pytest.raises(ArchiveError, match=r"No roll-up of .* run archive\.roll_up"):
            holes.rolled_up(by, measures)


def test_another_archive_in_the_same_folder_has_no_roll_up(tmp_path: Path):
    archive = archive_of(tmp_path / "calls", CALLS.head(40))
    roll_up(archive, "day", "calls")
    archive.path.rename(tmp_path / "moved")
    again = archive_of(tmp_path / "calls", CALLS.tail(40))

    with pytest.raises(ArchiveError, match="No roll-up"):
        again.rolled_up("day", "calls")
    roll_up(again, "day", "calls")
    assert_rolled_up(again, "day", "calls")


@pytest.mark.slow
def test_an_executor_computes_the_days(holes: et.Archive):
    with ThreadPoolExecutor(2) as pool:
        assert roll_up(holes, executor=pool) == sorted(days_of(CALLS))
    assert_rolled_up(holes, "hour", SOME)


@pytest.mark.slow
def test_an_error_leaves_the_roll_up_as_it_was(holes: et.Archive):
    class Broken:
        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            raise RuntimeError("no worker")

    roll_up(holes)
    days = days_of(CALLS)
    changed = max(days)
    replace_day(holes, changed, days[changed].head(3))
    before = set(commits(holes))
    with pytest.raises(ArchiveError, match=f"{changed} cannot be summarized"):
        roll_up(holes, executor=Broken())

    assert set(commits(holes)) == before
    assert roll_up(holes) == [changed]


@pytest.mark.slow
def test_a_damaged_roll_up_is_made_again(holes: et.Archive):
    for damage in ("data", "log"):
        roll_up(holes)
        folder = holes.path.with_name("calls.rollups") / "day,hour,direction"
        pattern = "local_month=*/*.parquet" if damage == "data" else "_delta_log/*.json"
        for path in folder.glob(pattern):
            path.write_bytes(b"")
        with pytest.raises(ArchiveError):
            holes.rolled_up("day", SOME)
        assert roll_up(holes) == sorted(days_of(CALLS))
        assert_rolled_up(holes, "day", SOME)


def personal_number() -> str:
    number: str = CALLS.filter(pl.col("caller").str.contains(r"^0912\d{6}$"))["caller"][0]
    return number


@pytest.mark.slow
def test_forget_and_prune_delete_roll_ups(holes: et.Archive):
    folder = holes.path.with_name("calls.rollups")
    roll_up(holes, ["caller"], "calls")
    assert folder.is_dir()
    holes.forget(personal_number())
    assert not folder.exists()

    roll_up(holes, "day", "calls")
    holes.prune(before=max(days_of(CALLS)))
    assert not folder.exists()
    assert roll_up(holes, "day", "calls") == [max(days_of(CALLS))]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["forget", "prune"])
def test_what_is_removed_during_a_roll_up_does_not_come_back(holes: et.Archive, method: str):
    def remove() -> None:
        if method == "forget":
            holes.forget(personal_number())
        else:
            holes.prune(before=max(days_of(CALLS)))

    class Late:
        """An executor during whose work the archive changes."""

        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            results = [function(item) for item in items]
            remove()
            return iter(results)

    roll_up(holes, "day", "calls")
    with pytest.raises(ArchiveBusy, match=r"removed from .* while the roll-up was computed"):
        roll_up(holes, ["caller"], "calls", executor=Late())
    assert not list(commits(holes))


@pytest.mark.slow
def test_what_is_removed_during_the_write_of_a_roll_up_does_not_come_back(
    holes: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    write = RollUpTable.write

    def late(table: RollUpTable, *arguments: Any, **more: Any) -> None:
        holes.forget(personal_number())
        write(table, *arguments, **more)

    monkeypatch.setattr(RollUpTable, "write", late)
    with pytest.raises(ArchiveBusy, match="run it again"):
        roll_up(holes, ["caller"], "calls")
    assert not list(commits(holes))
    monkeypatch.undo()
    roll_up(holes, ["caller"], "calls")
    assert personal_number() not in holes.rolled_up(["caller"], "calls")["caller"].to_list()


def test_an_unknown_number_changes_nothing(holes: et.Archive):
    roll_up(holes, "day", "calls")
    with pytest.raises(ForgetError, match="Nothing was changed"):
        holes.forget("0999999999")
    assert_rolled_up(holes, "day", "calls")


def test_a_roll_up_that_cannot_be_deleted_is_an_error(
    holes: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    roll_up(holes, ["caller"], "calls")
    folder = holes.path.with_name("calls.rollups")
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(ArchiveError, match=r"calls\.rollups cannot be deleted: delete it"):
        holes.forget(personal_number())
    monkeypatch.undo()
    holes.forget(personal_number())
    assert not folder.exists()


def test_roll_ups_are_private_and_written_by_one_process(holes: et.Archive):
    roll_up(holes, "day", "calls")
    folder = holes.path.with_name("calls.rollups")

    assert folder.stat().st_mode & 0o77 == 0
    with exclusive_lock(folder), pytest.raises(ArchiveBusy):
        roll_up(holes, "day", "calls")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("day", "busy_offers"), InputError, "cannot be rolled up: use archive.summarize"),
        (("dya", "calls"), UnknownName, "day"),
        (("target_number", "calls"), InputError, "a call has many legs"),
        (("day", []), InputError, "at least one name"),
    ],
)
def test_wrong_arguments_are_refused(
    holes: et.Archive, arguments: tuple[Any, Any], error: type[Exception], message: str
):
    for method in (roll_up, et.Archive.rolled_up):
        with pytest.raises(error, match=message):
            method(holes, *arguments)
    assert not holes.path.with_name("calls.rollups").exists()


def test_without_a_roll_up_the_error_states_what_to_run(holes: et.Archive):
    with pytest.raises(ArchiveError, match=r"run archive\.roll_up\(\['month'\], \['calls'\]\)"):
        holes.rolled_up("month", "calls")
    with pytest.raises(ArchiveError, match="There is no archive"):
        et.Archive(holes.path.with_name("none")).roll_up("day", "calls")
