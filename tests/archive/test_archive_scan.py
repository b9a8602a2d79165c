"""Reading an archive: scans, files for other engines, measures, snapshots and privacy."""

import io
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.real_calls import needs_real_calls, real_calls
from support.sql_oracle_archives import NAMES, measures_by_day, rows_of

import etelecom_analytics as et
from etelecom_analytics.archive import config, reader
from etelecom_analytics.archive.table import Table
from etelecom_analytics.archive.verification import DayCheck, check_days
from etelecom_analytics.errors import ArchiveError, SnapshotError
from etelecom_analytics.fetch_report import Gap
from etelecom_analytics.frames import in_order
from etelecom_analytics.schema import CALL_SCHEMA
from etelecom_analytics.simulator import Simulation, serve

THIRD_DAY = et.CallQuery(date_from="2024-01-03", date_to="2024-01-04")


@pytest.mark.slow
def test_scan_returns_all_calls_with_their_types(archive: et.Archive, past_calls: pl.DataFrame):
    scanned = archive.scan()

    assert isinstance(scanned, pl.LazyFrame)
    assert scanned.collect_schema() == pl.Schema(CALL_SCHEMA)
    assert_frame_equal(in_order(scanned.collect()), past_calls)


@pytest.mark.parametrize(
    "query",
    [
        et.CallQuery(direction="in", call_state="answered"),
        THIRD_DAY,
        et.CallQuery(date_from="2024-01-03T22:00", date_to="2024-01-04T02:00"),
        et.CallQuery(
            date_from="2024-01-02T20:00Z",
            date_to="2024-01-03T20:00Z",
            duration=("greater_than", 30),
            time_zone="UTC",
        ),
        et.CallQuery(date_to="2024-01-02"),
        et.CallQuery(date_from="2025-01-01"),
    ],
    ids=str,
)
def test_scan_filters_like_the_query_expression(
    query: et.CallQuery, archive: et.Archive, past_calls: pl.DataFrame
):
    assert_frame_equal(in_order(archive.scan(query).collect()), past_calls.filter(query.to_expr()))


def test_scan_reads_only_files_of_the_requested_days(archive: et.Archive):
    plan = archive.scan(THIRD_DAY).explain()

    assert [path.parent.name for path in archive.files(THIRD_DAY)] == ["local_day=2024-01-03"]
    assert str(archive.files(THIRD_DAY)[0]) in plan
    for path in set(archive.files()) - set(archive.files(THIRD_DAY)):
        assert str(path) not in plan
        path.rename(path.with_suffix(".away"))
    assert archive.scan(THIRD_DAY).collect().height > 0
    assert (
        len(
            archive.files(
                et.CallQuery(
                    date_from="2024-01-02T20:00Z", date_to="2024-01-03T20:00Z", time_zone="UTC"
                )
            )
        )
        == 2
    )


@pytest.mark.slow
def test_flat_facts_equal_those_computed_from_the_calls(
    archive: et.Archive, past: Simulation, past_calls: pl.DataFrame
):
    options = et.MetricOptions(ivr_numbers=past.truth.ivr_numbers)
    flat = archive.scan(facts=True).collect().sort("id")
    facts = et.metrics.facts(past_calls, options=options).sort("id")
    local = past_calls.sort("id")["started_at"].dt.convert_time_zone("Asia/Ho_Chi_Minh")

    assert flat["local_day"].to_list() == local.dt.date().to_list()
    assert flat["local_hour"].to_list() == local.dt.hour().to_list()
    for state in ("running", "unknown", "answered", "missed", "internal_twice"):
        assert_frame_equal(
            flat.select((pl.col("state") == state).alias(state)), facts.select(state)
        )
    wait = (flat["answered_at"] - flat["started_at"]).dt.total_microseconds() / 1e6
    assert_frame_equal(
        flat.select(wait_s=pl.when(pl.col("state") == "answered").then(wait)),
        facts.select(wait_s="answered_wait_s"),
    )
    by_first_ring = et.metrics.facts(
        past_calls,
        options=et.MetricOptions(ivr_numbers=past.truth.ivr_numbers, wait_from="first_ring"),
    )
    rung = (flat["answered_at"] - flat["first_ring_at"]).dt.total_microseconds() / 1e6
    assert_frame_equal(
        flat.select(wait_s=pl.when(pl.col("state") == "answered").then(rung.clip(0))),
        by_first_ring.sort("id").select(wait_s="answered_wait_s"),
    )


