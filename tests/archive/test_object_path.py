"""Paths in an object store behave as those of a folder, and their messages show no credentials."""

import argparse
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore
from support.damage import week

import etelecom_analytics as et
from etelecom_analytics.archive import object_path as module
from etelecom_analytics.archive.folder import archive_path, check_store, exclusive, make_folder
from etelecom_analytics.archive.log import Log, has_versions, repair_log
from etelecom_analytics.archive.object_options import StoreError, checked_options, object_reason
from etelecom_analytics.archive.object_path import ObjectPath, Overwritten
from etelecom_analytics.archive.places import Place, place_of, readable
from etelecom_analytics.archive.problems import Damage
from etelecom_analytics.cli.common import add_archive_arguments, storage_options
from etelecom_analytics.errors import ArchiveError, InputError
from etelecom_analytics.language import speaking
from etelecom_analytics.simulator import serve

SECRET = "made/up+secret0123456789"


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> ObjectPath:
    """A path in a store in memory, which has the same methods as that of S3."""
    memory = MemoryStore()
    monkeypatch.setattr(module, "_store", lambda bucket, options: memory)
    path = archive_path("s3://bucket/calls", {"AWS_SECRET_ACCESS_KEY": SECRET})
    assert isinstance(path, ObjectPath)
    return path


def filled(root: ObjectPath, *names: str) -> ObjectPath:
    for name in names:
        (root / name).write(name.encode())
    return root


def test_objects_are_found_as_files_are(root: ObjectPath):
    assert not root.exists()
    assert not root.is_dir()
    filled(root, "_log/1.json", "_log/2.json", "_log/old/3.json", "other")
    assert root.is_dir()
    assert (root / "other").is_file()
    assert [path.name for path in (root / "_log").iterdir()] == ["1.json", "2.json"]
    assert [str(path) for path in (root / "_log").below(after="1.json")] == [
        "s3://bucket/calls/_log/2.json",
        "s3://bucket/calls/_log/old/3.json",
    ]
    assert sorted(root.names()) == ["_log", "other"]
    first = next((root / "_log").iterdir())
    assert (first.stem, first.stat().st_size, first.read_bytes()) == ("1", 11, b"_log/1.json")
    assert (root / "other").stat().st_size == 5
    assert place_of(root).bytes_below(root) == 42
    (root / "other").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match="there is no object s3://bucket/calls/other"):
        (root / "other").read_bytes()


def test_objects_are_written_under_conditions(root: ObjectPath):
    path = root / "file"
    path.write(b"1", new=True)
    content, tag = path.read()
    with pytest.raises(Overwritten):
        path.write(b"2", new=True)
    path.write(b"2", tag=tag)
    with pytest.raises(Overwritten):
        path.write(b"3", tag=tag)
    assert (content, path.read_bytes()) == (b"1", b"2")


def test_update_is_tried_again_after_another_one(root: ObjectPath):
    place, path = place_of(root), root / "count"

    def count_up() -> bytes:
        number = len(path.read_bytes()) if path.is_file() else 0
        if not others:
            others.append(number)
            path.write(b"x" * (number + 1))  # another process is faster
        return b"x" * (number + 1)

    others: list[int] = []
    for _ in range(2):
        others.clear()
        place.update(path, count_up)
    assert path.read_bytes() == b"xxxx"
    place.update(path, lambda: None)
    assert path.read_bytes() == b"xxxx"


def test_sizes_of_objects_are_compared(root: ObjectPath):
    place: Place = place_of(root)
    filled(root, "local_day=1/a", "local_day=2/b")
    files = [("local_day=1/a", 13), ("local_day=2/b", 14), ("local_day=3/c", 1)]
    missing = Damage("is missing", is_missing=True)
    assert place.damages(root, files) == [None, Damage("has 13 bytes instead of 14"), missing]
    many = [(f"local_day={day}/c", 1) for day in range(20)]
    assert place.damages(root, many) == [missing] * 20
    with speaking("vi"):
        texts = [str(damage) for damage in place.damages(root, files[1:])]
    assert texts == ["có 13 byte thay vì 14", "bị thiếu"]
    place.set_aside(root / "local_day=1/a")
    place.set_aside(root / "local_day=9/z")
    assert (root / "local_day=1/a.damaged").is_file()
    assert not readable(root / "local_day=2/b")


def test_torn_commits_of_an_object_store_become_empty_ones(root: ObjectPath):
    """Nobody else can be kept from writing the same version, so none is deleted."""
    assert not has_versions(root)
    log = root / "_delta_log"
    whole = json.dumps({"commitInfo": {"timestamp": 1}}).encode()
    for version, content in enumerate((whole, b"{", whole, b"")):
        (log / f"{version:020}.json").write(content)
    assert has_versions(root)
    assert Log.read(root).torn == [1, 3]
    assert [problem.problem for problem in repair_log(root)] == ["torn commit"] * 2
    assert Log.read(root).torn == []
    assert Log.read(root).last == 3
    assert list(Log.read(root, since=2).commits) == [3]


def test_place_of_something_else_is_refused(root: ObjectPath):
    make_folder(root)
    check_store(root)
    assert root.names() == ["_conditional_put"]
    with exclusive(root, lock=True):
        assert root.names() == ["_conditional_put"]
    filled(root, "holiday.png")
    with pytest.raises(ArchiveError, match="exists and is not an archive"):
        make_folder(root)


