"""Snapshots are atomic and deterministic, and modified snapshots are rejected."""

import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
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


def test_read_snapshot_returns_what_was_written(logs: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(logs, tmp_path / "deeper" / "week")
    restored = et.read_snapshot(str(folder))

    assert_frame_equal(restored.calls, logs.calls)
    assert_frame_equal(restored.call_targets, logs.call_targets)
    assert restored.query == logs.query
    assert restored.report == logs.report
    assert repr(restored) == repr(logs)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["week"]


def test_tables_are_plain_parquet_files(logs: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(logs, tmp_path / "week")

    assert pl.read_parquet(folder / "calls.parquet").schema == pl.Schema(CALL_SCHEMA)
    targets = pl.read_parquet(folder / "call_targets.parquet")
    assert targets.schema == pl.Schema(CALL_TARGETS_SCHEMA)
    assert targets.height == logs.call_targets.height


def test_manifest_describes_the_content(logs: et.CallLogs, tmp_path: Path):
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


def test_drift_and_set_aside_records_are_written(client_of: ClientOf, tmp_path: Path):
    with serve([{"id": 5, "caller": None}, {"no": "id"}, 17]) as server:
        logs = et.fetch_calls(client_of(server))
    restored = et.read_snapshot(et.write_snapshot(logs, tmp_path / "week"))

    assert restored.report == logs.report
    assert len(restored.report.set_aside) == 2
    assert restored.report.drift


def test_files_do_not_contain_the_api_key(logs: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(logs, tmp_path / "week")

    assert not [path for path in folder.iterdir() if API_KEY.encode() in path.read_bytes()]


def test_same_calls_give_the_same_bytes(client: et.Client, tmp_path: Path):
    one, two = (
        et.write_snapshot(et.fetch_calls(client), tmp_path / name) for name in ("one", "two")
    )

    for name in ("calls.parquet", "call_targets.parquet"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_snapshot_may_be_empty(client: et.Client, tmp_path: Path):
    empty = et.fetch_calls(client, et.CallQuery(date_to="2020-01-01"))
    restored = et.read_snapshot(et.write_snapshot(empty, tmp_path / "empty"))

    assert restored.calls.schema == pl.Schema(CALL_SCHEMA)
    assert restored.calls.is_empty()


# Replacement and concurrency.


def test_snapshot_is_replaced_only_with_replace(
    logs: et.CallLogs, client: et.Client, tmp_path: Path
):
    folder = et.write_snapshot(logs, tmp_path / "week")
    other = et.fetch_calls(client, et.CallQuery(direction="out"))

    with pytest.raises(SnapshotError, match=r"already exists.*replace=True"):
        et.write_snapshot(other, folder)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    et.write_snapshot(other, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, other.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_folder_that_is_not_a_snapshot_is_never_replaced(logs: et.CallLogs, tmp_path: Path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")

    with pytest.raises(SnapshotError, match="is not a snapshot, so it is not replaced"):
        et.write_snapshot(logs, tmp_path / "thesis", replace=True)
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def kept_elsewhere(error: SnapshotError) -> Path:
    """The folder in which a failed write has kept the calls."""
    match = re.search(r"The calls are in (.*): read_snapshot reads them there\.", str(error))
    assert match, str(error)
    return Path(match[1])


def test_full_disk_leaves_the_old_snapshot(logs: et.CallLogs, tmp_path: Path):
    """Writing to /dev/full always fails with ENOSPC."""
    folder = et.write_snapshot(logs, tmp_path / "week")
    mkdir = Path.mkdir

    def mkdir_on_full_disk(self: Path, *arguments: Any, **options: Any) -> None:
        mkdir(self, *arguments, **options)
        (self / "calls.parquet").symlink_to("/dev/full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "mkdir", mkdir_on_full_disk)
        with pytest.raises(SnapshotError, match=r"No space left on device.*unchanged") as caught:
            et.write_snapshot(logs, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    kept = kept_elsewhere(caught.value)
    assert_frame_equal(et.read_snapshot(kept).calls, logs.calls)
    assert set(tmp_path.iterdir()) <= {folder, kept}


def test_folder_created_during_the_write_is_not_changed(
    logs: et.CallLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fsync = os.fsync

    def fsync_and_create_folder(file: int) -> None:
        fsync(file)
        (tmp_path / "thesis").mkdir(exist_ok=True)
        (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")

    monkeypatch.setattr(os, "fsync", fsync_and_create_folder)
    for replace in (False, True):
        (tmp_path / "thesis" / "chapter1.txt").unlink(missing_ok=True)
        shutil.rmtree(tmp_path / "thesis", ignore_errors=True)
        with pytest.raises(SnapshotError, match=r"Another process|not a snapshot") as caught:
            et.write_snapshot(logs, tmp_path / "thesis", replace=replace)
        assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"
        assert_frame_equal(et.read_snapshot(kept_elsewhere(caught.value)).calls, logs.calls)
    assert not list(tmp_path.glob(".*"))


def test_one_of_many_concurrent_writers_succeeds(logs: et.CallLogs, tmp_path: Path):
    def write(_: int) -> bool:
        try:
            et.write_snapshot(logs, tmp_path / "week")
        except SnapshotError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(write, range(6))) == [False] * 5 + [True]
    assert_frame_equal(et.read_snapshot(tmp_path / "week").calls, logs.calls)
    assert not list(tmp_path.glob(".*"))
    for path in tmp_path.iterdir():  # of a writer that was too late
        assert_frame_equal(et.read_snapshot(path).calls, logs.calls)


def test_concurrent_replacements_leave_one_snapshot(logs: et.CallLogs, tmp_path: Path):
    et.write_snapshot(logs, tmp_path / "week")

    def replace(_: int) -> None:
        et.write_snapshot(logs, tmp_path / "week", replace=True)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(replace, range(30)))
    assert_frame_equal(et.read_snapshot(tmp_path / "week").calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_keyboard_interrupt_leaves_a_snapshot(
    logs: et.CallLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = et.write_snapshot(logs, tmp_path / "week")
    fsync, syncs = os.fsync, list[int]()

    def interrupted_fsync(file: int) -> None:
        fsync(file)
        syncs.append(file)
        if len(syncs) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted_fsync)
    with pytest.raises(KeyboardInterrupt):
        et.write_snapshot(logs, folder, replace=True)
    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_replacing_a_link_replaces_its_target(logs: et.CallLogs, client: et.Client, tmp_path: Path):
    et.write_snapshot(logs, tmp_path / "week")
    (tmp_path / "latest").symlink_to(tmp_path / "week")
    other = et.fetch_calls(client, et.CallQuery(direction="out"))
    et.write_snapshot(other, tmp_path / "latest", replace=True)

    assert (tmp_path / "latest").is_symlink()
    assert_frame_equal(et.read_snapshot(tmp_path / "week").calls, other.calls)


def test_calls_with_other_columns_are_an_error(logs: et.CallLogs, tmp_path: Path):
    extended = dataclasses.replace(logs, calls=logs.calls.with_columns(mood=pl.lit("good")))

    with pytest.raises(SnapshotError, match="exactly the columns of a fetch"):
        et.write_snapshot(extended, tmp_path / "week")


def test_path_that_cannot_be_written_is_an_error(logs: et.CallLogs, tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SnapshotError, match="is not a writable folder"):
        et.write_snapshot(logs, tmp_path / "file" / "week")


# Invalid snapshots.


@pytest.fixture
def folder(logs: et.CallLogs, tmp_path: Path) -> Path:
    return et.write_snapshot(logs, tmp_path / "week")


@pytest.mark.parametrize("name", ["calls.parquet", "call_targets.parquet"])
def test_truncated_file_is_an_error(name: str, folder: Path):
    (folder / name).write_bytes((folder / name).read_bytes()[:-10])

    with pytest.raises(SnapshotError, match=f"{name} was modified"):
        et.read_snapshot(folder)


def test_modified_file_is_an_error(folder: Path):
    pl.read_parquet(folder / "calls.parquet").with_columns(
        duration=pl.lit(0, pl.Int32)
    ).write_parquet(folder / "calls.parquet")

    with pytest.raises(SnapshotError, match=r"calls.parquet was modified"):
        et.read_snapshot(folder)


@pytest.mark.parametrize("field", ["query", "rows", "report"])
def test_modified_manifest_is_an_error(field: str, folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[field] |= {"seconds": "fast"} if field == "report" else {"time_zone": "UTC"}
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(SnapshotError, match="was modified"):
        et.read_snapshot(folder)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(name: str, folder: Path):
    (folder / name).unlink()

    with pytest.raises(SnapshotError, match=f"{name} is missing"):
        et.read_snapshot(folder)


def test_newer_schema_is_an_error(folder: Path):
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
def test_invalid_manifest_is_an_error(content: str, folder: Path):
    (folder / "manifest.json").write_text(content)

    with pytest.raises(SnapshotError, match="is not the manifest of a snapshot"):
        et.read_snapshot(folder)


def test_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(SnapshotError, match=r"there is no folder .*nowhere"):
        et.read_snapshot(tmp_path / "nowhere")


def test_snapshot_can_be_copied(folder: Path, logs: et.CallLogs, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "copy")

    assert_frame_equal(et.read_snapshot(tmp_path / "copy").calls, logs.calls)


# Tampered snapshots: their hashes are right, but their content is not.


def tampered(folder: Path, **changes: Any) -> None:
    """Change the manifest, and make its own hash right again."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.pop("sha256")
    manifest |= changes
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest | {"sha256": digest}))


def with_content(folder: Path, name: str, content: bytes) -> None:
    """Replace a file of a snapshot, and its hash in the manifest."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    files[name] = {"sha256": hashlib.sha256(content).hexdigest()}
    tampered(folder, files=files)


def parquet(table: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    table.write_parquet(content)
    return content.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["calls.parquet", "call_targets.parquet"])
@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"junk" * 100, b"PAR1" + b"\xff" * 500 + b"PAR1"]
)
def test_junk_with_the_right_hash_is_an_error(name: str, content: bytes, folder: Path):
    with_content(folder, name, content)
    with pytest.raises(SnapshotError, match=f"{name} is not a parquet file"):
        et.read_snapshot(folder)


def test_damaged_parquet_with_the_right_hash_is_an_error_or_gives_the_schema(
    logs: et.CallLogs, folder: Path
):
    """Damage anywhere in a file never raises an error of Polars."""
    original = (folder / "calls.parquet").read_bytes()
    failed = 0
    for begin in range(4, len(original) - 8, len(original) // 25):
        damaged = bytearray(original)
        damaged[begin : begin + 64] = os.urandom(64)
        with_content(folder, "calls.parquet", bytes(damaged[: len(original)]))
        try:
            assert et.read_snapshot(folder).calls.schema == pl.Schema(CALL_SCHEMA)
        except SnapshotError:
            failed += 1
    assert failed


TABLES: dict[str, tuple[str, Callable[[et.CallLogs], pl.DataFrame]]] = {
    "fewer calls": ("calls.parquet", lambda logs: logs.calls.head(3)),
    "no id": ("calls.parquet", lambda logs: logs.calls.with_columns(id=pl.lit(None, pl.String))),
    "another column": ("calls.parquet", lambda logs: logs.calls.with_columns(mood=1)),
    "another type": ("calls.parquet", lambda logs: logs.calls.cast({"duration": pl.Int64})),
    "fewer legs": ("call_targets.parquet", lambda logs: logs.call_targets.head(3)),
    "other legs": ("call_targets.parquet", lambda logs: logs.calls),
}


@pytest.mark.parametrize("case", TABLES)
def test_table_that_does_not_match_its_manifest_is_an_error(
    case: str, logs: et.CallLogs, folder: Path
):
    name, change = TABLES[case]
    with_content(folder, name, parquet(change(logs)))
    with pytest.raises(SnapshotError, match=f"{name} does not match its manifest"):
        et.read_snapshot(folder)


@pytest.mark.parametrize(
    "names",
    [
        pl.DataFrame({"user_name": ["a"]}),
        pl.DataFrame({"mood": ["a"]}),
        pl.DataFrame({"id": ["a"]}),
    ],
)
def test_names_that_do_not_match_the_calls_are_an_error(names: pl.DataFrame, folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    with_content(folder, "names.parquet", parquet(names))
    tampered(folder, rows=manifest["rows"] | {"names": names.height})
    with pytest.raises(SnapshotError, match=r"names.parquet does not match its manifest"):
        et.read_snapshot(folder)


FIELDS: list[tuple[str, Any]] = [
    *(("rows", value) for value in ("5", -1, 1.5, None, True, [])),
    *(("seconds", value) for value in ("fast", None, float("nan"), [])),
    *(("began_at", value) for value in (5, "yesterday", "2026-11-02T00:00:00", None)),
    *(("gaps", value) for value in (5, [["x", "y"]], [[1]], None)),
    *(("windows", value) for value in (5, [{"begin": None}], [5])),
    *(("drift", value) for value in (5, [{"field": 5, "kind": "x", "count": "y", "example": 1}])),
    *(("running_long", value) for value in (5, [5])),
    *(("time_zone", value) for value in (5, None)),
    ("complete_to", None),
    ("set_aside", [{"record": 1}]),
    ("dates_ignored", "no"),
    ("unknown", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("field", "value"), FIELDS)
def test_report_with_values_of_other_types_is_an_error(field: str, value: Any, folder: Path):
    report = json.loads((folder / "manifest.json").read_text())["report"]
    tampered(folder, report=report | {field: value})
    with pytest.raises(SnapshotError, match="is not the manifest of a snapshot"):
        et.read_snapshot(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"query": {"direction": "sideways"}},
        {"query": 5},
        {"query": {"time_zone": 5}},
        {"rows": {}},
        {"rows": 5},
        {"files": {}},
        {"schema_version": "1"},
        {"schema_version": None},
        {"report": {}},
        {"report": None},
    ],
)
def test_manifest_with_other_values_is_an_error(changes: dict[str, Any], folder: Path):
    tampered(folder, **changes)
    with pytest.raises(SnapshotError, match="is not the manifest of a snapshot"):
        et.read_snapshot(folder)


def test_deeply_nested_manifest_is_an_error(folder: Path):
    (folder / "manifest.json").write_text('{"format": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(SnapshotError, match="is not the manifest of a snapshot"):
        et.read_snapshot(folder)


def test_escape_sequences_of_a_manifest_are_not_printed(folder: Path):
    tampered(
        folder,
        schema_version=SCHEMA_VERSION + 1,
        package_version="\x1b[31m9.9\x1b]0;title\x07\n0912345678",
    )
    with pytest.raises(SnapshotError, match="upgrade the package") as caught:
        et.read_snapshot(folder)
    assert str(caught.value).isprintable()
    assert "0912345678" not in str(caught.value)


def test_escape_sequences_in_a_report_are_not_printed(folder: Path):
    report = json.loads((folder / "manifest.json").read_text())["report"]
    drift = [{"field": "\x1b[31mred", "kind": "\x1b]0;x\x07", "count": 1, "example": "\x1b[2J"}]
    tampered(folder, report=report | {"drift": drift, "filters_ignored": ["\x1b[1m"]})
    try:
        restored = et.read_snapshot(folder)
    except SnapshotError as error:
        assert "\x1b" not in str(error)  # noqa: PT017
    else:
        assert "\x1b" not in repr(restored)
        assert "\x1b" not in repr(restored.report)
        assert "\x1b" not in restored.report._repr_html_()
