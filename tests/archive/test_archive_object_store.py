"""An archive in an object store is as one in a folder, with several writers and with failures."""

import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support import s3
from support.damage import DAMAGES, week

import etelecom_analytics as et
from etelecom_analytics.archive.table import Table
from etelecom_analytics.errors import (
    ArchiveBusy,
    ArchiveError,
    DataLossError,
    InputError,
    StoreDown,
)
from etelecom_analytics.simulator import CallLogServer, Simulation, serve

pytestmark = pytest.mark.engines

ClientOf = Callable[..., et.Client]
SYNC = """
import sys, os, etelecom_analytics as et
uri, url, key, since, until = sys.argv[1:]
archive = et.Archive(uri)
print("started", flush=True)
report = archive.sync(et.Client(url, key), since=since, until=until, progress=False)
print(report.calls, *report.problems)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with s3.serve_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def api() -> Iterator[CallLogServer]:
    with serve(week(30)) as server:
        yield server


def synced(archive: et.Archive, client: et.Client, **options: Any) -> et.Archive:
    archive.sync(
        client, **{"since": "2024-01-01", "until": "2024-01-08", "progress": False} | options
    )
    return archive


def both(
    store: Any, client: et.Client, folder: Path, **options: Any
) -> tuple[et.Archive, et.Archive]:
    """The same sync into an object store and into a folder."""
    remote = et.Archive(store.new_uri(), storage_options=store.options)
    return synced(remote, client, **options), synced(et.Archive(folder), client, **options)


def rows(archive: et.Archive, version: int | None = None) -> pl.DataFrame:
    return archive.scan(version=version, facts=True).collect().sort("id")


def test_everything_is_as_in_a_folder(
    store: Any, past: Simulation, past_client: et.Client, tmp_path: Path
):
    remote, local = both(store, past_client, tmp_path / "calls", until="2024-01-06")
    for archive in (remote, local):
        synced(archive, past_client)
    names = store.names(str(remote.path))
    assert_frame_equal(rows(remote), rows(local))
    assert "_lock" not in names
    assert not (Path.cwd() / "s3:").exists()
    assert remote.path.name == "calls"

    facts = ["version", "what", "rows", "added"]
    assert remote.versions()["what"].to_list().count("day") == 7
    assert_frame_equal(
        remote.versions().select(facts[1:]).sort("rows"),
        local.versions().select(facts[1:]).sort("rows"),
    )
    assert remote.versions()["version"].to_list() == list(range(8))
    assert rows(remote, version=0).is_empty()
    assert remote.diff(5).added.height == local.diff(5).added.height > 0
    status, other = remote.status(), local.status()
    assert (status.days, status.rows, status.files) == (other.days, other.rows, other.files)
    assert status.bytes_on_disk > status.bytes == other.bytes
    certificate = ["local_day", "rows", "complete"]
    assert_frame_equal(remote.days().select(certificate), local.days().select(certificate))
    assert remote.verify().is_empty()
    assert (
        pl.scan_parquet(remote.files(), storage_options=store.options).collect().height
        == status.rows
    )
    query = et.CallQuery(date_from="2024-01-02", date_to="2024-01-04")
    logs = [
        et.read_snapshot(each.snapshot(query, tmp_path / name))
        for each, name in ((remote, "a"), (local, "b"))
    ]
    assert_frame_equal(logs[0].calls, logs[1].calls)

    tables = [
        each.publish(tmp_path / f"{name}-tables", progress=False)
        for each, name in ((remote, "a"), (local, "b"))
    ]
    assert tables[0].rows == tables[1].rows

    assert remote.compact() == local.compact()
    assert remote.vacuum(keep="1h") == local.vacuum(keep="1h") == 0
    assert remote.prune(before="2024-01-03") == local.prune(before="2024-01-03") > 0
    assert_frame_equal(rows(remote), rows(local))
    assert synced(remote, past_client).status().first_day == date(2024, 1, 3)
    assert remote.verify().is_empty()


def test_processes_compute_its_days(store: Any, past_client: et.Client, tmp_path: Path):
    remote, local = both(store, past_client, tmp_path / "calls", until="2024-01-04")
    expected = et.summarize(local.scan(), "day", options=local.options).collect()

    executor = et.archive.ProcessExecutor(2)
    assert_frame_equal(remote.summarize("day", executor=executor, progress=False), expected)
    assert_frame_equal(remote.summarize("day", progress=False), expected)


def test_of_four_writers_and_a_killed_one_no_commit_is_lost(
    store: Any,
    api: CallLogServer,
    client_of: ClientOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """They begin at once, with days in common; nothing but the environment has the credentials."""
    for name, value in store.options.items():
        monkeypatch.setenv(name, value)
    uri = store.new_uri()

    def start(since: int, until: int) -> subprocess.Popen[str]:
        days = [f"2024-01-{day:02}" for day in (since, until)]
        return subprocess.Popen(
            [sys.executable, "-W", "error::UserWarning", "-c", SYNC, uri, api.base_url, api.api_key,
             *days],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    writers = [start(*days) for days in ((1, 5), (3, 8), (1, 8), (5, 8))]
    killed = start(1, 8)
    assert killed.stdout.readline() == "started\n"
    while not any("00001.json" in name for name in store.names(uri)):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    for process in (*writers, killed):
        text, errors = process.communicate(timeout=60)
        assert process.returncode == 0 or process is killed, errors
        assert s3.SECRET_KEY not in text + errors

    remote, local = et.Archive(uri), synced(et.Archive(tmp_path / "calls"), client_of(api))
    assert_frame_equal(rows(remote), rows(local))
    assert remote.verify().is_empty()
    assert remote.status().days == 7
    committed = remote.versions().filter(what="day")
    assert committed["local_day"].n_unique() == 7
    assert committed["version"].to_list() == list(range(1, committed.height + 1))
    assert committed["gone"].sum() == 0
    assert remote.sync(client_of(api), until="2024-01-08", progress=False).fetched == 0


def test_of_processes_that_create_it_one_wins(store: Any):
    """The others take its settings: a second creation would change those of the first."""
    archive = et.Archive(store.new_uri(), storage_options=store.options)
    zones = ["Asia/Ho_Chi_Minh", "Asia/Tokyo", "UTC", "Asia/Seoul"] * 2
    configs = [replace(archive._config, time_zone=zone) for zone in zones]
    with ThreadPoolExecutor(len(configs)) as pool:
        tables = list(pool.map(lambda config: Table.create(archive.path, config), configs))
    assert len({table.config.time_zone for table in tables}) == 1
    assert [name for name in store.names(str(archive.path)) if name.endswith(".json")] == [
        f"_delta_log/{0:020}.json"
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Table.add_labels, tables[:4]))
    assert archive._open().is_labelled


def test_of_two_writers_of_a_day_one_is_refused(
    store: Any, api: CallLogServer, client_of: ClientOf
):
    archive = synced(et.Archive(store.new_uri(), storage_options=store.options), client_of(api))
    day = date(2024, 1, 3)
    one, two = archive._open(), archive._open()
    calls = one.day(day)
    one.write_day(day, calls[:20], {"what": "one"})
    with pytest.raises(ArchiveBusy, match="was changed by another process"):
        two.write_day(day, calls[:10], {"what": "two"})
    two.write_day(date(2024, 1, 4), calls[:0], {"what": "two"})  # another day is no conflict
    assert archive._open().day(day).height == 20
    assert archive.versions()["what"].to_list()[-2:] == ["one", "two"]


def test_certificates_of_two_writers_are_kept(store: Any, client_of: ClientOf):
    """Days without calls have no commit, so only this file states that they were fetched."""
    from etelecom_analytics.archive import verification

    archive = et.Archive(store.new_uri(), storage_options=store.options)
    with serve(week(3, days=1)) as server:
        client = client_of(server)
        synced(archive, client, until="2024-01-02")
        table, check = archive._open(), verification.check_days

        def while_another_writes(table: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(verification, "check_days", check)
                result = check(table)
                if not others:
                    others.append(synced(archive, client, until="2024-01-05"))
            return result

        others: list[et.Archive] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(verification, "check_days", while_another_writes)
            verification.save_certificates(table)
    assert archive.days()["local_day"].to_list() == [date(2024, 1, day) for day in range(1, 5)]


def test_sync_that_loses_calls_is_refused(store: Any, client_of: ClientOf):
    archive = et.Archive(store.new_uri(), storage_options=store.options)
    with serve(week(30)) as server:
        synced(archive, client_of(server))
    version = archive.status().version
    for lossy in ([], week(20)):
        with serve(lossy) as server, pytest.raises(DataLossError):
            synced(archive, client_of(server), lookback="90000d")
    assert (archive.status().rows, archive.status().version) == (210, version)


def test_days_fetched_in_the_future_are_fetched_again(store: Any, client_of: ClientOf):
    archive = et.Archive(store.new_uri(), storage_options=store.options)
    ahead = timedelta(days=3650)

    class WrongClock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + ahead

    with serve(week(3)) as server, pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("api.client", "api.run", "archive.archive", "archive.verification"):
            patch.setattr(f"etelecom_analytics.{name}.datetime", WrongClock)
        synced(archive, client_of(server))
    assert set(archive.verify()["problem"]) == {"future certificate"}
    with serve(week(4)) as server, pytest.warns(UserWarning, match="in the future"):
        synced(archive, client_of(server))
    assert archive.verify().is_empty()
    assert archive.status().rows == 28


@pytest.mark.parametrize(
    "damage",
    [
        "three last commits empty",
        "middle commit cut",
        "data file cut",
        "data file missing",
        "checkpoint junk",
        "checkpoint with a wrong byte",
    ],
)
def test_damages_are_named_and_repaired_as_in_a_folder(
    damage: str, store: Any, api: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    local = synced(et.Archive(tmp_path / "calls"), client_of(api))
    expected = rows(local)
    DAMAGES[damage][0](local.path)
    uri = store.new_uri()
    store.upload(local.path, uri)
    remote = et.Archive(uri, storage_options=store.options)

    problems = remote.verify()
    assert problems.height
    assert_frame_equal(problems.select("problem", "file"), local.verify().select("problem", "file"))
    with pytest.warns(UserWarning, match="was damaged"):
        synced(remote, client_of(api))
    assert_frame_equal(rows(remote), expected)
    remote.repair()
    synced(remote, client_of(api))
    assert remote.verify().is_empty()
    assert_frame_equal(rows(remote), expected)


def test_store_that_does_not_answer_is_no_damage(
    store: Any, api: CallLogServer, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
):
    with s3.serve_through(store) as proxy:
        monkeypatch.setattr("etelecom_analytics.archive.object_path._RETRIES", 0)
        direct = synced(et.Archive(store.new_uri(), storage_options=store.options), client_of(api))
        archive = et.Archive(str(direct.path), storage_options=proxy.server.options)
        expected, names = rows(direct), store.names(str(direct.path))
        for refused in ("local_day=2024-01-03", "_certificates", "_delta_log"):
            proxy.refused = refused
            for action in (
                archive.verify,
                lambda: synced(archive, client_of(api), lookback="90000d"),
            ):
                with pytest.raises(StoreDown, match="503"):
                    action()
            with suppress(StoreDown):
                archive.repair()
    assert store.names(str(direct.path)) == names
    assert_frame_equal(rows(direct), expected)
    assert direct.verify().is_empty()


def test_server_that_ignores_conditions_is_refused(
    store: Any, api: CallLogServer, client_of: ClientOf
):
    with s3.serve_through(store) as proxy:
        proxy.conditions = False
        archive = et.Archive(store.new_uri(), storage_options=proxy.server.options)
        with pytest.raises(ArchiveError, match="ignores the condition If-None-Match"):
            synced(archive, client_of(api))
    assert store.names(str(archive.path)) == ["_conditional_put"]


def test_credentials_are_in_no_message(store: Any, api: CallLogServer, client_of: ClientOf):
    uri, wrong = store.new_uri(), "not/the+secret9876543210"
    archive = synced(et.Archive(uri, storage_options=store.options), client_of(api))
    refused = {**store.options, "AWS_SECRET_ACCESS_KEY": wrong}
    unknown = {**store.options, "AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"}
    texts = [
        repr(archive),
        str(archive.path),
        repr(archive.path),
        archive.scan().explain(),
        repr(vars(archive)),
    ]
    for options in (refused, unknown):
        table = archive._open()
        table.folder = et.archive.folder.archive_path(uri, options)
        actions: list[Callable[[], object]] = [
            lambda options=options: et.Archive(uri, storage_options=options),
            lambda table=table: table.scan(),
            lambda table=table: Table.open(table.folder),
            lambda table=table: Table.create(table.folder, archive._config),
            lambda table=table: table.log(),
        ]
        for action in actions:
            with pytest.raises(ArchiveError, match="AWS_SECRET_ACCESS_KEY") as caught:
                action()
            error: BaseException | None = caught.value
            texts.append("".join(traceback.format_exception(caught.value)))
            while error is not None:
                texts += [str(error), repr(error)]
                error = error.__cause__ or error.__context__
    from etelecom_analytics.archive.distributed import DayTasks

    tasks = DayTasks(archive._open(), "day", "calls", archive.options)
    texts.append(repr(tasks.task(date(2024, 1, 1))))
    for text in texts:
        for secret in (s3.ACCESS_KEY, s3.SECRET_KEY, wrong, "AKIAUNKNOWN"):
            assert secret not in text
    for options in (
        {"AWS_SECRET": "hidden"},
        {"AWS_ENDPOINT_URL": "http://me:hidden@host"},
        {"AWS_REGION": 1},
    ):
        with pytest.raises(InputError) as caught:
            et.Archive(uri, storage_options=options)
        assert "hidden" not in str(caught.value)


def test_what_needs_a_folder_says_what_to_do(store: Any, api: CallLogServer, client_of: ClientOf):
    archive = synced(et.Archive(store.new_uri(), storage_options=store.options), client_of(api))
    with pytest.raises(ArchiveError, match="copy the archive to a folder"):
        archive.forget("0912345678")
    with pytest.raises(ArchiveError, match=r"archive\.summarize"):
        archive.roll_up("day")
    with pytest.raises(ArchiveError, match=r"archive\.summarize"):
        archive.rolled_up("day")
    with pytest.raises(InputError, match="at least 1h"):
        archive.vacuum(keep="1m")
    assert archive.status().rows == 210


def test_forgotten_numbers_stay_forgotten(
    store: Any, api: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    local = synced(et.Archive(tmp_path / "calls"), client_of(api), until="2024-01-04")
    local.forget("0912345678")
    uri = store.new_uri()
    store.upload(local.path, uri)
    remote = synced(et.Archive(uri, storage_options=store.options), client_of(api))
    assert rows(remote)["caller"].null_count() == remote.status().rows == 210


def test_settings_are_fixed_and_checked(store: Any, api: CallLogServer, client_of: ClientOf):
    uri = store.new_uri()
    synced(et.Archive(uri, ivr_numbers=["8000"], storage_options=store.options), client_of(api))
    assert et.Archive(uri, storage_options=store.options).ivr_numbers == ("8000",)
    with pytest.raises(ArchiveError, match="created with ivr_numbers"):
        et.Archive(uri, ivr_numbers=["9000"], storage_options=store.options)
    with pytest.raises(ArchiveError, match="exists and is not an archive"):
        synced(et.Archive(uri.rpartition("/")[0], storage_options=store.options), client_of(api))
    with pytest.raises(ArchiveError, match="There is no archive at s3://calls/none"):
        et.Archive("s3://calls/none/calls", storage_options=store.options).status()


def test_commands_take_addresses(
    store: Any,
    api: CallLogServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    from etelecom_analytics.cli.app import main

    uri = store.new_uri()
    public = {"AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"}
    for name in store.options.keys() - public:
        monkeypatch.setenv(name, store.options[name])
    monkeypatch.setenv("ETELECOM_BASE_URL", api.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", api.api_key)
    options = [
        text for name in public for text in ("--storage-option", f"{name}={store.options[name]}")
    ]
    assert main(["sync", uri, "--since", "2024-01-01", "--until", "2024-01-08", *options]) == 0
    assert main(["verify", uri, *options]) == 0
    assert "No problem." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["verify", uri, "--storage-option", "AWS_SECRET_ACCESS_KEY=hidden"])
    assert "hidden" not in capsys.readouterr().err


def test_daft_reads_it(store: Any, api: CallLogServer, client_of: ClientOf):
    import daft

    archive = synced(et.Archive(store.new_uri(), storage_options=store.options), client_of(api))
    config = daft.io.IOConfig(
        s3=daft.io.S3Config(
            endpoint_url=store.endpoint,
            key_id=s3.ACCESS_KEY,
            access_key=s3.SECRET_KEY,
            use_ssl=False,
            region_name="us-east-1",
        )
    )
    table = (
        daft.read_deltalake(str(archive.path), io_config=config).select("id", "state").sort("id")
    )
    assert table.to_pydict() == rows(archive).select("id", "state").to_dict(as_series=False)
