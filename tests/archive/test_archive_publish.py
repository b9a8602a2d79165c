"""Publishing an archive: files by month for other engines, equal to what the archive measures."""

import errno
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.day_archives import write_day
from support.flat_engines import ENGINES, assert_equal

import etelecom_analytics as et
from etelecom_analytics import storage
from etelecom_analytics.archive.table import Table
from etelecom_analytics.cli.app import main
from etelecom_analytics.engines import Publication
from etelecom_analytics.engines.flat_tables import EXTERNAL, PERSONAL_COLUMNS, flat_tables
from etelecom_analytics.engines.publication import GRAINS
from etelecom_analytics.errors import ArchiveError
from etelecom_analytics.local_time import LOCAL_DIMENSIONS
from etelecom_analytics.metrics import MEASURES
from etelecom_analytics.schema import CALL_SCHEMA
from etelecom_analytics.simulator import serve

DAYS = (
    ("2024-03-03", "2024-03-04"),
    ("2024-01-30", "2024-02-03"),
    ("2024-01-13", "2024-01-14"),
)
MIDNIGHT = datetime(2024, 1, 31, 17, tzinfo=UTC)
"""The end of January in Ho Chi Minh City."""


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The bytes and the time of each file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in files
    }


def talk(number: str, begin: datetime, end: datetime | None) -> dict[str, Any]:
    fields = CALL_SCHEMA["call_targets"].inner.fields  # type: ignore[attr-defined]
    return dict.fromkeys(field.name for field in fields) | {
        "target_number": number,
        "add_time": begin,
        "ring_time": begin,
        "answered_time": begin + timedelta(seconds=3),
        "ended_time": end,
        "ring_duration": 3,
        "status": "ANSWERED",
        "trunk_name": "trunk",
    }


def call(name: str, begin: datetime, length: timedelta | None, **values: Any) -> dict[str, Any]:
    ended = length and begin + length
    return dict.fromkeys(CALL_SCHEMA) | {
        "id": name,
        "direction": "in",
        "call_state": "answered",
        "caller": "0912000001",
        "callee": "19000000",
        "started_at": begin,
        "ended_at": ended,
        "duration": length and length.seconds,
        "call_targets": [talk("101", begin, ended)],
        **values,
    }


def calls_of_three_months() -> pl.DataFrame:
    """Calls whose offers and counts depend on calls of another month."""
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    internal = {"caller": "102", "callee": "103"}
    march = MIDNIGHT + timedelta(days=29)
    calls = [
        # A running talk of January makes 104 busy in March.
        call("running", MIDNIGHT - timedelta(days=19), None,
             call_targets=[talk("104", MIDNIGHT - timedelta(days=19), None)]),
        call("busy in march", march + timedelta(days=2, hours=9), minute,
             call_targets=[talk("104", march + timedelta(days=2, hours=9), None)]),
        call("last", march + timedelta(days=2, hours=10), minute),
        # A talk over midnight makes 101 busy.
        call("long", MIDNIGHT - 2 * minute, 10 * minute),
        call("busy", MIDNIGHT + minute, minute),
        # An internal call with a log on each side of midnight.
        call("out", MIDNIGHT - second, minute, direction="ext_out", call_targets=[], **internal),
        call("in", MIDNIGHT + second, minute, direction="ext_in", call_targets=[], **internal),
        # The first log of an internal call without an end, whose second log does not count.
        call("running out", MIDNIGHT - 2 * second, None, direction="ext_out", caller="106",
             callee="107", call_targets=[talk("107", MIDNIGHT - 2 * second, None)]),
        call("running in", MIDNIGHT - second, minute, direction="ext_in", caller="106",
             callee="107", call_targets=[talk("107", MIDNIGHT, MIDNIGHT + minute)]),
        call("free", MIDNIGHT + 5 * minute, minute,
             call_targets=[talk("107", MIDNIGHT + 5 * minute, None)]),
        *(call(f"{n} h", MIDNIGHT + timedelta(hours=n), minute) for n in range(-40, 40, 7)),
    ]  # fmt: skip
    return pl.DataFrame(calls, schema=dict(CALL_SCHEMA))


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    """An archive of some days of three months."""
    archive = et.Archive(tmp_path_factory.mktemp("months") / "archive", ivr_numbers=["8000"])
    with (
        serve(calls_of_three_months()) as server,
        et.Client(server.base_url, server.api_key) as client,
    ):
        for since, until in DAYS:
            archive.sync(client, since=since, until=until, progress=False)
    return archive


