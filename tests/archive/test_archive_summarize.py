"""Measures of an archive day by day equal those of all its calls, whoever computes them."""

import multiprocessing
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.call_cases import call, frame, ringing, talk
from support.day_archives import archive_of, around_midnight
from support.holes import calls_with_holes
from support.random_calls import OPTIONS

import etelecom_analytics as et
from etelecom_analytics.archive import distributed
from etelecom_analytics.errors import ArchiveError, InputError, MeasureUnavailable, UnknownName
from etelecom_analytics.language import speaking
from etelecom_analytics.metrics import MEASURES

ALL = list(MEASURES)
OF_LEGS = [name for name, each in MEASURES.items() if each.grain != "calls"]
SOME = ["calls", "internal_twice", "asa_s", "wait_p90_s", "busy_offers", "ring_p50_s", "asr"]
LISTS = {name: list(numbers) for name, numbers in OPTIONS.items()}


def whole(archive: et.Archive, by: Any, measures: Any, **arguments: Any) -> pl.DataFrame:
    query = arguments.pop("query", None)
    options = arguments.pop("options", archive.options)
    return et.summarize(archive.scan(query), by, measures, options=options, **arguments).collect()


def assert_equal(result: pl.DataFrame, expected: pl.DataFrame) -> None:
    assert_frame_equal(result, expected, rel_tol=1e-9, abs_tol=1e-9)


@pytest.fixture(scope="module")
def holes(tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    calls = calls_with_holes(600, seed=3)
    return archive_of(tmp_path_factory.mktemp("holes") / "calls", calls, **LISTS)


@pytest.fixture(scope="module")
def midnights(tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    calls = around_midnight(calls_with_holes(600, seed=5))
    return archive_of(tmp_path_factory.mktemp("midnights") / "calls", calls, **LISTS)


@pytest.mark.slow
@pytest.mark.parametrize("archive", ["holes", "midnights"])
def test_days_add_up_to_all_calls(archive: str, request: pytest.FixtureRequest):
    of_days: et.Archive = request.getfixturevalue(archive)

    assert len(of_days.files()) >= 4
    for by in (["day", "direction"], []):
        result = of_days.summarize(by, SOME, confidence=0.9, progress=False)
        assert_equal(result, whole(of_days, by, SOME, confidence=0.9))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "by", "measures"),
    [
        ({"longest_call_s": 4e5}, "hour", ALL),
        ({"longest_call_s": 600.0, "as_of": "2026-11-03"}, "target_number", OF_LEGS),
    ],
)
def test_all_measures_of_days_add_up(
    settings: dict[str, Any], by: str, measures: list[str], midnights: et.Archive
):
    options = et.MetricOptions(**(OPTIONS | settings))

    result = midnights.summarize(by, measures, options=options, progress=False)
    assert_equal(result, whole(midnights, by, measures, options=options))


@pytest.mark.slow
def test_processes_give_the_same(midnights: et.Archive):
    by = ["day", "direction"]
    result = midnights.summarize(by, ALL, executor=et.archive.ProcessExecutor(2), progress=False)

    assert_equal(result, whole(midnights, by, ALL))


@pytest.mark.slow
def test_any_object_with_a_map_is_an_executor(midnights: et.Archive):
    expected = midnights.summarize("day", SOME, progress=False)
    with ThreadPoolExecutor(2) as pool:
        assert midnights.summarize("day", SOME, executor=pool, progress=False).equals(expected)


