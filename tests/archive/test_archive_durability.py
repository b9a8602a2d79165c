"""What a sync has certified is on disk: a certificate is written after all that it certifies."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.damage import week
from support.traced import SystemCall, run_traced, run_with_failures

from etelecom_analytics.simulator import CallLogServer, serve

pytestmark = pytest.mark.slow

_SYNC = """
import sys
import etelecom_analytics as et
archive = et.Archive(sys.argv[1])
client = et.Client(sys.argv[2], sys.argv[3])
archive.sync(client, since="2024-01-01", until=sys.argv[4], progress=False)
print(archive.status().rows)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[CallLogServer]:
    with serve(week(30)) as server:
        yield server


@pytest.fixture(scope="module", params=[None, 2, 5])
def folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int | None]:
    """An empty folder for a sync, and at which fsync another one is killed before."""
    return tmp_path_factory.mktemp("durable"), request.param


@pytest.fixture(scope="module")
def calls(folder: tuple[Path, int | None], server: CallLogServer) -> list[SystemCall]:
    """The calls of a sync, perhaps after one that was killed when it waited for the disk."""
    path, killed_at = folder
    if killed_at:
        process = run_with_failures(
            _SYNC,
            *(str(path / "calls"), server.base_url, server.api_key, "2024-01-08"),
            failures={"fsync": f"signal=SIGKILL:when={killed_at}"},
        )
        assert process.returncode
    return run_traced(
        _SYNC,
        *(str(path / "calls"), server.base_url, server.api_key, "2024-01-08"),
        calls="fsync,fdatasync,rename,renameat,renameat2",
        folder=path,
    )


def test_files_and_folders_are_on_disk_before_their_certificates(
    calls: list[SystemCall], folder: tuple[Path, int | None]
):
    archive = folder[0] / "calls"
    certified = next(
        index
        for index, call in enumerate(calls)
        if "rename" in call.name and call.paths[-1].endswith("_certificates.parquet")
    )
    synced = {call.paths[0] for call in calls[:certified] if "sync" in call.name}
    data_files = {str(path) for path in archive.glob("local_day=*/*.parquet")}
    commits = {str(path) for path in (archive / "_delta_log").glob("*.json")}
    folders = {str(archive), str(archive / "_delta_log"), *map(str, archive.glob("local_day=*"))}

    assert len(data_files) == 7
    assert len(commits) == 8
    assert synced >= data_files | commits | folders
    staged = calls[certified].paths[0]
    assert staged in synced
    assert str(archive) in {call.paths[0] for call in calls[certified:] if "sync" in call.name}


def test_no_file_is_synced_more_than_5_times_and_no_folder_more_than_twice(
    calls: list[SystemCall],
):
    counts = Counter(call.paths[0] for call in calls if "sync" in call.name)
    assert counts
    for path, count in counts.items():
        assert count <= (2 if Path(path).is_dir() else 5), f"{path} was synced {count} times"


def test_sync_works_without_fsync(server: CallLogServer, tmp_path: Path):
    process = run_with_failures(
        _SYNC,
        *(str(tmp_path / "calls"), server.base_url, server.api_key, "2024-01-03"),
        failures={"fsync": "error=EINVAL"},
    )
    assert process.stdout == "60\n", process.stderr


_WITH_UMASKS = """
import os, sys
import etelecom_analytics as et
client = et.Client(sys.argv[2], sys.argv[3])
for umask in sys.argv[4:]:
    os.umask(int(umask, 8))
    archive = et.Archive(f"{sys.argv[1]}/{umask}/calls")
    archive.sync(client, since="2024-01-01", until="2024-01-04", progress=False)
    archive.compact()
    archive.prune(before="2024-01-02")
    archive.vacuum(keep="1s")
"""


def test_files_are_for_their_owner_only_whatever_the_umask(server: CallLogServer, tmp_path: Path):
    umasks = ("000", "022", "077")
    subprocess.run(
        [
            sys.executable,
            "-c",
            _WITH_UMASKS,
            str(tmp_path),
            server.base_url,
            server.api_key,
            *umasks,
        ],
        check=True,
    )
    assert {path.name for path in tmp_path.iterdir()} == set(umasks)
    for path in tmp_path.rglob("*"):
        mode = oct(path.stat().st_mode & 0o777)
        assert mode == ("0o700" if path.is_dir() else "0o600"), path
