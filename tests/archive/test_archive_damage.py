"""After a power cut or a damaged disk, the archive states the damage, and a sync mends it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.damage import DAMAGES, last_commit, week

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.errors import ArchiveError
from etelecom_analytics.frames import in_order
from etelecom_analytics.simulator import CallLogServer, serve

ClientOf = Callable[..., et.Client]
SINCE, UNTIL = "2024-01-01", "2024-01-08"


@pytest.fixture(scope="module")
def server() -> Iterator[CallLogServer]:
    with serve(week(30)) as server:
        yield server


@pytest.fixture(scope="module")
def _undamaged(server: CallLogServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an archive, to be copied."""
    archive = et.Archive(tmp_path_factory.mktemp("undamaged") / "calls", ivr_numbers=["8000"])
    with et.Client(server.base_url, server.api_key) as client:
        archive.sync(client, since=SINCE, until=UNTIL, workers=1, progress=False)
    return archive.path


@pytest.fixture
def week_archive(_undamaged: Path, tmp_path: Path) -> et.Archive:
    archive = et.Archive(shutil.copytree(_undamaged, tmp_path / "calls"), ivr_numbers=["8000"])
    assert archive.verify().is_empty()
    return archive


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_sync_states_a_damage_and_fetches_the_lost_days_again(
    name: str, week_archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    damage, problem = DAMAGES[name]
    before = week_archive.scan().collect()
    damage(week_archive.path)

    archive = et.Archive(week_archive.path)
    assert archive.ivr_numbers == ("8000",)
    problems = archive.verify()
    assert problem in problems["problem"].to_list()
    with pytest.warns(UserWarning, match="was damaged") as caught:
        report = archive.sync(client_of(server), since=SINCE, until=UNTIL, progress=False)
    file = problems.filter(pl.col("problem") == problem)["file"][0]
    assert file in str(caught[0].message)
    assert any(file in text for text in report.problems)
    assert file in repr(report)

    assert_frame_equal(archive.scan().collect().sort("id"), before.sort("id"))
    assert archive.verify().is_empty()
    assert archive.status().complete_through == datetime(2024, 1, 7, 17, tzinfo=UTC)
    assert archive.sync(client_of(server), until=UNTIL, progress=False).fetched == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_reading_a_damaged_archive_is_an_error_or_gives_all_calls(
    name: str, week_archive: et.Archive
):
    """Never fewer calls without a message, and never the PanicException of Polars."""
    damage, _ = DAMAGES[name]
    damage(week_archive.path)

    try:
        calls = week_archive.scan().collect()
    except ArchiveError as error:
        assert "damaged" in str(error)  # noqa: PT017
        assert str(week_archive.path) in str(error)  # noqa: PT017
    else:
        assert calls.height == 210
        pytest.fail(f"{name} was not noticed")


def test_certificates_of_damaged_days_do_not_count(week_archive: et.Archive):
    next(week_archive.path.glob("local_day=2024-01-03/*.parquet")).write_bytes(b"")

    assert week_archive.days().height == 6
    assert week_archive.status().gaps[0].begin == datetime(2024, 1, 2, 17, tzinfo=UTC)


def test_data_file_of_the_right_size_with_wrong_content_is_a_problem(week_archive: et.Archive):
    path = next(week_archive.path.glob("local_day=2024-01-03/*.parquet"))
    content = bytearray(path.read_bytes())
    content[200:4_000] = b"\xff" * 3_800
    path.write_bytes(bytes(content))

    problems = week_archive.verify()
    assert problems.select("problem", "local_day").rows() == [("damaged file", date(2024, 1, 3))]
    with pytest.raises(ArchiveError, match="Cannot read or write the archive"):
        week_archive.snapshot(None, week_archive.path.parent / "snapshot")


def test_repair_drops_a_torn_last_commit_without_a_fetch(week_archive: et.Archive):
    last_commit(week_archive.path).write_bytes(b"")
    version = int(last_commit(week_archive.path).stem)

    with pytest.raises(ArchiveError, match=rf"version {version} is empty.*archive\.repair\(\)"):
        week_archive.status()
    repaired = week_archive.repair()
    assert repaired["problem"].to_list() == ["torn commit"]
    assert week_archive.repair().is_empty()
    assert week_archive.status().version == version - 1
    assert week_archive.scan().collect().height == 180
    assert week_archive.verify()["local_day"].to_list() == [date(2024, 1, 7)]


def test_commit_in_the_middle_keeps_its_number(
    week_archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    version = week_archive.status().version
    sorted((week_archive.path / "_delta_log").glob("*.json"))[3].write_bytes(b"")
    week_archive.repair()

    assert week_archive.status().version == version
    assert week_archive.versions()["what"].to_list() == [
        "created",
        "day",
        "day",
        "lost",
        *["day"] * 4,
    ]


@pytest.mark.slow
def test_stale_day_behind_a_lost_commit_is_fetched_again(
    week_archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    """The number of calls is right, but the commit that changed one of them is lost."""
    client = client_of(server)
    day = [row for row in week(30) if row["started_at"].startswith("2024-01-03")]
    server.change({**day[0], "note": "changed"})
    week_archive.sync(client, until=UNTIL, lookback="90000d", progress=False)
    lost = last_commit(week_archive.path)
    server.change({**week(30)[-1], "note": "also changed"})
    week_archive.sync(client, until=UNTIL, lookback="90000d", progress=False)
    expected = in_order(week_archive.scan().collect())
    lost.write_bytes(b"")

    with pytest.warns(UserWarning, match="was damaged"):
        week_archive.sync(client, until=UNTIL, progress=False)
    server.forget()
    assert_frame_equal(in_order(week_archive.scan().collect()), expected)


def test_log_that_cannot_be_repaired_is_an_error(week_archive: et.Archive):
    """A checkpoint is damaged, and the commits that it stands for were deleted."""
    DAMAGES["checkpoint junk"][0](week_archive.path)
    for path in sorted((week_archive.path / "_delta_log").glob("*.json"))[:-1]:
        path.unlink()

    with pytest.raises(ArchiveError, match=r"cannot be repaired.*Create another archive"):
        week_archive.repair()


def test_archive_whose_commits_are_all_lost_is_created_again(
    week_archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    before = week_archive.scan().collect()
    for path in (week_archive.path / "_delta_log").glob("*.json"):
        path.write_bytes(b"")
    archive = et.Archive(week_archive.path)
    with pytest.warns(UserWarning, match="was damaged"):
        archive.sync(client_of(server), since=SINCE, until=UNTIL, progress=False)

    assert_frame_equal(archive.scan().collect().sort("id"), before.sort("id"))


def _wrong_bytes(path: Path) -> None:
    """Change bytes in the middle, which neither the size nor the ends of the file show."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("lookback", ["1d", "90000d"])
def test_day_of_a_file_with_wrong_bytes_is_fetched_again(
    lookback: str, week_archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    """A sync that reads the day notices it; otherwise `repair` does."""
    before = week_archive.scan().collect().sort("id")
    _wrong_bytes(min(week_archive.path.glob("local_day=*/*.parquet")))
    assert week_archive.verify()["problem"].to_list() == ["damaged file"]
    if lookback == "1d":
        assert week_archive.repair()["problem"].to_list() == ["damaged file"]
        with pytest.warns(UserWarning, match="is missing"):
            week_archive.sync(client_of(server), until=UNTIL, lookback=lookback, progress=False)
    else:
        report = week_archive.sync(
            client_of(server), until=UNTIL, lookback=lookback, progress=False
        )
        assert report.problems == ["2024-01-01: A file of the day cannot be read."]

    assert week_archive.verify().is_empty()
    assert_frame_equal(week_archive.scan().collect().sort("id"), before)


@pytest.mark.parametrize("name", ["last commit empty", "last commit cut", "last commit zeros"])
def test_last_commit_with_a_checkpoint_of_its_version_is_repaired(
    name: str, week_archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    """The checkpoint has all that the commit wrote, but no version may be without a commit."""
    before = week_archive.scan().collect().sort("id")
    week_archive.compact()
    DAMAGES[name][0](week_archive.path)
    with pytest.warns(UserWarning, match="was damaged"):
        week_archive.sync(client_of(server), until=UNTIL, progress=False)

    assert week_archive.verify().is_empty()
    assert week_archive.status().days == 7
    assert_frame_equal(week_archive.scan().collect().sort("id"), before)


def test_verify_command_has_exit_code_1_for_a_problem(
    week_archive: et.Archive, capsys: pytest.CaptureFixture[str]
):
    folder = str(week_archive.path)
    assert app.main(["verify", folder]) == 0
    assert "No problem" in capsys.readouterr().out
    last_commit(week_archive.path).write_bytes(b"")
    assert app.main(["verify", folder]) == 1
    assert "is cut off or empty" in capsys.readouterr().out
    assert app.main(["verify", folder, "--repair"]) == 1
    assert app.main(["verify", folder]) == 1, "the day is still missing"
    assert "2024-01-07" in capsys.readouterr().out
    assert app.main(["verify", folder + "-missing"]) == 1
    assert "the first sync creates it" in capsys.readouterr().err


def test_sync_command_prints_the_damage(
    week_archive: et.Archive,
    server: CallLogServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)
    last_commit(week_archive.path).write_bytes(b"")

    assert app.main(["sync", str(week_archive.path), "--until", UNTIL, "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"etelecom: The archive at {week_archive.path} was damaged.")