def test_ray_computes_all_items_side_by_side_and_returns_them_in_order(
    monkeypatch: pytest.MonkeyPatch,
):
    """As in Ray, `remote` returns at once, and `get` waits for the value of what it returned."""
    sent: list[int] = []

    def send(function: Callable[[int], int], item: int) -> Callable[[], int]:
        sent.append(item)
        return lambda: function(item)

    ray = SimpleNamespace(
        remote=lambda function: SimpleNamespace(remote=partial(send, function)),
        get=lambda reference: reference(),
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    results = et.archive.RayExecutor().map(abs, iter([-3, 1, -2]))

    assert next(results) == 3
    assert sent == [-3, 1, -2]
    assert list(results) == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        et.CallQuery(date_from="2026-11-03", date_to="2026-11-04"),
        et.CallQuery(date_from="2026-11-03T12:00", direction="in"),
        et.CallQuery(date_from="2030-01-01"),
    ],
    ids=["a day", "a direction", "no day"],
)
def test_a_query_selects_the_calls_and_their_neighbours(midnights: et.Archive, query: et.CallQuery):
    for by in ("hour", []):
        result = midnights.summarize(by, SOME, query=query, progress=False)
        assert_equal(result, whole(midnights, by, SOME, query=query))


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Saigon"])
def test_days_of_another_time_zone_add_up(
    holes: et.Archive, zone: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(distributed, "_MERGED", 1)
    options = et.MetricOptions(**OPTIONS, time_zone=zone)
    measures = ["calls", "wait_p90_s"]
    result = holes.summarize("day", measures, options=options, progress=False)

    assert_equal(result, whole(holes, "day", measures, options=options))
    holes.roll_up("day", measures, options=options, progress=False)
    result = holes.rolled_up("day", measures, options=options)
    assert_equal(result, whole(holes, "day", measures, options=options))


NIGHT = 16 * 3600.0
"""Seconds from BASE, 08:00, to midnight."""


@pytest.mark.slow
@pytest.mark.parametrize("measures", [["calls"], ["calls", "offers", "busy_offers"]])
def test_internal_calls_across_midnight_are_paired_once(tmp_path: Path, measures: list[str]):
    def log(name: str, direction: str, start: float, **settings: Any) -> dict[str, Any]:
        rings = talk("102", 0, 1, settings.get("ended"))
        return call(name, rings, state="answered", direction=direction, shift=start, **settings)

    calls = frame(
        log("out 1", "ext_out", NIGHT - 1, ended=9),
        log("out 2", "ext_out", NIGHT - 0.5, ended=9),
        log("in 1", "ext_in", NIGHT, ended=None),
        log("in 2", "ext_in", NIGHT + 86_400 - 1, ended=9),
        log("out 3", "ext_out", NIGHT + 86_400, ended=9),
        call("offered", ringing("102", 0, 20), shift=NIGHT - 0.25, ended=20),
    )
    archive = archive_of(tmp_path / "calls", calls)
    result = archive.summarize("day", measures, progress=False)

    assert result["calls"].to_list() == [2, 2, 0]
    assert_equal(result, whole(archive, "day", measures))


def test_a_running_call_keeps_a_number_busy_for_days(tmp_path: Path):
    days = 86_400.0
    talking = call("talks", talk("101", 0, 5, None), state="answered", ended=None)
    calls = frame(
        talking,
        call("same day", ringing("101", 0, 20), shift=60, ended=20),
        call("much later", ringing("101", 0, 20), shift=4 * days, ended=20),
        call("another", ringing("102", 0, 20), shift=5 * days, ended=20),
    )
    archive = archive_of(tmp_path / "calls", calls)
    result = archive.summarize("day", "busy_offers", progress=False)

    assert result["busy_offers"].to_list() == [1, 1, 0]
    assert_equal(result, whole(archive, "day", "busy_offers"))


def test_a_leg_far_from_its_day_is_compared_with_the_talks_of_its_own_time(tmp_path: Path):
    days = 86_400.0
    astray = call("astray", ringing("101", 5 * days, 5 * days + 20), ended=5 * days + 20)
    calls = frame(
        call("first", ended=20),
        astray | {"started_at": None},
        call("talks", talk("101", 0, 5, 300), state="answered", shift=5 * days - 60, ended=300),
    )
    archive = archive_of(tmp_path / "calls", calls)
    result = archive.summarize([], "busy_offers", progress=False)

    days_of_calls = archive.scan(facts=True).select("id", "local_day").collect().rows()
    assert dict(days_of_calls)["astray"] == date(2026, 11, 2)
    assert dict(days_of_calls)["talks"] == date(2026, 11, 7)
    assert result.item() == 1
    assert_equal(result, whole(archive, [], "busy_offers"))


# Lost workers and errors.


class Flaky:
    """An executor that fails at chosen days, some times."""

    def __init__(self, failures: dict[date, int]) -> None:
        self.failures = dict(failures)
        self.computed: list[date] = []

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for task in items:
            if self.failures.get(task.day, 0) > 0:
                self.failures[task.day] -= 1
                raise RuntimeError("worker lost")
            self.computed.append(task.day)
            yield function(task)


LOST = date(2026, 11, 3)


@pytest.mark.slow
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_day_of_a_lost_worker_is_computed_again(holes: et.Archive, failures: int):
    executor = Flaky({LOST: failures})
    result = holes.summarize("day", "asa_s", executor=executor, progress=False)

    assert sorted(executor.computed) == sorted(set(executor.computed))
    assert LOST in executor.computed
    assert_equal(result, whole(holes, "day", "asa_s"))


@pytest.mark.slow
def test_a_day_that_no_worker_survives_is_named(holes: et.Archive):
    with pytest.raises(ArchiveError, match=r"2026-11-03 cannot be .* \(RuntimeError: worker lost"):
        holes.summarize("day", "asa_s", executor=Flaky({LOST: 99}), progress=False)


def test_a_failure_of_an_executor_shows_no_phone_number(holes: et.Archive):
    class Talkative:
        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            raise RuntimeError("lost 0912345678\n\x1b[31min a task")

    with pytest.raises(ArchiveError, match="cannot be summarized") as caught:
        holes.summarize("day", "asa_s", executor=Talkative(), progress=False)
    text = str(caught.value)
    assert "RuntimeError: lost " in text
    assert "0912345678" not in text
    assert text.isprintable()


def test_a_task_and_its_result_show_no_phone_number(tmp_path: Path):
    running = call("running", talk("101", 1, 3, None), state="answered", caller="0912345678")
    archive = archive_of(tmp_path / "calls", frame(running))
    shown = []

    class Logging:
        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            for item in items:
                result = function(item)
                shown.append((item.open_calls, result.partial, f"{item!r} {result!r}"))
                yield result

    archive.summarize("caller", ["calls", "busy_offers"], executor=Logging(), progress=False)
    ((open_calls, partial, text),) = shown
    assert open_calls["caller"].to_list() == ["0912345678"]
    assert "0912345678" in partial["caller"].to_list()
    assert "0912345678" not in text
    assert "DayTask(" in text


def test_results_that_do_not_arrive_are_an_error(holes: et.Archive):
    class Forgetful:
        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            return iter(())

    with pytest.raises(ArchiveError, match="fewer results"):
        holes.summarize("day", "asa_s", executor=Forgetful(), progress=False)


def test_results_in_another_order_and_twice_are_the_same(holes: et.Archive):
    class Backwards:
        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            tasks = list(items)[::-1]
            yield from map(function, [*tasks, *tasks])

    result = holes.summarize("hour", "calls", executor=Backwards(), progress=False)
    assert_equal(result, whole(holes, "hour", "calls"))


def exit_on(task: Any) -> None:
    os._exit(3)


@pytest.mark.slow
def test_a_process_that_dies_is_replaced():
    executor = et.archive.ProcessExecutor(1)
    with pytest.raises(Exception, match="terminated abruptly"):
        list(executor.map(exit_on, [1]))
    assert list(executor.map(abs, [-1, -2, 3, -4, -5])) == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_days_of_a_killed_process_are_computed_again(holes: et.Archive):
    class Killing(et.archive.ProcessExecutor):
        killed = 0

        def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            for result in super().map(function, items):
                yield result
                if not self.killed:
                    for process in multiprocessing.active_children():
                        process.kill()
                        self.killed += 1

    executor = Killing(1)
    result = holes.summarize("day", "asa_s", executor=executor, progress=False)

    assert executor.killed
    assert_equal(result, whole(holes, "day", "asa_s"))


def test_a_damaged_day_is_named(tmp_path: Path):
    archive = archive_of(tmp_path / "calls", calls_with_holes(60, seed=1))
    file = archive.files()[0]
    content = file.read_bytes()
    file.write_bytes(content[:40] + bytes(len(content) - 80) + content[-40:])
    day = file.parent.name.removeprefix("local_day=")

    with pytest.raises(ArchiveError, match=f"The calls of {day} cannot be summarized"):
        archive.summarize("day", "asa_s", progress=False)
    file.unlink()
    with pytest.raises(ArchiveError, match="is damaged"):
        archive.summarize("day", "asa_s", progress=False)


@pytest.mark.slow
def test_progress_counts_days(
    holes: et.Archive, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TQDM_DISABLE", "0")
    holes.summarize("day", "calls")
    assert f"{len(holes.files())}/{len(holes.files())}" in capsys.readouterr().err
    holes.summarize("day", "calls", progress=False)
    assert capsys.readouterr().err == ""
    with speaking("vi"):
        holes.summarize("day", "calls")
    assert re.search(r"Đang tổng hợp từng ngày: .*ngày/s", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"by": "dya"}, UnknownName, "day"),
        ({"by": "target_number", "measures": "calls"}, InputError, "a call has many legs"),
        ({"by": "user"}, InputError, "carry no user"),
        ({"measures": "occupancy"}, MeasureUnavailable, "agent"),
        ({"options": 3}, InputError, "MetricOptions"),
        ({"confidence": 95}, InputError, "confidence is"),
        ({"executor": 3}, InputError, "executor is an object with a method map"),
    ],
)
def test_arguments_are_checked_before_a_day_is_read(
    holes: et.Archive, arguments: dict[str, Any], error: type[Exception], message: str
):
    with pytest.raises(error, match=message):
        holes.summarize(**arguments, progress=False)


def test_other_ivr_numbers_than_those_of_the_archive_are_reported(holes: et.Archive):
    for method in (holes.summarize, holes.roll_up):
        with pytest.warns(UserWarning, match="measured with the IVR numbers none") as caught:
            method("day", "calls", options=et.MetricOptions(), progress=False)
        assert caught[0].filename == __file__


@pytest.mark.parametrize("workers", [0, -1, True, "2", 1.5])
def test_a_number_of_processes_is_at_least_one(workers: Any):
    with pytest.raises(InputError, match="workers is a whole number"):
        et.archive.ProcessExecutor(workers)
