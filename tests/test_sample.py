"""data/sample is the output of its documented command, and a valid snapshot."""

import re
import shlex
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.cli import app

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def command() -> list[str]:
    match = re.search(
        r"^    etelecom (demo .+)$", (DATA / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert match
    return shlex.split(match[1])


@pytest.mark.slow
def test_documented_command_recreates_the_sample(command: list[str], tmp_path: Path):
    command[command.index("--output") + 1] = str(tmp_path / "sample")

    assert app.main(command) == 0
    created, stored = et.read_snapshot(tmp_path / "sample"), et.read_snapshot(DATA / "sample")
    assert_frame_equal(created.calls, stored.calls)
    assert_frame_equal(created.call_targets, stored.call_targets)
    assert created.query == stored.query


def test_recording_links_of_the_sample_are_examples():
    links = et.read_snapshot(DATA / "sample").calls["recording_urls"].explode(empty_as_null=False)

    assert len(links) > 100
    assert links.str.starts_with("https://recordings.example/").all()
