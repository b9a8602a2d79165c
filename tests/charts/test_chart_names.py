"""Charts of calls with names: who, and not only which number; and what comes from outside stays text."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import charts, names
from etelecom_analytics.metrics import NAME_DIMENSIONS, Selection

HOSTILE = "<script>alert(1)</script> a.b['c']\\[0] datum.x"


def named(calls: pl.DataFrame, who: str = "Người") -> pl.DataFrame:
    """These calls with a name for everybody whose extension took part in one."""
    ids = (
        calls.select(id="extension_id", user_id="user_id")
        .drop_nulls()
        .unique()
        .sort("id")
        .with_row_index("place")
    )
    extensions = ids.select(
        "id",
        "user_id",
        extension_number=(pl.col("place") + 101).cast(pl.String),
        hotline_id=pl.lit("9"),
    )
    users = ids.select(
        "user_id",
        full_name=pl.format("{} {}", pl.lit(who), "place"),
        short_name=pl.lit(None, pl.String),
        department_id=pl.lit("5"),
    )
    hotlines = pl.DataFrame({"id": ["9"], "hotline": ["19000123"], "name": ["Main"]})
    return names.with_names(calls, extensions=extensions, users=users, hotlines=hotlines)


@pytest.fixture(scope="session")
def named_calls(calls: pl.DataFrame) -> pl.DataFrame:
    return named(calls)


def keys(drawn: Any, field: str) -> set[str]:
    """What stands in this field of any data of the chart."""
    return {
        row[field] for rows in drawn.to_dict()["datasets"].values() for row in rows if field in row
    }


def subtitle(drawn: Any) -> str:
    return " ".join(drawn.to_dict()["title"]["subtitle"])


def domains(spec: Any) -> list[list[str]]:
    """The domains of all axes of names, wherever they are in a specification."""
    if isinstance(spec, list):
        return [domain for part in spec for domain in domains(part)]
    if not isinstance(spec, dict):
        return []
    y = spec.get("encoding", {}).get("y", {})
    own = [y["scale"]["domain"]] if y.get("type") == "nominal" and "scale" in y else []
    return own + [
        domain for name in ("layer", "hconcat", "vconcat") for domain in domains(spec.get(name, []))
    ]


def test_extension_performance_shows_who_has_a_number(
    calls: pl.DataFrame, named_calls: pl.DataFrame
):
    bare, told = charts.extension_performance(calls), charts.extension_performance(named_calls)
    owners = dict(
        names.call_targets_with_users(named_calls)
        .select("target_number", "user")
        .drop_nulls()
        .iter_rows()
    )

    assert len(owners) > 4
    assert keys(told, "number") == {
        f"{owners[number]} ({number})" if number in owners else number
        for number in keys(bare, "number")
    }
    assert keys(told, "number") & {"8000", "8100"}  # nobody's
    for domain in domains(told.to_dict()):
        assert set(domain) == keys(told, "number")


def test_who_answered_nothing_has_a_name_too(calls: pl.DataFrame):
    """The name comes with the number that rang, not with the calls that somebody took."""
    named_calls = named(calls).filter(call_state="not_answered")

    assert any(
        key.startswith("Người")
        for key in keys(charts.extension_performance(named_calls, min_offers=1), "number")
    )
    assert named_calls["user"].null_count() == named_calls.height


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("extension_id", "Người 0 (101)"),
        ("extension_number", "Người 0 (101)"),
        ("user_id", "Người 0"),
        ("user", "Người 0"),
        ("hotline", "19000123"),
    ],
)
def test_answer_rates_of_extensions_and_users_are_told_by_name(
    by: str, expected: str, named_calls: pl.DataFrame
):
    drawn = charts.answer_rate(named_calls, by=by)

    assert expected in keys(drawn, "key")
    assert "(none)" in keys(drawn, "key")
    assert "A missed call has no extension: it counts under (none)" in subtitle(drawn)
    for domain in domains(drawn.to_dict()):
        assert set(domain) == keys(drawn, "key")


def test_ways_that_are_too_long_with_names_are_told_by_number_and_names_stand_below_the_title(
    named_calls: pl.DataFrame,
):
    drawn = charts.hunt_paths(named_calls)
    ways = keys(drawn, "path")

    assert any(">" in way for way in ways)
    assert all(way.replace("+", "").replace(" > ", "").isdigit() for way in ways)
    assert "Who: Người 0 (101), Người 1 (102)" in subtitle(drawn)
    short = named_calls.filter(pl.col("call_targets").list.len() == 1)
    assert any("Người" in way for way in keys(charts.hunt_paths(short), "path"))
    assert "Who:" not in subtitle(charts.hunt_paths(short))


def test_without_names_ids_stay_as_they_are(calls: pl.DataFrame):
    ids = {*calls["extension_id"].drop_nulls(), "(none)"}

    assert keys(charts.answer_rate(calls, by="extension_id"), "key") == ids


@pytest.mark.parametrize("by", NAME_DIMENSIONS)
def test_without_names_the_error_says_where_to_get_them(by: str, calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match=r"logs\.with_names"):
        charts.answer_rate(calls, by=by)


def test_other_groups_have_no_such_note(named_calls: pl.DataFrame):
    unknown = named_calls.with_columns(
        callee=pl.when(pl.col("direction").cast(pl.String) != "in").then("callee")
    )

    assert "(none)" in keys(charts.answer_rate(unknown, by="callee"), "key")
    assert "missed call" not in subtitle(charts.answer_rate(unknown, by="callee"))


def test_a_selection_and_a_lazy_frame_show_the_same_names(named_calls: pl.DataFrame):
    for draw in (
        charts.extension_performance,
        lambda calls: charts.answer_rate(calls, by="extension_id"),
    ):
        expected = draw(named_calls).to_dict()
        assert draw(named_calls.lazy()).to_dict() == expected
        assert draw(Selection(named_calls)).to_dict() == expected


def test_two_extensions_of_one_number_and_name_stay_two_rows(named_calls: pl.DataFrame):
    same = named_calls.with_columns(
        extension_number=pl.when(pl.col("extension_number").is_not_null()).then(pl.lit("101")),
        user=pl.when(pl.col("user").is_not_null()).then(pl.lit("An")),
    )
    told = keys(charts.answer_rate(same, by="extension_id"), "key")

    assert told == {"(none)", *(f"An (101) [{each}]" for each in same["extension_id"].drop_nulls())}


def test_hostile_names_stay_text(calls: pl.DataFrame, named_calls: pl.DataFrame):
    """The names are values of the data: the fields of the drawing are those of a harmless chart, and it can be drawn."""
    attacked = named(calls, HOSTILE)

    for draw, field in (
        (charts.extension_performance, "number"),
        (lambda calls: charts.answer_rate(calls, by="user"), "key"),
    ):
        drawn = draw(attacked)
        assert any(key.startswith(HOSTILE) for key in keys(drawn, field))
        assert fields(drawn.to_dict()) == fields(draw(named_calls).to_dict())
        saved = io.StringIO()
        drawn.save(saved, format="svg")
        assert "<script" not in saved.getvalue()
        assert "&lt;script" in saved.getvalue()


def fields(spec: Any) -> set[str]:
    if isinstance(spec, list):
        return {found for part in spec for found in fields(part)}
    if not isinstance(spec, dict):
        return set()
    own = {spec["field"]} if isinstance(spec.get("field"), str) else set()
    return own | {
        found
        for name, part in spec.items()
        if name not in ("datasets", "title", "description")
        for found in fields(part)
    }


def test_a_page_with_hostile_names_holds_them_as_text(sample: et.CallLogs, tmp_path: Path):
    logs = replace(sample, calls=named(sample.calls, HOSTILE))
    told = et.write_page(logs, tmp_path / "page.html").read_text(encoding="utf-8")

    assert "<script>alert(1)" not in told
    assert "\\u003cscript>alert(1)" in told
