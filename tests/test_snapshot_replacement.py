"""While a snapshot is replaced, and after any crash, there is always one to read."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.traced import run_with_failures

import etelecom_analytics as et
from etelecom_analytics import storage
from etelecom_analytics.errors import SnapshotError

_REPLACE = """
import sys, itertools
import etelecom_analytics as et
logs = et.sample_logs()
less = type(logs)(calls=logs.calls.head(100), query=logs.query, report=logs.report)
for number in itertools.count() if sys.argv[2] == "0" else range(int(sys.argv[2])):
    et.write_snapshot((logs, less)[number % 2], sys.argv[1], replace=True)
    print(number, flush=True)
"""
_WRITE_TWICE = """
import sys
import etelecom_analytics as et
from etelecom_analytics.errors import SnapshotError
logs = et.sample_logs()
less = type(logs)(calls=logs.calls.head(100), query=logs.query, report=logs.report)
et.write_snapshot(logs, sys.argv[1])
try:
    et.write_snapshot(less, sys.argv[1], replace=True)
except SnapshotError as error:
    print(error)
else:
    print("replaced")
"""


def heights() -> set[int]:
    return {400, 100}


def replacing(folder: Path, count: int = 0) -> "subprocess.Popen[str]":
    """A process that replaces a snapshot all the time."""
    process = subprocess.Popen(
        [sys.executable, "-c", _REPLACE, str(folder), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.mark.slow
def test_reads_during_constant_replacement_succeed(tmp_path: Path):
    folder = tmp_path / "week"
    with replacing(folder) as process:
        results, changes = [et.read_snapshot(folder).calls.height], 0
        while len(results) < 200 or changes < 20:
            results.append(et.read_snapshot(folder).calls.height)
            changes += results[-1] != results[-2]
            assert process.poll() is None
        process.kill()
    assert set(results) == heights()


@pytest.mark.slow
def test_reads_succeed_without_an_exchange_of_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The reader waits for the moment between two renames."""
    monkeypatch.setattr(storage, "swap_names", lambda one, other: False)
    folder, logs = tmp_path / "week", et.sample_logs()
    less = type(logs)(calls=logs.calls.head(100), query=logs.query, report=logs.report)
    et.write_snapshot(logs, folder)
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, etelecom_analytics as et\n"
            "for _ in range(60): print(et.read_snapshot(sys.argv[1]).calls.height)",
            str(folder),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    ) as reader:
        for number in itertools.count():
            et.write_snapshot((logs, less)[number % 2], folder, replace=True)
            if reader.poll() is not None:
                break
        assert reader.stdout
        results = reader.stdout.read().split()
    assert reader.returncode == 0
    assert len(results) == 60
    assert set(results) <= {"400", "100"}
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