@pytest.mark.slow
def test_months_have_the_rows_of_the_whole_archive(months: et.Archive, tmp_path: Path):
    publication = months.publish(tmp_path / "tables", personal=True, progress=False)

    calls = months.scan().collect()
    whole = flat_tables(calls, options=months.options, personal=True)
    assert publication.months == ("2024-01", "2024-02", "2024-03")
    assert publication == Publication.read(tmp_path / "tables")
    for grain in GRAINS:
        table = pl.read_parquet(publication.pattern(grain), hive_partitioning=False)
        keys = ["call_id", *(["target_number"] if grain != "calls" else [])]
        assert_frame_equal(table.sort(keys), whole[grain].sort(keys))
        assert publication.rows[grain] == table.height
    offers = whole["offers"].filter("busy_offers")["call_id"].to_list()
    assert sorted(offers) == ["busy", "busy in march"]
    twice = whole["calls"].filter("internal_twice")["call_id"].to_list()
    assert sorted(twice) == ["out", "running out"]


@pytest.mark.slow
def test_a_query_of_the_tables_equals_summarize(months: et.Archive, tmp_path: Path):
    publication = months.publish(tmp_path / "tables", progress=False)

    calls = months.scan().collect()
    with ENGINES["duckdb"](publication) as run:
        for by in ("month", "direction"):
            result = run(et.measures_sql(list(MEASURES), by, publication=publication))
            expected = et.summarize(calls, by, list(MEASURES), options=months.options)
            assert_equal(result, expected)


@pytest.mark.slow
def test_only_changed_files_are_written_again(months: et.Archive, tmp_path: Path):
    folder = tmp_path / "tables"
    first = months.publish(folder, progress=False)
    before = contents(folder)

    assert months.publish(folder, progress=False) == first
    assert contents(folder) == before

    pruned = et.Archive(shutil.copytree(months.path, tmp_path / "pruned"))
    pruned.prune(before="2024-02-01")
    assert pruned.publish(folder, progress=False).months == ("2024-02", "2024-03")
    assert {name.split("/")[1] for name in contents(folder) if "/" in name} == {
        "local_month=2024-02",
        "local_month=2024-03",
    }


@pytest.mark.slow
def test_personal_columns_are_written_on_request_only(months: et.Archive, tmp_path: Path):
    folder = tmp_path / "tables"

    def columns() -> set[str]:
        return {
            name
            for grain in GRAINS
            for name in pl.read_parquet_schema(next((folder / grain).rglob("*.parquet")))
        }

    months.publish(folder, personal=True, progress=False)
    assert set(PERSONAL_COLUMNS) <= columns()
    assert json.loads((folder / "publication.json").read_text("utf-8"))["personal"] is True
    months.publish(folder, progress=False)
    assert not set(PERSONAL_COLUMNS) & columns()
    assert b"0912000001" not in b"".join(content for content, _ in contents(folder).values())


@pytest.mark.slow
def test_external_numbers_are_one_group():
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    numbers = ["101", "0912345678", "+84912345678", "8000", "02871110000", "pseudonym-0123456789"]
    legs = [talk(number, begin, begin + timedelta(seconds=9)) for number in numbers]
    calls = pl.DataFrame(
        [call("one", begin, timedelta(minutes=1), call_targets=legs)], schema=dict(CALL_SCHEMA)
    )
    options = et.MetricOptions(ivr_numbers=["8000", "02871110000"], agent_numbers=["0912345678"])

    table = flat_tables(calls, options=options)

    assert table["legs"]["target_number"].to_list()[:5] == [
        *("101", EXTERNAL, EXTERNAL),
        *("8000", "02871110000"),
    ]
    # Offers are those to persons, also on an agent's mobile phone.
    assert set(table["offers"]["target_number"]) <= {"101", EXTERNAL, numbers[-1]}


