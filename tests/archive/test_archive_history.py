"""History: what a version was, what lies between two of them, and what is given up on purpose."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import ArchiveError, InputError
from etelecom_analytics.frames import in_order
from etelecom_analytics.simulator import CallLogServer

UNTIL = "2024-01-09"
EVER = "90000d"


@pytest.fixture
def restated(
    archive: et.Archive, past_client: et.Client, past_server: CallLogServer
) -> tuple[int, int]:
    """The version before and after eight calls of one day turned out to be missed, and a call came."""
    old = archive.status().version
    answered = [
        row
        for row in past_server.rows
        if row["call_state"] == "answered" and row["started_at"].startswith("2024-01-04T04")
    ][:8]
    changed = [{**row, "call_state": "not_answered", "duration": 0} for row in answered]
    past_server.change(*changed, {**answered[0], "id": "77"})
    archive.sync(past_client, until=UNTIL, lookback=EVER)
    return old, archive.status().version


def test_versions_tell_what_each_brought(archive: et.Archive, restated: tuple[int, int]):
    versions = archive.versions()

    assert versions["version"].to_list() == list(range(restated[1] + 1))
    assert versions["what"].to_list() == ["created", *["day"] * restated[1]]
    assert versions["at"].is_sorted()
    last = versions.row(-1, named=True)
    assert (last["local_day"], last["added"], last["changed"], last["gone"]) == (
        date(2024, 1, 4),
        1,
        8,
        0,
    )


def test_a_diff_tells_which_calls_and_fields_and_by_how_much_measures_moved(
    archive: et.Archive, restated: tuple[int, int], past_calls: pl.DataFrame
):
    old, new = restated
    between = archive.diff(old, new)

    assert between.added["id"].to_list() == ["77"]
    assert between.gone.is_empty()
    assert between.changed.height == between.before.height == between.after.height == 8
    assert set(between.changed["fields"].explode()) == {"call_state", "duration"}
    assert between.before.schema == between.after.schema == past_calls.schema
    moved = {measure: (was, became) for _, measure, was, became, _ in between.measures.rows()}
    for version, place in ((old, 0), (new, 1)):
        day = archive.scan(
            et.CallQuery(date_from="2024-01-04", date_to="2024-01-05"), version=version
        )
        table = et.summarize(
            day, measures=list(moved), options=et.MetricOptions(ivr_numbers=archive.ivr_numbers)
        ).collect()
        assert {name: pytest.approx(values[place]) for name, values in moved.items()} == table.row(
            0, named=True
        )
    assert {"offered", "answer_rate", "missed", "talk_s"} <= moved.keys()
    assert set(between.measures["day"]) == {date(2024, 1, 4)}
    assert "1 added, 8 changed, 0 gone" in repr(between)
    assert "<table>" in between._repr_html_()


def test_what_a_diff_says_leads_from_the_old_to_the_new_and_back(
    archive: et.Archive, restated: tuple[int, int]
):
    tables = [in_order(archive.scan(version=version).collect()) for version in restated]

    assert_frame_equal(archive.diff(*restated).apply(tables[0]), tables[1])
    assert_frame_equal(archive.diff(*reversed(restated)).apply(tables[1]), tables[0])
    assert archive.diff(restated[0]).added["id"].to_list() == ["77"]
    same = archive.diff(restated[1], restated[1])
    assert same.is_empty
    assert same.measures.is_empty()
    assert archive.diff(0, restated[0]).added.height == tables[0].height


def test_compacting_changes_no_call(
    archive: et.Archive, restated: tuple[int, int], past_client: et.Client
):
    before = in_order(archive.scan().collect())
    archive.compact()

    assert_frame_equal(in_order(archive.scan().collect()), before)
    assert archive.diff(restated[1]).is_empty
    assert archive.sync(past_client, until=UNTIL).fetched == 0
    assert list((archive.path / "_delta_log").glob("*.checkpoint*.parquet"))


def test_what_is_vacuumed_cannot_be_read_any_more_and_says_so(
    archive: et.Archive, restated: tuple[int, int], past_client: et.Client
):
    days = archive.days()
    (
        archive.path / "local_day=2024-01-04" / "part-left-behind-by-a-killed-writer.parquet"
    ).write_bytes(b"half")
    assert archive.vacuum(keep="30d") == 0
    assert archive.scan(version=restated[0]).collect().height > 0
    assert archive.vacuum(keep="0h") == 2

    with pytest.raises(ArchiveError, match=f"Version {restated[0]} .* was vacuumed"):
        archive.scan(version=restated[0])
    with pytest.raises(ArchiveError, match="was vacuumed"):
        archive.diff(*restated)
    assert_frame_equal(archive.days(), days)
    assert archive.sync(past_client, until=UNTIL).fetched == 0
    assert len(list(archive.path.rglob("*.parquet"))) == len(archive.files()) + 1


def test_what_is_pruned_is_gone_and_does_not_come_back(
    archive: et.Archive, past_client: et.Client, past_calls: pl.DataFrame
):
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date()
    kept = past_calls.filter(day >= date(2024, 1, 4))
    assert archive.prune(before="2024-01-04") == past_calls.height - kept.height

    for _ in range(2):
        assert_frame_equal(in_order(archive.scan().collect()), kept)
        assert archive.status().first_day == date(2024, 1, 4)
        archive.sync(past_client, since="2024-01-01", until=UNTIL, lookback=EVER)
    assert archive.prune(before="2024-01-02") == 0
    archive.sync(past_client, since="2024-01-01", until=UNTIL, lookback=EVER)
    assert_frame_equal(in_order(archive.scan().collect()), kept)
    archive.vacuum(keep="0h")
    content = b"".join(path.read_bytes() for path in archive.path.rglob("*.parquet"))
    assert archive.status().rows == kept.height
    assert past_calls.filter(day < date(2024, 1, 4))["id"][0].encode() not in content


def test_a_version_that_never_was_is_refused(archive: et.Archive):
    latest = archive.status().version
    for version in (latest + 1, -1):
        with pytest.raises(ArchiveError, match=f"has versions 0 to {latest}, not {version}"):
            archive.scan(version=version)
    with pytest.raises(InputError, match="keep is a time"):
        archive.vacuum(keep="soon")


def test_what_another_engine_wrote_is_not_taken_for_certified(
    archive: et.Archive, past_client: et.Client, past_calls: pl.DataFrame
):
    import deltalake

    deltalake.DeltaTable(archive.path).delete("local_day = '2024-01-03'")
    assert archive.status().rows < past_calls.height
    assert archive.status().days == 0
    archive.sync(past_client, until=UNTIL)
    assert_frame_equal(in_order(archive.scan().collect()), past_calls)


def test_its_name_tells_where_it_lies(archive: et.Archive):
    assert repr(archive) == f"Archive({str(archive.path)!r})"
