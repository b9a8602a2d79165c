"""data/sample is what its command makes, and reads as a snapshot."""

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
    found = re.search(
        r"^    etelecom (demo .+)$", (DATA / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found
    return shlex.split(found[1])


def test_the_command_beside_the_sample_makes_it_anew(command: list[str], tmp_path: Path):
    command[command.index("--output") + 1] = str(tmp_path / "sample")

    assert app.main(command) == 0
    made, kept = et.read_snapshot(tmp_path / "sample"), et.read_snapshot(DATA / "sample")
    assert_frame_equal(made.calls, kept.calls)
    assert_frame_equal(made.call_targets, kept.call_targets)
    assert made.query == kept.query


def test_the_sample_holds_no_link_to_a_real_place():
    links = et.read_snapshot(DATA / "sample").calls["recording_urls"].explode(empty_as_null=False)

    assert len(links) > 100
    assert links.str.starts_with("https://recordings.example/").all()
