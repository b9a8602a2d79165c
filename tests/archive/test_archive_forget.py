"""Forgetting a person: no byte of the number stays, no call is lost, and no sync brings it back."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.forgotten_person import FORMS, NUMBER, PSEUDONYM_KEY, add_person, places

import etelecom_analytics as et
from etelecom_analytics import storage
from etelecom_analytics.phone_numbers import normalize, pseudonym
from etelecom_analytics.simulator import CallLogServer, serve
from etelecom_analytics.simulator.rows import wire_rows

SINCE, UNTIL, ALL = "2024-01-01", "2024-01-04", "90000d"
OTHER = "+447912345678"
Clients = Callable[..., et.Client]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    calls = et.simulate_calls(150, seed=3, start=date(2024, 1, 1), days=3).calls
    return add_person(wire_rows(calls))


@pytest.fixture(scope="module")
def template(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """An archive with several versions of each day, a checkpoint and later versions; its rows."""
    # The record without an id cannot become a row, so it is kept in the report.
    unreadable = {key: value for key, value in rows[5].items() if key != "id"}
    archive = et.Archive(tmp_path_factory.mktemp("template") / "calls")
    with serve([*rows, unreadable | {"note": f"of {FORMS[4]}"}]) as server:
        client = et.Client(server.base_url, server.api_key)
        archive.sync(client, since=SINCE, until=UNTIL, progress=False)
        server.change(*[{**row, "note": f"{row['note']} {NUMBER}"} for row in server.rows[::9]])
        archive.sync(client, until=UNTIL, lookback=ALL, progress=False)
        archive.compact()
        server.change(*[{**row, "duration": 77} for row in server.rows[::7] if "id" in row])
        archive.sync(client, until=UNTIL, lookback=ALL, progress=False)
        return archive.path, server.rows


@pytest.fixture
def history(template: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> et.Archive:
    return et.Archive(shutil.copytree(template[0], tmp_path / "calls"))


@pytest.fixture
def server(template: tuple[Path, list[dict[str, Any]]]) -> Iterator[CallLogServer]:
    with serve(template[1]) as server:
        yield server


@pytest.fixture
def client(client_of: Clients, server: CallLogServer) -> et.Client:
    return client_of(server)


def stored(archive: et.Archive, version: int | None = None) -> pl.DataFrame:
    return archive.scan(version=version, facts=True).collect().sort("id")


@pytest.mark.slow
def test_no_byte_of_the_number_stays_after_another_sync(
    history: et.Archive, client: et.Client, tmp_path: Path
):
    before = {version: stored(history, version) for version in history.versions()["version"]}
    days = history.days()
    snapshot = history.snapshot(None, tmp_path / "week")
    assert places(history.path)
    assert places(snapshot)

    proof = history.forget(NUMBER, snapshots=[snapshot])

    assert not places(history.path)
    assert not places(snapshot)
    assert history.verify().is_empty()
    for version, calls in before.items():
        after = stored(history, version)
        kept = ["id", "started_at", "duration", "state", "local_day", "answered_at"]
        assert_frame_equal(after.select(kept), calls.select(kept))
    last = max(before)
    differs = sum(one != two for one, two in zip(before[last].rows(), after.rows(), strict=True))
    assert differs > 4 * len(FORMS)
    assert proof.rows >= differs
    counts = ["local_day", "rows", "pages", "complete", "complete_to", "set_aside"]
    assert_frame_equal(history.days().select(counts), days.select(counts))
    assert history.days()["forgotten"].to_list() == [
        day in proof.days for day in history.days()["local_day"]
    ]

    report = history.sync(client, until=UNTIL, lookback=ALL, progress=False)

    assert (report.fetched, report.replaced) == (3, [])
    assert not places(history.path)
    assert_frame_equal(stored(history), after)


@pytest.mark.slow
def test_proof_states_what_was_searched_and_nothing_of_the_number(history: et.Archive):
    proof = history.forget("+84 912 345 678")

    files = [path for path in history.path.rglob("*") if path.is_file()]
    audit = history.path / "_forgotten" / "audit.jsonl"
    (line,) = [json.loads(line) for line in audit.read_text().splitlines()]
    assert proof.hits == 0
    assert proof.files == len(files) - 1  # the audit file is written after the search
    assert proof.bytes == sum(path.stat().st_size for path in files) - audit.stat().st_size
    assert proof.days == tuple(date(2024, 1, day) for day in (1, 2, 3))
    assert proof.files_rewritten > 0
    assert line == {**line, **proof.to_dict(), "what": "forgotten"}
    assert "912" not in repr(proof)
    with pytest.raises(AttributeError):
        proof.hits = 1  # type: ignore[misc]
    changed = history.versions().filter(pl.col("what") == "forgotten")["changed"].to_list()
    assert changed == [proof.rows]


@pytest.mark.slow
def test_values_of_the_number_become_null_and_others_stay(
    history: et.Archive, rows: list[dict[str, Any]], server: CallLogServer
):
    before = {row["id"]: row for row in stored(history).to_dicts()}
    history.forget(NUMBER)
    after = {row["id"]: row for row in stored(history).to_dicts()}

    of_the_call = ("contact_id", "external_id", "external_session_id", "note", "recording_urls")
    for number in range(len(FORMS)):
        called, calling, target, mentioned = (
            (before[each["id"]], after[each["id"]]) for each in rows[4 * number : 4 * number + 4]
        )
        for (old, new), column in ((called, "caller"), (calling, "callee")):
            expected = {**old, column: None, **dict.fromkeys(of_the_call)}
            assert new == expected
        old, new = target
        assert {**new, "call_targets": []} == {
            **old,
            "call_targets": [],
            **dict.fromkeys(of_the_call),
        }
        assert [leg["target_number"] for leg in new["call_targets"]] == ["101", None]
        assert [leg["end_reason"] for leg in new["call_targets"]] == [None, None]
        assert [leg["trunk_name"] for leg in new["call_targets"]] == [None, "trunk"]
        assert mentioned[1] == {**mentioned[0], "note": None}
    link, ids, other = (
        (before[each["id"]], after[each["id"]])
        for each in rows[4 * len(FORMS) : 4 * len(FORMS) + 3]
    )
    assert link[1] == {**link[0], "recording_urls": None}
    assert ids[1] == {**ids[0], "external_id": None, "contact_id": None}
    assert other[1]["caller"] == OTHER
    assert {**other[1], "note": ""} == {**other[0], "note": ""}


@pytest.mark.slow
def test_number_is_blanked_on_arrival(
    history: et.Archive, client: et.Client, server: CallLogServer
):
    history.forget(NUMBER)
    new = {**server.rows[0], "id": "rec-0912345678", "caller": "0084 912 345 678", "note": "again"}
    server.change(new, {**server.rows[60], "note": f"by {FORMS[3]}"})
    history.sync(client, until=UNTIL, lookback=ALL, progress=False)

    row = stored(history).row(by_predicate=pl.col("id").str.contains("forgotten-"), named=True)
    assert (row["caller"], row["note"], row["recording_urls"]) == (None, None, None)
    assert row["callee"] == new["callee"]
    assert not places(history.path)
    assert history.verify().is_empty()
    assert history.sync(client, until=UNTIL, lookback=ALL, progress=False).replaced == []
    day = pl.col("local_day") == row["local_day"]
    assert history.days().filter(day)["forgotten"].item()


@pytest.mark.slow
def test_resume_and_merge_do_not_bring_the_number_back(client_of: Clients, tmp_path: Path):
    rows = [
        {
            "id": str(number),
            "started_at": f"2024-01-01T03:{number // 60:02}:{number % 60:02}Z",
            "caller": FORMS[number % 3] if number % 4 else OTHER,
            "duration": 4,
        }
        for number in range(1, 600)
    ]
    archive, query = et.Archive(tmp_path / "calls"), et.CallQuery(date_from=SINCE, date_to=UNTIL)
    options = {"until": "2024-01-02", "workers": 1, "progress": False}
    with serve(rows) as server:
        archive.sync(client_of(server), since=SINCE, **options)
        archive.forget(NUMBER)
        server.change(*[{**row, "duration": 5} for row in rows])
        server.die_after = len(server.requests) + 4
        dying = client_of(server, retry=et.Retry(attempts=1))
        with pytest.raises(et.IncompleteSync) as caught:
            archive.sync(dying, lookback=ALL, **options)
    partials = caught.value.partials
    assert NUMBER in partials[0].calls["caller"].to_list()
    with serve([{**row, "duration": 5} for row in rows]) as server:
        client = client_of(server)
        archive.sync(client, lookback=ALL, resume=partials, **options)
        fresh = et.fetch_calls(client, query, progress=False)
    assert set(stored(archive)["duration"]) == {5}
    assert set(stored(archive)["caller"]) == {None, OTHER}
    assert not places(archive.path)

    older = et.read_snapshot(archive.snapshot(query, tmp_path / "old"))
    merged = et.merge_logs(older, archive.without_forgotten(fresh))
    assert merged.calls.height == len(rows)
    assert not places(et.write_snapshot(merged, tmp_path / "merged"))


@pytest.mark.slow
def test_pseudonyms_are_removed_with_their_key_only(client_of: Clients, tmp_path: Path):
    calls = et.simulate_calls(150, seed=3, start=date(2024, 1, 1), days=3).calls
    # Forms that measures do not read as the same number have pseudonyms of their own.
    forms = [form for form in FORMS if normalize(form) == NUMBER]
    assert len(forms) >= 8
    with serve(add_person(wire_rows(calls), forms)) as server:
        _forget_pseudonyms(client_of(server), forms, tmp_path)


def _forget_pseudonyms(client: et.Client, forms: Sequence[str], tmp_path: Path) -> None:
    privacy = et.Privacy(
        numbers="pseudonymized", key=PSEUDONYM_KEY, notes="kept", recordings="kept"
    )
    word = pseudonym(NUMBER, PSEUDONYM_KEY.encode())
    archive = et.Archive(tmp_path / "calls", privacy=privacy)
    archive.sync(client, since=SINCE, until=UNTIL, progress=False)
    snapshot = archive.snapshot(None, tmp_path / "week")
    assert places(archive.path, word)
    with pytest.raises(et.errors.ForgetError, match="pseudonyms of another key"):
        et.Archive(archive.path).forget(NUMBER)
    other = et.Privacy(numbers="pseudonymized", key="another key, 0123456789")
    with pytest.raises(et.errors.ForgetError, match="pseudonyms of another key"):
        et.Archive(archive.path).forget(NUMBER, privacies=[other])

    proof = archive.forget(NUMBER, snapshots=[snapshot])

    assert proof.rows > 3 * len(forms)
    assert not places(archive.path, word)
    assert not places(snapshot, word)
    calls = stored(archive)
    report = archive.sync(client, until=UNTIL, lookback=ALL, progress=False)
    assert report.replaced == []
    assert_frame_equal(stored(archive), calls)
    assert et.Archive(archive.path).forget(NUMBER, privacies=[privacy]).rows == 0


@pytest.mark.slow
def test_snapshot_keeps_its_privacy_and_names(history: et.Archive, tmp_path: Path):
    query = et.CallQuery(date_from=SINCE, date_to=UNTIL, call_number=NUMBER)
    logs = et.read_snapshot(history.snapshot(query, tmp_path / "person"))
    assert logs.calls.height > 0
    privacy = et.Privacy(
        numbers="pseudonymized", key=PSEUDONYM_KEY, notes="kept", recordings="kept"
    )
    hidden = et.write_snapshot(logs, tmp_path / "hidden", privacy=privacy)
    stated = json.loads((hidden / "manifest.json").read_text())["privacy"]
    word = pseudonym(NUMBER, PSEUDONYM_KEY.encode())
    assert places(hidden, word)
    with pytest.raises(et.errors.ForgetError, match="pseudonyms of another key"):
        history.forget(NUMBER, snapshots=[hidden])

    proof = history.forget(NUMBER, snapshots=[tmp_path / "person", hidden], privacies=[privacy])

    assert proof.snapshots == 2
    for folder in (tmp_path / "person", hidden):
        assert not places(folder, word)
        assert et.read_snapshot(folder).calls.height == logs.calls.height
        assert et.read_snapshot(folder).query.call_number == "***"
    assert json.loads((hidden / "manifest.json").read_text())["privacy"] == stated


@pytest.mark.slow
def test_masked_numbers_are_nobodys_in_particular(client: et.Client, tmp_path: Path):
    archive = et.Archive(tmp_path / "calls", privacy=et.Privacy())
    archive.sync(client, since=SINCE, until=UNTIL, progress=False)
    with pytest.raises(et.errors.ForgetError, match="masked numbers, which belong to no single"):
        archive.forget("0911111111")


@pytest.mark.slow
def test_log_without_its_first_commits_is_rewritten(history: et.Archive, client: et.Client):
    log = history.path / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    for path in log.glob("*.json"):
        if int(path.stem) < int(checkpoint.name.split(".")[0]):
            path.unlink()
    calls = stored(history)
    history.forget(NUMBER)

    assert not places(history.path)
    assert history.verify().is_empty()
    assert_frame_equal(stored(history).select("id", "state"), calls.select("id", "state"))
    version = int(checkpoint.name.split(".")[0])
    assert pl.scan_delta(str(history.path), version=version).collect().height == calls.height
    assert json.loads((log / "_last_checkpoint").read_bytes())["version"] == version
    report = history.sync(client, until=UNTIL, lookback=ALL, progress=False)
    assert report.problems == []
    assert history.compact() >= 0
    assert not places(history.path)


@pytest.mark.slow
def test_files_that_no_version_uses_are_deleted(history: et.Archive):
    folder = history.path
    data = next(path for path in history.files() if b"PAR1" in path.read_bytes()[:4])
    orphan = data.with_name("part-orphan.parquet")
    orphan.write_bytes(data.read_bytes())
    cut = data.with_name("part-cut.parquet")
    cut.write_bytes(data.read_bytes()[:-9])
    (folder / "_delta_log" / "_commit_1.json.tmp").write_text(f'{{"note": "{NUMBER}"}}')
    data.with_name("part-old.parquet.damaged").write_bytes(data.read_bytes()[:-9])
    data.with_name("part-new.parquet#1").write_bytes(data.read_bytes())
    shutil.copy(data, folder / "_delta_log" / "1.checkpoint.parquet#1")
    for name in ("._certificates.parquet.new-0a1b2c3d", "._delta_log.new-0a1b2c3d"):
        (folder / name).write_text(NUMBER)
    old = pl.Series(history._open(1).files()["path"]).to_list()[0]
    (folder / old).write_bytes(b"damaged")

    proof = history.forget(NUMBER)

    assert proof.files_deleted == 5
    assert not places(folder)
    assert not orphan.exists()
    assert not cut.exists()
    assert not (folder / old).exists()
    assert not list(folder.glob("._*"))
    assert not list(folder.rglob("*#1"))
    assert history.verify().is_empty()


@pytest.mark.slow
def test_other_files_in_the_folder_are_named(history: et.Archive):
    export = history.path / "export.csv"
    export.write_text(f"caller\n{FORMS[5]}\n")
    with pytest.raises(et.errors.ForgetError, match=r"1 files still contain .*export\.csv"):
        history.forget(NUMBER)
    assert [text for text in places(history.path) if "export.csv" not in text] == []
    export.unlink()
    assert history.forget(NUMBER).hits == 0


@pytest.mark.slow
def test_two_persons_can_be_forgotten(history: et.Archive, client: et.Client):
    first = history.forget(NUMBER)
    second = history.forget(OTHER)

    assert first.rows > second.rows == 1
    assert OTHER not in stored(history)["caller"].to_list()
    report = history.sync(client, until=UNTIL, lookback=ALL, progress=False)
    assert report.replaced == []
    assert history.forget(NUMBER).rows == 0


@pytest.mark.slow
def test_without_an_exchange_of_names_the_log_is_replaced_too(
    history: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storage, "swap_names", lambda one, other: False)
    history.forget(NUMBER)
    assert not places(history.path)
    assert history.verify().is_empty()

    # A crash between the two renames.
    log = history.path / "_delta_log"
    log.rename(storage.temporary_path(log, "old"))
    assert et.Archive(history.path).verify().is_empty()


@pytest.mark.slow
def test_register_is_private_and_its_loss_is_noticed(history: et.Archive, client: et.Client):
    history.forget(NUMBER)
    register = history.path / "_forgotten"
    assert {path.name for path in register.iterdir()} == {"key", "numbers.json", "audit.jsonl"}
    assert {path.stat().st_mode & 0o777 for path in register.iterdir()} == {0o600}
    assert register.stat().st_mode & 0o777 == 0o700
    history.vacuum(keep="1s")
    key = (register / "key").read_bytes()
    for damage in (b"", b"no key", bytes(reversed(key))):
        (register / "key").write_bytes(damage)
        with pytest.raises(et.errors.ArchiveError, match="restore it from a backup"):
            history.sync(client, until=UNTIL, lookback=ALL, progress=False)
    (register / "key").unlink()
    with pytest.raises(et.errors.ArchiveError, match="is missing, or is not the key"):
        history.forget(NUMBER)
    (register / "key").write_bytes(key + b"\n")
    numbers = (register / "numbers.json").read_bytes()
    (register / "numbers.json").write_bytes(numbers[:20])
    with pytest.raises(et.errors.ArchiveError, match="is damaged: restore it"):
        history.sync(client, until=UNTIL, lookback=ALL, progress=False)
    (register / "numbers.json").write_bytes(numbers)
    assert history.sync(client, until=UNTIL, lookback=ALL, progress=False).replaced == []

    # Without the key, the register can be given up, and the numbers forgotten again.
    (register / "key").unlink()
    (register / "numbers.json").unlink()
    assert history.sync(client, until=UNTIL, lookback=ALL, progress=False).replaced
    assert places(history.path)
    assert history.forget(NUMBER).rows > 0
    assert not places(history.path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("101", "'101' is an own extension, not a person's."),
        ("8000", "'8000' is an own extension"),
        ("19000123", "is an own number of the archive"),
        ("", "'' is not a phone number."),
        ("anonymous", "'anonymous' is not a phone number."),
        ("091*****78", "is not a phone number"),
        ("1234567", "is not a phone number"),
        ("0911111111", "does not occur in the archive"),
        (912345678, "must be text"),
    ],
)
def test_other_texts_are_an_error_and_change_nothing(
    number: Any, sentence: str, client: et.Client, tmp_path: Path
):
    archive = et.Archive(tmp_path / "calls", ivr_numbers=["19000123"])
    archive.sync(client, since=SINCE, until="2024-01-02", progress=False)
    before = {path: path.read_bytes() for path in archive.path.rglob("*") if path.is_file()}
    with pytest.raises(et.errors.ForgetError) as caught:
        archive.forget(number)

    assert sentence in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert "91111" not in str(caught.value)
    after = {path: path.read_bytes() for path in archive.path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.slow
@pytest.mark.parametrize("kept", [-4, 60])
def test_damaged_days_are_fetched_again_first(kept: int, history: et.Archive, client: et.Client):
    path = history.files()[0]
    content = path.read_bytes()
    # Cut off, or of the same size, with wrong bytes in the middle.
    path.write_bytes(
        content[:kept] if kept < 0 else content[:kept] + b"?" * 900 + content[kept + 900 :]
    )
    with pytest.raises(et.errors.ArchiveError, match="then forget the number"):
        history.forget(NUMBER)
    assert not (history.path / "_forgotten").exists()
    assert path.exists()
    history.repair()
    with pytest.warns(UserWarning, match="was damaged"):
        history.sync(client, until=UNTIL, progress=False)
    assert history.forget(NUMBER).hits == 0
    assert not places(history.path)