def test_new_archive_in_an_object_store_is_empty(root: ObjectPath, client_of: Callable[..., Any]):
    archive = et.Archive(str(root), storage_options={"AWS_SECRET_ACCESS_KEY": SECRET})
    assert archive == et.Archive(str(root), storage_options={"secret_access_key": SECRET})
    assert repr(archive) == "Archive('s3://bucket/calls')"
    assert SECRET not in repr(vars(archive)) + repr(archive.path)
    copy = pickle.loads(pickle.dumps(archive.path))  # noqa: S301  # as for a worker
    assert copy == archive.path
    with pytest.raises(ArchiveError, match="There is no archive at s3://bucket/calls"):
        archive.status()
    with serve(week(1)) as server, pytest.raises(InputError, match="a first day is needed"):
        archive.sync(client_of(server), progress=False)
    for action in (lambda: archive.roll_up("day"), lambda: archive.forget("0912345678")):
        with pytest.raises(ArchiveError):
            action()
    with pytest.raises(InputError, match="at least 1h"):
        archive.vacuum(keep="1m")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Server returned non-2xx status code: 403 Forbidden: <Error><Code>InvalidAccessKeyId"
            f"</Code><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>",
            "403 Forbidden InvalidAccessKeyId). Check AWS_ACCESS_KEY_ID",
        ),
        ("status code: 404 Not Found: <Code>NoSuchBucket</Code>", "Create the bucket first"),
        ("status code: 503 Service Unavailable", "(503 Service Unavailable)"),
        ("HTTP error\n error sending request", "does not answer. Check AWS_ENDPOINT_URL"),
        ("GET http://169.254.169.254/ - status code: 404 Not Found", "there are no credentials"),
        (f"\x1b[31mparquet: {SECRET} is odd\x1b[0m\nstack", "parquet: *** is odd"),
        ("", "Exception"),
    ],
)
def test_reasons_are_clear_and_show_no_credentials(text: str, reason: str):
    options = checked_options({"AWS_SECRET_ACCESS_KEY": SECRET})
    shown = object_reason(Exception(text), options)
    assert reason in shown
    assert SECRET not in shown
    assert object_reason(StoreError(shown), options) == shown


def test_credentials_are_cut_from_the_errors_behind_an_error(
    root: ObjectPath, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMENVIRONMENT")
    place = place_of(root)
    error = ValueError("by AKIAFROMENVIRONMENT")
    error.__cause__ = OSError(f"sent {SECRET}")
    assert place.cut(error) is None
    assert "AKIA" not in str(error)
    assert SECRET not in str(error.__cause__)
    assert place.is_down(OSError("Generic S3 error"))
    assert not place.is_down(FileNotFoundError("gone"))
    assert not place.is_down(ValueError("parquet: wrong magic"))
    local = place_of(Path("calls"))
    assert not local.is_down(OSError("Generic S3 error"))
    assert local.reason(OSError()) is None


@pytest.mark.parametrize(
    "options",
    [
        {"AWS_SECRET": "hidden"},
        {"AWS_ENDPOINT_URL": "http://me:hidden@host"},
        {"AWS_S3_ALLOW_UNSAFE_RENAME": "hidden"},
        {"conditional_put": "hidden"},
        {"AWS_REGION": 1},
        "hidden",
    ],
)
def test_options_are_checked(options: Any):
    with pytest.raises(InputError) as caught:
        checked_options(options)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["s3://me:hidden@bucket/a", "s3://bucket", "s3://b/a", "s3://bucket/a?x"]
)
def test_addresses_are_checked(address: str):
    with pytest.raises(
        ArchiveError, match="The address of an archive is s3://bucket/name"
    ) as caught:
        et.Archive(address)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("bucket", ["abc", "9.b-c", "b" * 63])
def test_a_bucket_has_3_to_63_characters(bucket: str):
    assert str(archive_path(f"s3://{bucket}/a/b=1.c")) == f"s3://{bucket}/a/b=1.c"
    for wrong in (bucket[:2], bucket + "b" * 61, f"-{bucket}", f"{bucket}.", bucket.upper() + "B"):
        with pytest.raises(ArchiveError, match="The bucket has 3 to 63 lower-case letters"):
            archive_path(f"s3://{wrong}/a")
    with pytest.raises(ArchiveError, match="no part begins with a dot"):
        archive_path(f"s3://{bucket}/a/.b")


def test_options_of_another_kind_of_place_are_refused(root: ObjectPath, tmp_path: Path):
    with pytest.raises(InputError, match="storage_options are for addresses"):
        et.Archive(tmp_path / "calls", storage_options={"AWS_REGION": "a"})
    with pytest.raises(InputError, match="allow_unsafe_rename is for folders"):
        et.Archive(str(root), allow_unsafe_rename=True)
    assert archive_path(Path("s3://bucket/calls")) == archive_path("S3://bucket/calls/")


def test_command_takes_options_but_no_secrets(capsys: pytest.CaptureFixture[str]):
    parser = argparse.ArgumentParser()
    add_archive_arguments(parser, "folder")
    arguments = parser.parse_args(["s3://bucket/a", "--storage-option", "AWS_REGION=a=b"])
    assert storage_options(arguments) == {"AWS_REGION": "a=b"}
    assert storage_options(parser.parse_args(["calls"])) is None
    for text in ("AWS_SECRET_ACCESS_KEY=hidden", "hidden", "AWS_SESSION_TOKEN=hidden"):
        with pytest.raises(SystemExit):
            parser.parse_args(["s3://bucket/a", "--storage-option", text])
    assert "hidden" not in capsys.readouterr().err
