"""Versions, diffs, compacting, vacuuming and pruning of an archive."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import ArchiveError, InputError
from etelecom_analytics.frames import in_order
from etelecom_analytics.language import speaking
from etelecom_analytics.simulator import CallLogServer

UNTIL = "2024-01-09"
ALL_DAYS = "90000d"


@pytest.fixture
def restated(
    archive: et.Archive, past_client: et.Client, past_server: CallLogServer
) -> tuple[int, int]:
    """The versions before and after eight calls of one day changed and one call was added."""
    old = archive.status().version
    answered = [
        row
        for row in past_server.rows
        if row["call_state"] == "answered" and row["started_at"].startswith("2024-01-04T04")
    ][:8]
    changed = [{**row, "call_state": "not_answered", "duration": 0} for row in answered]
    past_server.change(*changed, {**answered[0], "id": "77"})
    archive.sync(past_client, until=UNTIL, lookback=ALL_DAYS)
    return old, archive.status().version


@pytest.mark.slow
def test_versions_list_the_changes_of_each_version(archive: et.Archive, restated: tuple[int, int]):
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


@pytest.mark.slow
def test_diff_lists_calls_fields_and_measures(
    archive: et.Archive, restated: tuple[int, int], past_calls: pl.DataFrame
):
    old, new = restated
    diff = archive.diff(old, new)

    assert diff.added["id"].to_list() == ["77"]
    assert diff.gone.is_empty()
    assert diff.changed.height == diff.before.height == diff.after.height == 8
    assert set(diff.changed["fields"].explode()) == {"call_state", "duration"}
    assert diff.before.schema == diff.after.schema == past_calls.schema
    moved = {measure: (before, after) for _, measure, before, after, _ in diff.measures.rows()}
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
    assert set(diff.measures["day"]) == {date(2024, 1, 4)}
    assert "1 added, 8 changed, 0 gone" in repr(diff)
    assert "<table>" in diff._repr_html_()


@pytest.mark.slow
def test_applying_a_diff_gives_the_other_version(archive: et.Archive, restated: tuple[int, int]):
    tables = [in_order(archive.scan(version=version).collect()) for version in restated]

    assert_frame_equal(archive.diff(*restated).apply(tables[0]), tables[1])
    assert_frame_equal(archive.diff(*reversed(restated)).apply(tables[1]), tables[0])
    assert archive.diff(restated[0]).added["id"].to_list() == ["77"]
    same = archive.diff(restated[1], restated[1])
    assert same.is_empty
    assert same.measures.is_empty()
    assert archive.diff(0, restated[0]).added.height == tables[0].height


@pytest.mark.slow
def test_compacting_does_not_change_calls(
    archive: et.Archive, restated: tuple[int, int], past_client: et.Client
):
    before = in_order(archive.scan().collect())
    archive.compact()

    assert_frame_equal(in_order(archive.scan().collect()), before)
    assert archive.diff(restated[1]).is_empty
    assert archive.sync(past_client, until=UNTIL).fetched == 0
    assert list((archive.path / "_delta_log").glob("*.checkpoint*.parquet"))


@pytest.mark.slow
def test_reading_a_vacuumed_version_is_an_error(
    archive: et.Archive, restated: tuple[int, int], past_client: et.Client
):
    days = archive.days()
    (archive.path / "local_day=2024-01-04" / "part-of-an-interrupted-writer.parquet").write_bytes(
        b"half"
    )
    assert archive.vacuum(keep="30d") == 0
    assert archive.scan(version=restated[0]).collect().height > 0
    assert archive.vacuum(keep="1s") == 2

    with pytest.raises(ArchiveError, match=f"Version {restated[0]} .* was vacuumed"):
        archive.scan(version=restated[0])
    with pytest.raises(ArchiveError, match="was vacuumed"):
        archive.diff(*restated)
    assert_frame_equal(archive.days(), days)
    assert archive.sync(past_client, until=UNTIL).fetched == 0
    assert len(list(archive.path.rglob("*.parquet"))) == len(archive.files()) + 1


def test_a_vacuumed_version_is_no_damage_in_any_language(
    archive: et.Archive, restated: tuple[int, int]
):
    archive.vacuum(keep="1s")
    for language in ("vi", "en"):
        with (
            speaking(language),
            pytest.raises(ArchiveError, match=f"Version {restated[0]} of .* was vacuumed"),
        ):
            archive.scan(version=restated[0])


@pytest.mark.slow
def test_pruned_days_are_not_fetched_again(
    archive: et.Archive, past_client: et.Client, past_calls: pl.DataFrame
):
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date()
    remaining = past_calls.filter(day >= date(2024, 1, 4))
    assert archive.prune(before="2024-01-04") == past_calls.height - remaining.height

    for _ in range(2):
        assert_frame_equal(in_order(archive.scan().collect()), remaining)
        assert archive.status().first_day == date(2024, 1, 4)
        archive.sync(past_client, since="2024-01-01", until=UNTIL, lookback=ALL_DAYS)
    assert archive.prune(before="2024-01-02") == 0
    archive.sync(past_client, since="2024-01-01", until=UNTIL, lookback=ALL_DAYS)
    assert_frame_equal(in_order(archive.scan().collect()), remaining)
    archive.vacuum(keep="1s")
    content = b"".join(path.read_bytes() for path in archive.path.rglob("*.parquet"))
    assert archive.status().rows == remaining.height
    assert past_calls.filter(day < date(2024, 1, 4))["id"][0].encode() not in content


def test_unknown_version_is_an_error(archive: et.Archive):
    latest = archive.status().version
    for version in (latest + 1, -1):
        with pytest.raises(ArchiveError, match=f"has versions 0 to {latest}, not {version}"):
            archive.scan(version=version)
    with pytest.raises(InputError, match="keep is a length of time"):
        archive.vacuum(keep="soon")


@pytest.mark.slow
def test_changes_by_another_engine_invalidate_certificates(
    archive: et.Archive, past_client: et.Client, past_calls: pl.DataFrame
):
    import deltalake

    deltalake.DeltaTable(archive.path).delete("local_day = '2024-01-03'")
    assert archive.status().rows < past_calls.height
    assert archive.status().days == 0
    archive.sync(past_client, until=UNTIL)
    assert_frame_equal(in_order(archive.scan().collect()), past_calls)


def test_repr_shows_the_path(archive: et.Archive):
    assert repr(archive) == f"Archive({str(archive.path)!r})"