def test_the_command_publishes(
    months: et.Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "tables"

    assert main(["publish", str(months.path), str(folder), "--personal"]) == 0
    publication = Publication.read(folder)
    assert publication.personal
    rows = publication.rows
    assert capsys.readouterr().out == (
        f"{folder}: {rows['calls']} calls, {rows['offers']} offers, {rows['legs']} legs\n"
    )
    assert main(["publish", str(months.path), str(folder), "--quiet"]) == 0
    assert not Publication.read(folder).personal
    assert capsys.readouterr() == ("", "")
    assert main(["publish", str(tmp_path / "nothing"), str(folder)]) == 1
    assert "no archive" in capsys.readouterr().err


@pytest.mark.slow
def test_other_settings_replace_all_months(
    months: et.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "tables"
    months.publish(folder, personal=True, progress=False)

    def fail(*_: object) -> None:
        raise ArchiveError("the disk is full")

    monkeypatch.setattr("etelecom_analytics.archive.publish.write_month", fail)
    with pytest.raises(ArchiveError, match="disk is full"):
        months.publish(folder, progress=False)
    with pytest.raises(ArchiveError, match="publish an archive into it"):
        Publication.read(folder)
    monkeypatch.undo()
    assert not months.publish(folder, progress=False).personal


def grown(archive: et.Archive, folder: Path) -> et.Archive:
    """A copy of an archive with one more call in each of its months."""
    copy = et.Archive(shutil.copytree(archive.path, folder), ivr_numbers=["8000"])
    calls = copy.scan().collect()
    table = Table.open(copy.path)
    assert table is not None
    for day in (date(2024, 1, 13), date(2024, 2, 1), date(2024, 3, 3)):
        begin = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
        new = pl.DataFrame([call(f"new {day}", begin, None)], schema=dict(CALL_SCHEMA))
        stored = calls.filter(LOCAL_DIMENSIONS["day"](copy.time_zone) == day).select(*CALL_SCHEMA)
        write_day(table, day, pl.concat([stored, new]))
        table.refresh()
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("failing", ["2024-02", "manifest"])
def test_an_interrupted_publication_is_not_read(
    months: et.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
):
    folder = tmp_path / "tables"
    months.publish(folder, progress=False)
    changed = grown(months, tmp_path / "grown")

    def write(contents: Mapping[Path, bytes]) -> None:
        if any(failing in str(path) or path.stem == "publication" for path in contents):
            raise KeyboardInterrupt
        write_files(contents)

    write_files = storage.write_files
    monkeypatch.setattr(storage, "write_files", write)
    with pytest.raises(KeyboardInterrupt):
        changed.publish(folder, progress=False)
    with pytest.raises(ArchiveError, match="a publication was interrupted: publish an archive"):
        Publication.read(folder)
    monkeypatch.undo()

    publication = changed.publish(folder, progress=False)
    assert publication == Publication.read(folder)
    assert publication.rows["calls"] == changed.scan().collect().height
    assert (
        publication.rows["calls"]
        == pl.scan_parquet(publication.pattern("calls")).select(pl.len()).collect().item()
    )


def test_a_publication_is_not_read_while_months_are_removed(
    months: et.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "tables"
    months.publish(folder, progress=False)
    pruned = et.Archive(shutil.copytree(months.path, tmp_path / "pruned"))
    pruned.prune(before="2024-03-01")

    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(ArchiveError, match=r"local_month=2024-0. cannot be deleted: delete it"):
        pruned.publish(folder, progress=False)
    with pytest.raises(ArchiveError, match="publish an archive into it"):
        Publication.read(folder)
    monkeypatch.undo()
    assert pruned.publish(folder, progress=False).months == ("2024-03",)
    assert not list(folder.rglob("*2024-01*"))


@pytest.mark.slow
def test_a_manifest_that_cannot_be_read_is_not_missing(
    months: et.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "tables"
    months.publish(folder, progress=False)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ArchiveError, match=r"tables cannot be read: Permission denied\."):
        Publication.read(folder)


def test_folders_of_something_else_are_refused(months: et.Archive, tmp_path: Path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"thesis.txt.*an empty or a new folder"):
        months.publish(tmp_path / "other", progress=False)
    with pytest.raises(ArchiveError, match="in the folder of the archive"):
        months.publish(months.path / "tables", progress=False)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ArchiveError, match="cannot be used for tables"):
        months.publish(tmp_path / "file", progress=False)
    with pytest.raises(ArchiveError, match="no archive"):
        et.Archive(tmp_path / "nothing").publish(tmp_path / "tables", progress=False)
    newer = {"format": 2, "options": {}, "personal": False, "rows": {}, "months": []}
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "publication.json").write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"format 2.*upgrade"):
        Publication.read(tmp_path / "newer")
