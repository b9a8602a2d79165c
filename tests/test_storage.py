"""Pages, pictures and other files are written whole or not at all, for their owner only."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.traced import run_with_failures

import etelecom_analytics as et
from etelecom_analytics import storage
from etelecom_analytics.errors import EtelecomError, ReportError

LOGS = et.sample_logs()
_ENVIRONMENT = os.environ | {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}


def run(code: str, *arguments: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=_ENVIRONMENT,
        check=True,
        stdout=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )


CONTENT = b"new" * 9_000
_WRITE = (
    "import os, sys; from pathlib import Path; from etelecom_analytics import storage;"
    "storage.write_files({Path(path): b'new' * 9_000 for path in sys.argv[1].split(':')})"
)
_WRITE_FILE = (
    "import sys; from etelecom_analytics import storage;"
    "storage.write_file(sys.argv[1], b'new' * 9_000)"
)
_PAGE = "import sys, etelecom_analytics as et; et.write_page(et.sample_logs(), sys.argv[1])"


def test_file_goes_to_standard_output_a_pipe_and_the_target_of_a_link(tmp_path: Path):
    assert run(_WRITE_FILE, "/dev/stdout").stdout == CONTENT
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit((tmp_path / "pipe").read_bytes)
        storage.write_file(tmp_path / "pipe", CONTENT)
        assert received.result() == CONTENT
    (tmp_path / "target.html").write_text("old")
    (tmp_path / "link.html").symlink_to(tmp_path / "target.html")
    storage.write_file(tmp_path / "link.html", CONTENT)
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "target.html").read_bytes() == CONTENT


@pytest.mark.slow
def test_standard_output_that_is_a_file_keeps_what_was_printed(tmp_path: Path):
    with (tmp_path / "out").open("wb") as file:
        subprocess.run(
            [sys.executable, "-c", f"print('before'); {_PAGE}; print('after')", "/dev/stdout"],
            env=_ENVIRONMENT,
            check=True,
            stdout=file,
        )
    content = (tmp_path / "out").read_bytes()
    assert content.startswith(b"before\n<!")
    assert content.endswith(b"after\n")


@pytest.mark.slow
@pytest.mark.parametrize("umask", ["000", "022", "077", "777"])
def test_new_files_and_folders_are_for_their_owner_only(umask: str, tmp_path: Path):
    path = tmp_path / "new" / "pages" / "page.html"
    run(f"import os; os.umask(0o{umask}); {_WRITE}", str(path))
    for each in (path, path.parent, path.parent.parent):
        assert oct(each.stat().st_mode & 0o777) == ("0o700" if each.is_dir() else "0o600"), each


def test_replaced_file_keeps_its_mode(tmp_path: Path):
    (tmp_path / "page.html").write_text("old")
    (tmp_path / "page.html").chmod(0o644)
    page = storage.write_file(tmp_path / "page.html", b"new")
    assert oct(page.stat().st_mode & 0o777) == "0o644"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a\0b", "null character"),
        ("x" * 256, "File name too long"),
        ("file/below", "Not a directory"),
        ("loop/below", "symbolic links"),
    ],
)
def test_impossible_path_is_an_error(name: str, text: str, tmp_path: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match=text):
        storage.write_file(f"{tmp_path}/{name}", CONTENT)


@pytest.mark.slow
@pytest.mark.parametrize("write", [et.write_page, et.write_charts])
@pytest.mark.parametrize(("name", "text"), [("a\0b", "null character"), ("loop", "symbolic links")])
def test_impossible_path_of_a_page_is_an_error_in_one_sentence(
    name: str, text: str, write: Callable[..., object], tmp_path: Path
):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ReportError, match=text) as caught:
        write(LOGS, f"{tmp_path}/{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_page_on_a_full_disk_leaves_the_old_file(tmp_path: Path):
    """A limit on the file size simulates a full disk."""
    code = (
        "import resource, sys, signal, etelecom_analytics as et;"
        "logs = et.sample_logs(); signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
        "et.write_page(logs, sys.argv[1])"
    )
    (tmp_path / "page.html").write_text("old")
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "page.html")],
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ReportError: The page cannot be written" in process.stderr
    assert "File too large" in process.stderr
    assert (tmp_path / "page.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.slow
def test_page_on_a_full_device_is_an_error():
    with pytest.raises(ReportError, match="No space left on device"):
        et.write_page(LOGS, "/dev/full")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failures", "text"),
    [
        ({"rename,renameat,renameat2": "error=EROFS"}, "Read-only file system"),
        ({"rename,renameat,renameat2": "error=EACCES"}, "Permission denied"),
        ({"rename,renameat,renameat2": "error=EIO:when=2"}, "Input/output error"),
        ({"fsync": "error=EIO:when=5"}, "Input/output error"),
    ],
)
def test_files_that_cannot_all_be_replaced_are_unchanged(
    failures: dict[str, str], text: str, tmp_path: Path
):
    """The second rename is that of the second file; the fifth fsync is that of the folder."""
    names = [tmp_path / name for name in ("a.html", "b.html", "new.html")]
    for path in names[:2]:
        path.write_text("old")
    process = run_with_failures(_WRITE, ":".join(map(str, names[:2])), failures=failures)
    assert text in process.stderr.splitlines()[-1]
    assert [path.read_text() for path in names[:2]] == ["old", "old"]
    assert sorted(tmp_path.iterdir()) == names[:2]

    process = run_with_failures(_WRITE, str(names[2]), failures={"fsync": "error=EIO:when=3"})
    assert "Input/output error" in process.stderr.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == names[:2], "a new file is removed again"


def test_refused_rename_is_retried(tmp_path: Path):
    process = run_with_failures(
        _WRITE,
        str(tmp_path / "page.html"),
        failures={"rename,renameat,renameat2": "error=EACCES:when=1..3"},
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_no_file_is_replaced_unless_all_can_be_written(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="Is a directory") as caught:
        storage.write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert caught.value.filename == str(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_files_of_dead_writers_are_removed(tmp_path: Path):
    target = tmp_path / "page.html"
    leftover = storage.temporary_path(target, "new")
    leftover.write_bytes(b"half")
    with storage.staged(target) as running:
        storage.write_file(target, b"new")
        assert running.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_report_to_a_device_or_a_pipe_is_refused_before_it_runs(tmp_path: Path):
    snapshot = et.write_snapshot(LOGS, tmp_path / "week")
    os.mkfifo(tmp_path / "pipe.html")
    for output in ("/dev/stdout", "/dev/null", tmp_path / "pipe.html"):
        with pytest.raises(ReportError, match="is a device or a pipe"):
            et.write_report(snapshot, output)
    with pytest.raises(ReportError, match="is a file: give a folder"):
        et.write_report(snapshot, tmp_path / "r.html", png_folder=tmp_path / "pipe.html")


@pytest.mark.parametrize("name", ["pipe", "file", "device"])
def test_archive_in_something_else_than_a_folder_is_refused(name: str, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    (tmp_path / "device").symlink_to("/dev/null")
    with pytest.raises(EtelecomError, match="is not a folder"):
        et.Archive(tmp_path / name)


def test_folder_that_another_writer_removes_at_once_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chmod, removed = Path.chmod, list[Path]()

    def chmod_after_removal(path: Path, mode: int) -> None:
        if not removed:
            path.rmdir()
            removed.append(path)
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", chmod_after_removal)
    with storage.staged(tmp_path / "week", is_folder=True) as folder:
        assert folder.is_dir()
        assert folder not in removed
    assert list(tmp_path.iterdir()) == []