@pytest.mark.slow
@pytest.mark.parametrize("exchange", [True, False])
def test_killed_writers_leave_a_snapshot_and_nothing_else(exchange: bool, tmp_path: Path):
    """Kill writers at random times; the next writer removes what they left behind."""
    folder, chance = tmp_path / "week", random.Random(3)
    code = (
        _REPLACE
        if exchange
        else (
            "from etelecom_analytics import storage\nstorage.swap_names = lambda *_: False"
            + _REPLACE
        )
    )
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(folder), "0"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        ) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(chance.random() * 0.05)
            process.send_signal(signal.SIGKILL)
        assert et.read_snapshot(folder).calls.height in heights()
    et.write_snapshot(et.sample_logs(), folder, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


@pytest.mark.slow
def test_snapshot_of_a_writer_that_died_between_two_renames_is_read_and_restored(tmp_path: Path):
    logs = et.sample_logs()
    folder = et.write_snapshot(logs, tmp_path / "week")
    folder.rename(storage.temporary_path(folder, "old"))

    assert_frame_equal(et.read_snapshot(folder).calls, logs.calls)
    assert not folder.exists(), "reading changes nothing"
    with pytest.raises(SnapshotError, match="already exists"):
        et.write_snapshot(logs, folder)
    et.write_snapshot(logs, folder, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


def test_files_of_running_writers_are_not_removed(tmp_path: Path):
    with storage.staged(tmp_path / "week", is_folder=True) as temporary:
        et.write_snapshot(et.sample_logs(), tmp_path / "week")
        assert temporary.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["EACCES", "EPERM", "EBUSY"])
def test_refused_rename_is_retried(failure: str, tmp_path: Path):
    """The first two renames fail, as those of a file that an antivirus reads."""
    calls = "rename,renameat,renameat2"
    process = run_with_failures(
        _WRITE_TWICE,
        str(tmp_path / "week"),
        failures={calls: f"error={failure}:when=1..2"},
    )
    assert process.stdout == "replaced\n", process.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["week"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failures", "text"),
    [
        ({"renameat2": "error=EACCES"}, "Permission denied"),
        ({"renameat2": "error=EINVAL", "rename,renameat": "error=EBUSY:when=2+"}, "busy"),
        ({"renameat2": "error=EXDEV"}, "cross-device"),
        ({"fsync": "error=EIO:when=6+"}, "Input/output error"),
        ({"fsync": "error=EIO:when=10"}, "Input/output error"),
        ({"fsync": "error=EIO:when=10", "renameat2": "error=ENOSYS"}, "Input/output error"),
    ],
)
def test_calls_that_cannot_be_saved_are_kept_elsewhere(
    failures: dict[str, str], text: str, tmp_path: Path
):
    """The tenth fsync is that of the folder after the old snapshot was replaced."""
    process = run_with_failures(_WRITE_TWICE, str(tmp_path / "week"), failures=failures)

    assert text in process.stdout, process.stderr
    assert "An existing snapshot is unchanged." in process.stdout
    assert et.read_snapshot(tmp_path / "week").calls.height == 400
    others = [path for path in tmp_path.iterdir() if path.name != "week"]
    if failures.get("fsync", "").endswith("+"):
        assert "No other folder could be written either." in process.stdout
        assert others == []
        return
    assert f"The calls are in {others[0]}: read_snapshot reads them there." in process.stdout
    assert len(others) == 1
    assert et.read_snapshot(others[0]).calls.height == 100


_UNMASKED = """
import os, sys
import etelecom_analytics as et
for umask in sys.argv[2:]:
    os.umask(int(umask, 8))
    for replace in (False, True):
        et.write_snapshot(et.sample_logs(), f"{sys.argv[1]}/{umask}/week", replace=replace)
"""


@pytest.mark.slow
def test_snapshot_is_for_its_owner_only_whatever_the_umask(tmp_path: Path):
    umasks = ("000", "022", "077", "777")
    subprocess.run(
        [sys.executable, "-c", _UNMASKED, str(tmp_path), *umasks],
        check=True,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert {path.name for path in tmp_path.iterdir()} == set(umasks)
    for path in tmp_path.rglob("*"):
        assert oct(path.stat().st_mode & 0o777) == ("0o700" if path.is_dir() else "0o600"), path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a\0b", "null character"),
        ("x" * 256, "File name too long"),
        ("s3://bucket/week", "only folders of this machine"),
        ("file:///tmp/week", "only folders of this machine"),
    ],
)
@pytest.mark.parametrize(
    "use", [et.read_snapshot, lambda path: et.write_snapshot(et.sample_logs(), path)]
)
def test_impossible_path_is_an_error_in_one_sentence(
    name: str, text: str, use: Callable[[str], object], tmp_path: Path
):
    with pytest.raises(SnapshotError, match=text):
        use(name if "://" in name else f"{tmp_path}/{name}")


def test_name_of_255_bytes_is_possible(tmp_path: Path):
    name = "tuần-" + "ố" * 80
    name += "x" * (255 - len(name.encode()))
    for replace in (False, True):
        et.write_snapshot(et.sample_logs(), tmp_path / name, replace=replace)
    assert et.read_snapshot(tmp_path / name).calls.height == 400
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_loop_of_links_is_an_error(tmp_path: Path):
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    for use in (et.read_snapshot, lambda path: et.write_snapshot(et.sample_logs(), path)):
        with pytest.raises(SnapshotError, match="symbolic links"):
            use(tmp_path / "one" / "week")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/dev/null")])
def test_path_that_is_neither_a_file_nor_a_folder_is_refused(
    make: Callable[[Path], None], tmp_path: Path
):
    make(tmp_path / "week")
    for replace in (False, True):
        with pytest.raises(SnapshotError, match="is not a snapshot"):
            et.write_snapshot(et.sample_logs(), tmp_path / "week", replace=replace)
    with pytest.raises(SnapshotError):
        et.read_snapshot(tmp_path / "week")


def test_fifo_in_a_snapshot_does_not_block_the_reader(tmp_path: Path):
    folder = et.write_snapshot(et.sample_logs(), tmp_path / "week")
    (folder / "calls.parquet").unlink()
    os.mkfifo(folder / "calls.parquet")
    with pytest.raises(SnapshotError, match="not a regular file"):
        et.read_snapshot(folder)


def test_schema_of_a_read_snapshot_is_that_of_calls(tmp_path: Path):
    folder = et.write_snapshot(et.sample_logs(), tmp_path / "week")
    assert et.read_snapshot(folder).calls.schema == pl.Schema(et.sample_logs().calls.schema)


def test_snapshot_that_is_replaced_during_the_look_for_its_manifest_is_replaced_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The look was into the old folder, whose files the other writer had removed."""
    logs, folder = et.sample_logs(), tmp_path / "week"
    et.write_snapshot(logs, folder)
    is_file, looks = Path.is_file, list[Path]()

    def is_file_of_old_folder(path: Path) -> bool:
        if path == folder / "manifest.json" and not looks:
            looks.append(path)
            et.write_snapshot(logs, folder, replace=True)
            return False
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", is_file_of_old_folder)
    et.write_snapshot(logs, folder, replace=True)

    assert len(looks) == 1
    assert et.read_snapshot(folder).calls.height == logs.calls.height