def is_close(one: float | None, other: float | None) -> bool:
    return one == other or (
        one is not None and other is not None and abs(one - other) <= 1e-9 * max(1, abs(one))
    )


def assert_sql_agrees(archive: et.Archive) -> int:
    """Assert that SQL on the flat facts gives the same measures; return the number of days."""
    options = et.MetricOptions(ivr_numbers=archive.ivr_numbers)
    ours = (
        et.summarize(archive.scan(), by=["day"], measures=NAMES, options=options)
        .collect()
        .rows(named=True)
    )
    theirs = measures_by_day(archive.files())
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert one["day"] == other["day"]
        for name in NAMES:
            assert is_close(one[name], other[name]), (one["day"], name, one[name], other[name])
    return len(ours)


@pytest.mark.slow
def test_another_engine_reads_the_same_rows(archive: et.Archive, past_calls: pl.DataFrame):
    columns = [
        "id",
        "caller",
        "direction",
        "duration",
        "epoch_us(started_at)",
        "epoch_us(ended_at)",
        "len(call_targets)",
        "call_targets[1].target_number",
    ]
    moments = [pl.col(name).dt.epoch("us") for name in ("started_at", "ended_at")]
    legs = pl.col("call_targets")
    ours = past_calls.sort("id").select(
        "id",
        "caller",
        "direction",
        "duration",
        *moments,
        legs.list.len(),
        legs.list.first().struct.field("target_number").alias("first"),
    )

    assert rows_of(archive.files(), columns) == ours.rows()
    assert assert_sql_agrees(archive) == 7


@pytest.mark.slow
def test_another_engine_computes_the_same_measures_of_the_sample(
    client_of: Callable[..., et.Client], tmp_path: Path
):
    sample = et.read_snapshot(Path(__file__).parents[2] / "data" / "sample").calls
    archive = et.Archive(tmp_path / "calls", ivr_numbers=["8000", "8100"])
    first, last = (
        sample["started_at"].dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date().sort()[place]
        for place in (0, -1)
    )
    with serve(sample) as server:
        archive.sync(client_of(server), since=first, until=last.replace(day=last.day + 1))
    assert assert_sql_agrees(archive) >= 7


@needs_real_calls
def test_another_engine_computes_the_same_measures_of_real_calls(tmp_path: Path):
    (tmp_path / "calls").mkdir()
    archive_config = config.ArchiveConfig()
    table, local_day = (
        Table.create(tmp_path / "calls", archive_config),
        pl.col("started_at").dt.convert_time_zone(archive_config.time_zone).dt.date(),
    )
    for (day,), calls in (
        real_calls()
        .with_columns(day=local_day)
        .partition_by("day", as_dict=True, include_key=False)
        .items()
    ):
        table.write_day(
            day, config.to_stored_rows(calls, day, archive_config, None), {"what": "test"}
        )
    archive = et.Archive(tmp_path / "calls")
    assert archive.status().rows == real_calls().height
    assert assert_sql_agrees(archive) >= 28


# Large archives and other processes.


