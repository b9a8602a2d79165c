"""Snapshots: whole or not there at all, the same bytes for the same calls, and refused when they are not what was written."""

import dataclasses
import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import SnapshotError
from etelecom_analytics.schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA, SCHEMA_VERSION
from etelecom_analytics.simulator import API_KEY, serve

ClientOf = Callable[..., et.Client]
FILES = ["call_targets.parquet", "calls.parquet", "manifest.json"]


@pytest.fixture
def logs(client: et.Client) -> et.CallLogs:
    return et.fetch_calls(
        client, et.CallQuery(direction="in", date_from="2026-11-03", date_to="2026-11-05")
    )


def test_what_is_written_is_read_back(logs: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(logs, tmp_path / "deeper" / "week")
    read = et.read_snapshot(str(folder))

    assert_frame_equal(read.calls, logs.calls)
    assert_frame_equal(read.call_targets, logs.call_targets)
    assert read.query == logs.query
    assert read.report == logs.report
    assert repr(read) == repr(logs)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["week"]


def test_the_tables_are_files_that_anybody_can_read(logs: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(logs, tmp_path / "week")

    assert pl.read_parquet(folder / "calls.parquet").schema == pl.Schema(CALL_SCHEMA)
    targets = pl.read_parquet(folder / "call_targets.parquet")
    assert targets.schema == pl.Schema(CALL_TARGETS_SCHEMA)
    assert targets.height == logs.call_targets.height


def test_the_manifest_says_what_is_there(logs: et.CallLogs, tmp_path: Path):
    manifest = json.loads(
        (et.write_snapshot(logs, tmp_path / "week") / "manifest.json").read_text()
    )

    assert manifest["schema_version"] == SCHEMA_VERSION
    assert manifest["package_version"] == et.__version__
    assert manifest["rows"] == {
        "calls": logs.calls.height,
        "call_targets": logs.call_targets.height,
    }
    assert manifest["query"] == logs.query.to_dict()
    assert manifest["report"] == logs.report.to_dict()
    assert manifest["span"]["first_started_at"] == logs.calls["started_at"].min().isoformat()
    assert set(manifest["files"]) == {"calls.parquet", "call_targets.parquet"}


def test_drift_and_what_was_set_aside_are_kept(client_of: ClientOf, tmp_path: Path):
    with serve([{"id": 5, "caller": None}, {"no": "id"}, 17]) as server:
        logs = et.fetch_calls(client_of(server))
    read = et.read_snapshot(et.write_snapshot(logs, tmp_path / "week"))

    assert read.report == logs.report
    assert len(read.report.set_aside) == 2
    assert read.report.drift


def test_the_key_is_in_no_file(logs: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(logs, tmp_path / "week")

    assert not [path for path in folder.iterdir() if API_KEY.encode() in path.read_bytes()]


def test_the_same_calls_give_the_same_bytes(client: et.Client, tmp_path: Path):
    one, two = (
        et.write_snapshot(et.fetch_calls(client), tmp_path / name) for name in ("one", "two")
    )

    for name in ("calls.parquet", "call_targets.parquet"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_no_calls_are_a_snapshot_too(client: et.Client, tmp_path: Path):
    nothing = et.fetch_calls(client, et.CallQuery(date_to="2020-01-01"))
    read = et.read_snapshot(et.write_snapshot(nothing, tmp_path / "nothing"))

    assert read.calls.schema == pl.Schema(CALL_SCHEMA)
    assert read.calls.is_empty()


# Replacing.


def test_an_existing_snapshot_is_replaced_only_when_asked(
    logs: et.CallLogs, client: et.Client, tmp_path: Path
):
    folder = et.write_snapshot(logs, tmp_path / "week")
    other = et.fetch_calls(client, et.CallQuery(direction="out"))

    with pytest.raises(SnapshotError, match=r"exists already.*replace=True"):
        et.write_snapshot(other, folder)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    et.write_snapshot(other, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, other.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_a_folder_that_is_no_snapshot_is_never_replaced(logs: et.CallLogs, tmp_path: Path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")

    with pytest.raises(SnapshotError, match="is no snapshot, so it is not replaced"):
        et.write_snapshot(logs, tmp_path / "thesis", replace=True)
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def test_a_full_disk_leaves_what_was_there(logs: et.CallLogs, tmp_path: Path):
    """/dev/full is a file that is always full."""
    folder = et.write_snapshot(logs, tmp_path / "week")
    mkdir = Path.mkdir

    def on_a_full_disk(self: Path, *arguments: Any, **options: Any) -> None:
        mkdir(self, *arguments, **options)
        (self / "calls.parquet").symlink_to("/dev/full")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "mkdir", on_a_full_disk)
        with pytest.raises(SnapshotError, match=r"No space left on device.*unchanged"):
            et.write_snapshot(logs, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_a_folder_that_appears_meanwhile_is_left_alone(
    logs: et.CallLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fsync = os.fsync

    def somebody_is_quicker(file: int) -> None:
        fsync(file)
        (tmp_path / "thesis").mkdir(exist_ok=True)
        (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")

    monkeypatch.setattr(os, "fsync", somebody_is_quicker)
    for replace in (False, True):
        with pytest.raises(SnapshotError, match=r"exists|somebody else|no snapshot"):
            et.write_snapshot(logs, tmp_path / "thesis", replace=replace)
        assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"
        assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_of_many_writers_of_a_new_place_one_wins(logs: et.CallLogs, tmp_path: Path):
    def write(_: int) -> bool:
        try:
            et.write_snapshot(logs, tmp_path / "week")
        except SnapshotError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(write, range(6))) == [False] * 5 + [True]
    assert_frame_equal(et.read_snapshot(tmp_path / "week").calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_many_writers_that_replace_each_other_leave_one_and_no_litter(
    logs: et.CallLogs, tmp_path: Path
):
    et.write_snapshot(logs, tmp_path / "week")

    def replace(_: int) -> None:
        et.write_snapshot(logs, tmp_path / "week", replace=True)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(replace, range(30)))
    assert_frame_equal(et.read_snapshot(tmp_path / "week").calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_ctrl_c_while_moving_in_leaves_the_old_one(
    logs: et.CallLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = et.write_snapshot(logs, tmp_path / "week")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        et.write_snapshot(logs, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_through_a_link_the_snapshot_behind_it_is_replaced(
    logs: et.CallLogs, client: et.Client, tmp_path: Path
):
    et.write_snapshot(logs, tmp_path / "week")
    (tmp_path / "latest").symlink_to(tmp_path / "week")
    other = et.fetch_calls(client, et.CallQuery(direction="out"))
    et.write_snapshot(other, tmp_path / "latest", replace=True)

    assert (tmp_path / "latest").is_symlink()
    assert_frame_equal(et.read_snapshot(tmp_path / "week").calls, other.calls)


def test_calls_with_other_columns_are_not_kept(logs: et.CallLogs, tmp_path: Path):
    more = dataclasses.replace(logs, calls=logs.calls.with_columns(mood=pl.lit("good")))

    with pytest.raises(SnapshotError, match="no more and no fewer"):
        et.write_snapshot(more, tmp_path / "week")


def test_if_the_new_one_cannot_move_in_the_old_one_moves_back(
    logs: et.CallLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = et.write_snapshot(logs, tmp_path / "week")
    rename = Path.rename

    def stuck(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stuck)
    with pytest.raises(SnapshotError, match=r"busy.*unchanged"):
        et.write_snapshot(logs, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_a_place_that_cannot_be_written_is_a_sentence(logs: et.CallLogs, tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SnapshotError, match="Nothing can be written at"):
        et.write_snapshot(logs, tmp_path / "file" / "week")


def test_a_reader_sees_the_old_one_the_new_one_or_none(client: et.Client, tmp_path: Path):
    """While a snapshot is replaced again and again, whoever reads it gets a whole one, or hears that there is none at this moment."""
    versions = [
        et.fetch_calls(client, et.CallQuery(direction=direction)) for direction in ("in", "out")
    ]
    folder = et.write_snapshot(versions[0], tmp_path / "week")
    heights = {version.calls.height for version in versions}
    over = threading.Event()

    def replace_on_and_on() -> None:
        for turn in range(60):
            et.write_snapshot(versions[turn % 2], folder, replace=True)
        over.set()

    writer = threading.Thread(target=replace_on_and_on)
    writer.start()
    seen: list[int] = []
    while not over.is_set():
        try:
            seen.append(et.read_snapshot(folder).calls.height)
        except SnapshotError as error:
            # none is as good as whole; anything else is not
            assert "No snapshot could be read" in str(error)  # noqa: PT017
    writer.join()
    assert set(seen) <= heights
    assert len(seen) > 10


# Refused.


@pytest.fixture
def folder(logs: et.CallLogs, tmp_path: Path) -> Path:
    return et.write_snapshot(logs, tmp_path / "week")


@pytest.mark.parametrize("name", ["calls.parquet", "call_targets.parquet"])
def test_a_file_that_was_cut_is_refused(name: str, folder: Path):
    (folder / name).write_bytes((folder / name).read_bytes()[:-10])

    with pytest.raises(SnapshotError, match=f"{name} was cut or changed"):
        et.read_snapshot(folder)


def test_a_file_that_was_changed_is_refused(folder: Path):
    pl.read_parquet(folder / "calls.parquet").with_columns(
        duration=pl.lit(0, pl.Int32)
    ).write_parquet(folder / "calls.parquet")

    with pytest.raises(SnapshotError, match=r"calls.parquet was cut or changed"):
        et.read_snapshot(folder)


@pytest.mark.parametrize("field", ["query", "rows", "report"])
def test_a_manifest_that_was_changed_is_refused(field: str, folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[field] |= {"seconds": "fast"} if field == "report" else {"time_zone": "UTC"}
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(SnapshotError, match="was cut or changed"):
        et.read_snapshot(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_named(name: str, folder: Path):
    (folder / name).unlink()

    with pytest.raises(SnapshotError, match=f"{name} is missing"):
        et.read_snapshot(folder)


def test_a_newer_schema_is_refused(folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {
        "schema_version": SCHEMA_VERSION + 1,
        "package_version": "99.0",
        "query": {"field of tomorrow": 1},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(
        SnapshotError, match=r"written by etelecom_analytics 99.0.*upgrade the package"
    ):
        et.read_snapshot(folder)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": "something else"}',
        '{"format": "etelecom_analytics snapshot", "schema_version": 1}',
    ],
)
def test_a_manifest_that_is_none_is_refused(content: str, folder: Path):
    (folder / "manifest.json").write_text(content)

    with pytest.raises(SnapshotError, match="is not the manifest of a snapshot"):
        et.read_snapshot(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SnapshotError, match=r"there is no folder .*nowhere"):
        et.read_snapshot(tmp_path / "nowhere")


def test_a_snapshot_may_be_moved_and_copied(folder: Path, logs: et.CallLogs, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "copy")

    assert_frame_equal(et.read_snapshot(tmp_path / "copy").calls, logs.calls)
