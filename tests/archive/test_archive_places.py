"""Archives on network drives, at addresses, and in time zones with odd days."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.damage import week
from support.traced import run_with_failures

import etelecom_analytics as et
from etelecom_analytics.errors import ArchiveError
from etelecom_analytics.simulator import CallLogServer, serve

ClientOf = Callable[..., et.Client]

_SYNC = """
import sys, etelecom_analytics as et
options = {name: True for name in sys.argv[4:] if name != "lock"} | {"lock": "lock" not in sys.argv}
try:
    archive = et.Archive(sys.argv[1], **options)
    archive.sync(
        et.Client(sys.argv[2], sys.argv[3]), since="2024-01-01", until="2024-01-03", progress=False
    )
    print(archive.scan().collect().height)
except et.errors.ArchiveError as error:
    print("ArchiveError:", error)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[CallLogServer]:
    with serve(week(30)) as server:
        yield server


def sync(server: CallLogServer, folder: Path, failures: dict[str, str], *options: str) -> str:
    process = run_with_failures(
        _SYNC, str(folder), server.base_url, server.api_key, *options, failures=failures
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_file_system_without_locks_is_named(error: str, server: CallLogServer, tmp_path: Path):
    text = sync(server, tmp_path / "calls", {"flock": f"error={error}"})
    assert text.startswith(f"ArchiveError: The file system of {tmp_path / 'calls'} has no locks")
    assert "lock=False" in text
    assert "local disk" in text


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EPERM", "EOPNOTSUPP", "ENOSYS"])
def test_file_system_without_hard_links_is_named(error: str, server: CallLogServer, tmp_path: Path):
    text = sync(server, tmp_path / "calls", {"link,linkat": f"error={error}"})
    assert text.startswith("ArchiveError: ")
    assert "hard links" in text
    assert "allow_unsafe_rename=True" in text
    assert "local disk" in text


@pytest.mark.slow
def test_file_system_without_locks_and_hard_links_has_a_way_on(
    server: CallLogServer, tmp_path: Path
):
    folder, no_locks = tmp_path / "calls", {"flock": "error=ENOLCK"}
    sync(server, folder, no_locks)
    assert sync(server, folder, no_locks, "lock") == "60"

    folder, no_links = tmp_path / "others", {"link,linkat": "error=EPERM"}
    sync(server, folder, no_links)
    assert sync(server, folder, no_links, "allow_unsafe_rename") == "60"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "cause"),
    [("EOPNOTSUPP", "Operation not supported"), ("ENOSYS", "Function not implemented")],
)
def test_file_system_without_renames_is_named(
    error: str, cause: str, server: CallLogServer, tmp_path: Path
):
    text = sync(server, tmp_path / "calls", {"rename,renameat,renameat2": f"error={error}"})
    assert text.startswith("ArchiveError: ")
    assert cause in text
    assert "local disk" in text
    assert "\n" not in text


@pytest.mark.slow
def test_cause_on_a_later_line_is_named(server: CallLogServer, tmp_path: Path):
    """The first line of an error of deltalake does not state its cause."""
    text = sync(server, tmp_path / "calls", {"link,linkat": "error=EDQUOT"})
    assert "quota exceeded" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "path", ["gs://b/c", "abfss://a@b/c", "file:///tmp/calls", "hdfs://a/b", "http://a/b"]
)
@pytest.mark.parametrize("kind", [str, Path])
def test_other_addresses_are_refused(
    path: str, kind: Callable[[str], str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchiveError, match=r"s3://bucket/name; [a-z]+:// is not supported"):
        et.Archive(kind(path))
    assert list(tmp_path.iterdir()) == []


def test_texts_are_stored_as_plain_strings(
    server: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    archive = et.Archive(tmp_path / "calls")
    archive.sync(client_of(server), since="2024-01-01", until="2024-01-03", progress=False)
    for path in archive.files():
        schema = str(pq.read_schema(path))
        assert "view" not in schema
        assert "large" not in schema
        assert "caller: string" in schema


@pytest.mark.engines
def test_daft_reads_the_archive(server: CallLogServer, client_of: ClientOf, tmp_path: Path):
    import daft

    archive = et.Archive(tmp_path / "calls", ivr_numbers=["8000"])
    archive.sync(client_of(server), since="2024-01-01", until="2024-01-08", progress=False)
    expected = archive.scan(facts=True).collect().sort("id")
    for frame in (
        daft.read_deltalake(str(archive.path)),
        daft.read_parquet([str(path) for path in archive.files()], hive_partitioning=True),
    ):
        table = frame.select("id", "caller", "local_day", "state", "started_at").sort("id")
        rows = table.to_pydict()
        assert rows["id"] == expected["id"].to_list()
        assert rows["caller"] == expected["caller"].to_list()
        assert rows["local_day"] == expected["local_day"].to_list()
        assert rows["state"] == expected["state"].to_list()


def test_day_that_samoa_left_out_is_not_fetched(client_of: ClientOf, tmp_path: Path):
    begin = datetime(2011, 12, 28, 12, tzinfo=UTC)
    rows = [
        {"id": str(number), "started_at": (begin + timedelta(hours=6 * number)).isoformat()}
        for number in range(1, 17)
    ]
    archive = et.Archive(tmp_path / "calls", time_zone="Pacific/Apia")
    with serve(rows) as server:
        for _ in range(2):
            archive.sync(client_of(server), since="2011-12-28", until="2012-01-02", progress=False)
    assert archive.days()["local_day"].to_list() == [
        *(date(2011, 12, day) for day in (28, 29, 31)),
        date(2012, 1, 1),
    ]
    assert archive.status().gaps == ()
    assert set(archive.scan().collect()["id"]) == {str(number) for number in range(1, 16)}
    assert archive.verify().is_empty()


def test_day_whose_midnight_is_skipped_is_fetched_whole(client_of: ClientOf, tmp_path: Path):
    """In Santiago, clocks went from 23:59:59 on 2023-09-02 to 01:00."""
    begin = datetime(2023, 9, 2, 4, tzinfo=UTC)
    rows = [
        {"id": str(1 + number), "started_at": (begin + timedelta(minutes=30 * number)).isoformat()}
        for number in range(94)
    ]
    archive = et.Archive(tmp_path / "calls", time_zone="America/Santiago")
    with serve(rows) as server:
        archive.sync(client_of(server), since="2023-09-02", until="2023-09-04", progress=False)
    assert archive.days()["rows"].to_list() == [48, 46]


def test_names_of_the_same_time_zone_are_equal(
    server: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    et.Archive(tmp_path / "calls", time_zone="Asia/Ho_Chi_Minh").sync(
        client_of(server), since="2024-01-01", until="2024-01-03", progress=False
    )
    archive = et.Archive(tmp_path / "calls", time_zone="Asia/Saigon")
    archive.sync(client_of(server), until="2024-01-04", progress=False)
    assert archive.time_zone == "Asia/Ho_Chi_Minh"
    assert archive.status().rows == 90
    with pytest.raises(ArchiveError, match="cannot be changed"):
        et.Archive(tmp_path / "calls", time_zone="Asia/Bangkok")