@pytest.fixture(scope="module")
def large(past_calls: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    """200,000 calls on 20 days, written without fetching them."""
    folder = tmp_path_factory.mktemp("large") / "calls"
    folder.mkdir()
    archive_config = config.ArchiveConfig(ivr_numbers=("8000", "8100"))
    table = Table.create(folder, archive_config)
    day_calls = pl.concat([past_calls] * 8)
    for number in range(20):
        day = date(2024, 2, 1 + number)
        begin = datetime(2024, 2, 1 + number, tzinfo=UTC)
        shifted = day_calls.with_columns(
            id=pl.int_range(pl.len()).cast(pl.String) + f"-{number}",
            started_at=begin + pl.duration(seconds=pl.int_range(pl.len()) * 4),
        )
        table.write_day(
            day, config.to_stored_rows(shifted, day, archive_config, None), {"what": "test"}
        )
    return et.Archive(folder)


_MEASURE = """
import json, sys
sys.path.insert(0, {benchmarks!r})
from fetch_memory import peak_bytes
import polars as pl
import etelecom_analytics as et
plan = pl.LazyFrame.deserialize(sys.stdin.buffer)
pl.LazyFrame({{"a": [1]}}).collect(engine="streaming")
before = peak_bytes()
table = plan.collect(engine="streaming")
print(json.dumps({{"calls": int(table["calls"].sum()), "peak": peak_bytes() - before}}))
"""


@pytest.mark.slow
def test_streaming_in_another_process_needs_bounded_memory(large: et.Archive):
    """The plan is sent as bytes; four times as many days need at most 1.5 times the memory."""
    code = _MEASURE.format(benchmarks=str(Path(__file__).parents[1] / "benchmarks"))
    peaks = []
    for until in ("2024-02-06", "2024-02-21"):
        query = et.CallQuery(date_to=until)
        plan = et.summarize(
            large.scan(query),
            by=["day", "direction"],
            measures=["calls", "answer_rate", "asa_s"],
            options=large.options,
        )
        process = subprocess.run(
            [sys.executable, "-c", code], input=plan.serialize(), capture_output=True, check=True
        )
        output = json.loads(process.stdout)
        assert output["calls"] == large.scan(query).select(pl.len()).collect().item() > 40_000
        peaks.append(output["peak"])
    assert peaks[1] < 1.5 * peaks[0], peaks
    assert peaks[1] < 250_000_000, peaks


def test_a_plan_reads_the_version_at_which_it_was_created(
    archive: et.Archive, past_calls: pl.DataFrame
):
    plan = archive.scan().serialize()
    archive.prune(before="2024-01-05")

    assert archive.scan().collect().height < past_calls.height
    assert pl.LazyFrame.deserialize(io.BytesIO(plan)).collect().height == past_calls.height


# Snapshots.


def test_snapshot_of_an_archive_equals_one_of_a_fetch(
    archive: et.Archive, past_client: et.Client, tmp_path: Path
):
    query = et.CallQuery(date_from="2024-01-03", date_to="2024-01-05", direction="in")
    logs = et.read_snapshot(archive.snapshot(query, tmp_path / "snap"))
    assert archive.read(query) == logs
    fetched = et.fetch_calls(past_client, query)

    assert_frame_equal(logs.calls, fetched.calls)
    assert logs.query == query
    report = logs.report
    assert (report.complete, report.complete_from, report.complete_to) == (
        True,
        fetched.report.complete_from,
        fetched.report.complete_to,
    )
    assert report.gaps == ()
    assert report.received == report.rows + report.repeated + report.outside + len(report.set_aside)
    windows = report.windows  # a day may have several
    assert (windows[0].begin, windows[-1].end) == (report.complete_from, report.complete_to)
    assert all(before.end == after.begin for before, after in pairwise(windows))
    assert sum(window.rows for window in windows) == report.rows
    with pytest.raises(SnapshotError, match="already exists"):
        archive.snapshot(query, tmp_path / "snap")


def test_calls_and_their_report_are_of_one_version(
    past_client: et.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = et.Archive(tmp_path / "calls")
    archive.sync(past_client, since="2024-01-01", until="2024-01-03")
    before = archive.read()

    def check_and_prune(table: Table) -> DayCheck:
        check = check_days(table)
        archive.prune(before="2024-01-02")
        return check

    monkeypatch.setattr(reader, "check_days", check_and_prune)
    assert archive.read() == before
    monkeypatch.undo()
    assert 0 < archive.read().calls.height < before.calls.height


def test_snapshot_reports_missing_days(past_client: et.Client, tmp_path: Path):
    archive = et.Archive(tmp_path / "calls")
    archive.sync(past_client, since="2024-01-01", until="2024-01-03")
    archive.sync(past_client, since="2024-01-05", until="2024-01-07")
    gap = Gap(datetime(2024, 1, 2, 17, tzinfo=UTC), datetime(2024, 1, 4, 17, tzinfo=UTC))
    logs = et.read_snapshot(archive.snapshot(None, tmp_path / "snap"))

    assert archive.status().gaps == (gap,)
    assert archive.status().complete_through == gap.begin
    assert "missing    2024-01-03 00:00+07:00 to 2024-01-05 00:00+07:00" in repr(archive.status())
    assert logs.report.gaps == (gap,)
    assert (logs.report.complete_from, logs.report.complete_to) == (
        datetime(2023, 12, 31, 17, tzinfo=UTC),
        datetime(2024, 1, 6, 17, tzinfo=UTC),
    )


def test_snapshot_of_days_that_were_never_synced_is_an_error(archive: et.Archive, tmp_path: Path):
    with pytest.raises(ArchiveError, match="sync them first"):
        archive.snapshot(
            et.CallQuery(date_from="2023-05-01", date_to="2023-05-02"), tmp_path / "snap"
        )
    assert not (tmp_path / "snap").exists()


# Privacy.


def test_folder_is_accessible_to_its_owner_only(archive: et.Archive):
    assert stat.S_IMODE(archive.path.stat().st_mode) == 0o700


@pytest.mark.slow
@pytest.mark.parametrize(
    "privacy",
    [
        et.Privacy(),
        et.Privacy(numbers="pseudonymized", key="a key of the tests, 0123456789", notes="kept"),
    ],
    ids=["masked", "pseudonymized"],
)
def test_archive_with_privacy_contains_no_phone_number_and_no_key(
    privacy: et.Privacy,
    past_client: et.Client,
    past: Simulation,
    past_calls: pl.DataFrame,
    tmp_path: Path,
):
    archive = et.Archive(tmp_path / "calls", ivr_numbers=past.truth.ivr_numbers, privacy=privacy)
    archive.sync(past_client, since="2024-01-01", until="2024-01-09")
    calls = in_order(archive.scan().collect())
    content = b"".join(path.read_bytes() for path in archive.path.rglob("*") if path.is_file())

    external = {
        number
        for number in (*past_calls["caller"], *past_calls["callee"])
        if number and len(number) > 5
    }
    assert not external & {
        *calls["caller"],
        *calls["callee"],
        *et.call_targets(calls)["target_number"],
    }
    assert not [number for number in external if number.encode() in content]
    assert b"a key of the tests" not in content
    assert_frame_equal(calls, privacy.apply(past_calls))
    assert assert_sql_agrees(archive) == 7
    assert (
        et.Archive(archive.path, privacy=privacy)
        .sync(past_client, until="2024-01-09", lookback="90000d")
        .replaced
        == []
    )
    assert et.Archive(archive.path).scan().collect().height == calls.height
    with pytest.raises(ArchiveError, match="another privacy"):
        et.Archive(archive.path).sync(past_client)
    other = et.Privacy(numbers="pseudonymized", key="another key of the tests, 0123456789")
    with pytest.raises(ArchiveError, match="another privacy, or another key"):
        et.Archive(archive.path, privacy=other)


def test_log_has_no_statistics_of_phone_numbers(archive: et.Archive, past_calls: pl.DataFrame):
    log = "\n".join(path.read_text() for path in (archive.path / "_delta_log").glob("*.json"))

    assert '\\"minValues\\"' in log
    assert not [
        number
        for number in past_calls["caller"].drop_nulls().unique()
        if len(number) > 5 and number in log
    ]
    for line in log.splitlines():
        if "add" in (action := json.loads(line)):
            statistics = json.loads(action["add"]["stats"])
            assert {"id", "started_at"} <= statistics["minValues"].keys()
            assert not {"caller", "callee", "note", "contact_id"} & {
                *statistics["minValues"],
                *statistics["maxValues"],
            }
