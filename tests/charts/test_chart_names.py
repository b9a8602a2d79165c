"""Names in charts: extensions and users have their names, and hostile names stay text."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.chart_specs import subtitle, svg, tables

import etelecom_analytics as et
from etelecom_analytics import charts, names
from etelecom_analytics.metrics import NAME_DIMENSIONS, Selection

HOSTILE = "<script>alert(1)</script> a.b['c']\\[0] datum.x"


def with_names(calls: pl.DataFrame, prefix: str = "Người") -> pl.DataFrame:
    """These calls with a name for the user of each extension in them."""
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
        full_name=pl.format("{} {}", pl.lit(prefix), "place"),
        short_name=pl.lit(None, pl.String),
        department_id=pl.lit("5"),
    )
    hotlines = pl.DataFrame({"id": ["9"], "hotline": ["19000123"], "name": ["Main"]})
    return names.with_names(calls, extensions=extensions, users=users, hotlines=hotlines)


@pytest.fixture(scope="session")
def named_calls(calls: pl.DataFrame) -> pl.DataFrame:
    return with_names(calls)


def keys(chart: Any, field: str) -> set[str]:
    """The values of this field in all tables of the chart."""
    return {row[field] for rows in tables(chart) for row in rows if field in row}


def domains(spec: Any) -> list[list[str]]:
    """The domains of all nominal y axes in a specification."""
    if isinstance(spec, list):
        return [domain for part in spec for domain in domains(part)]
    if not isinstance(spec, dict):
        return []
    y = spec.get("encoding", {}).get("y", {})
    own = [y["scale"]["domain"]] if y.get("type") == "nominal" and "scale" in y else []
    return own + [
        domain for name in ("layer", "hconcat", "vconcat") for domain in domains(spec.get(name, []))
    ]


@pytest.mark.slow
def test_extension_performance_shows_the_user_of_a_number(
    calls: pl.DataFrame, named_calls: pl.DataFrame
):
    bare, named = charts.extension_performance(calls), charts.extension_performance(named_calls)
    owners = dict(
        names.call_targets_with_users(named_calls)
        .select("target_number", "user")
        .drop_nulls()
        .iter_rows()
    )

    assert len(owners) > 4
    assert keys(named, "number") == {
        f"{owners[number]} ({number})" if number in owners else number
        for number in keys(bare, "number")
    }
    assert keys(named, "number") & {"8000", "8100"}  # without a user
    for domain in domains(named.to_dict()):
        assert set(domain) == keys(named, "number")


def test_a_number_without_answered_calls_has_a_name(calls: pl.DataFrame):
    """The name belongs to the number that rang, not to the user who answered."""
    named_calls = with_names(calls).filter(call_state="not_answered")

    assert any(
        key.startswith("Người")
        for key in keys(charts.extension_performance(named_calls, min_offers=1), "number")
    )
    assert named_calls["user"].null_count() == named_calls.height


@pytest.mark.slow
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
def test_answer_rates_of_extensions_and_users_have_names(
    by: str, expected: str, named_calls: pl.DataFrame
):
    chart = charts.answer_rate(named_calls, by=by)

    assert expected in keys(chart, "key")
    assert "(none)" in keys(chart, "key")
    assert "a missed call has no extension: it counts under (none)" in subtitle(chart)
    for domain in domains(chart.to_dict()):
        assert set(domain) == keys(chart, "key")


@pytest.mark.slow
def test_long_paths_have_numbers_and_the_names_are_in_the_subtitle(
    named_calls: pl.DataFrame,
):
    chart = charts.hunt_paths(named_calls)
    paths = keys(chart, "path")

    assert any(">" in path for path in paths)
    assert all(path.replace("+", "").replace(" > ", "").isdigit() for path in paths)
    assert "names: Người 0 (101), Người 1 (102)" in subtitle(chart)
    short = named_calls.filter(pl.col("call_targets").list.len() == 1)
    assert any("Người" in path for path in keys(charts.hunt_paths(short), "path"))
    assert "names:" not in subtitle(charts.hunt_paths(short))


def test_without_names_the_keys_are_ids(calls: pl.DataFrame):
    ids = {*calls["extension_id"].drop_nulls(), "(none)"}

    assert keys(charts.answer_rate(calls, by="extension_id"), "key") == ids


@pytest.mark.parametrize("by", NAME_DIMENSIONS)
def test_a_name_dimension_without_names_raises(by: str, calls: pl.DataFrame):
    message = "label_hotlines=True" if by == "hotline_id" else r"logs\.with_names"
    with pytest.raises(et.errors.InputError, match=message):
        charts.answer_rate(calls, by=by)


@pytest.mark.parametrize("by", ["hotline_id", "hotline", "department_id"])
def test_a_note_states_what_a_missing_hotline_or_department_means(
    by: str, named_calls: pl.DataFrame
):
    is_missed = pl.col("call_state").cast(pl.String) == "not_answered"
    known = named_calls.with_columns(
        pl.when(is_missed | pl.col(name).is_not_null()).then(pl.lit("7")).alias(name)
        for name in ("hotline", "department_id")
    ).with_columns(hotline_id="hotline")
    noun = "department" if by == "department_id" else "hotline"

    for chart in (
        charts.answer_rate(known, by=by),
        charts.measure_by(known, measure="offered", by=by),
    ):
        assert f"a call whose {noun} is not known counts under (none)" in subtitle(chart)
        assert "a missed call has no extension" not in subtitle(chart)


def test_other_dimensions_have_no_note_about_extensions(named_calls: pl.DataFrame):
    unknown = named_calls.with_columns(
        callee=pl.when(pl.col("direction").cast(pl.String) != "in").then("callee")
    )

    assert "(none)" in keys(charts.answer_rate(unknown, by="callee"), "key")
    assert "missed call" not in subtitle(charts.answer_rate(unknown, by="callee"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "by", "expected"),
    [
        ("offers", "user", True),
        ("leg_talk_s", "extension_id", True),
        ("offers", "target_number", False),
        ("answered", "user", False),
        ("trunk_legs", "user", False),
    ],
)
def test_a_chart_of_offers_by_person_states_whose_they_are(
    measure: str, by: str, expected: bool, named_calls: pl.DataFrame
):
    text = subtitle(charts.measure_by(named_calls, measure=measure, by=by))
    without_owners = named_calls.drop("target_owners")

    assert ("the person whose number rang" in text) == expected
    other = subtitle(charts.measure_by(without_owners, measure=measure, by=by))
    assert "the person whose number rang" not in other


@pytest.mark.slow
def test_a_selection_and_a_lazy_frame_have_the_same_names(named_calls: pl.DataFrame):
    for draw in (
        charts.extension_performance,
        lambda calls: charts.answer_rate(calls, by="extension_id"),
    ):
        expected = draw(named_calls).to_dict()
        assert draw(named_calls.lazy()).to_dict() == expected
        assert draw(Selection(named_calls)).to_dict() == expected


def test_extensions_with_the_same_number_and_name_stay_separate(named_calls: pl.DataFrame):
    same = named_calls.with_columns(
        extension_number=pl.when(pl.col("extension_number").is_not_null()).then(pl.lit("101")),
        user=pl.when(pl.col("user").is_not_null()).then(pl.lit("An")),
        target_owners=pl.col("target_owners").list.eval(
            pl.when(pl.element().struct.field("extension_id").is_not_null())
            .then(
                pl.element().struct.with_fields(extension_number=pl.lit("101"), user=pl.lit("An"))
            )
            .otherwise(pl.element())
        ),
    )
    labels = keys(charts.answer_rate(same, by="extension_id"), "key")

    assert labels == {
        "(none)",
        *(f"An (101) [{each}]" for each in same["extension_id"].drop_nulls()),
    }


@pytest.mark.slow
def test_hostile_names_stay_text(calls: pl.DataFrame, named_calls: pl.DataFrame):
    """The fields of the specification are those of a chart of harmless names."""
    attacked = with_names(calls, HOSTILE)

    for draw, field in (
        (charts.extension_performance, "number"),
        (lambda calls: charts.answer_rate(calls, by="user"), "key"),
    ):
        chart = draw(attacked)
        assert any(key.startswith(HOSTILE) for key in keys(chart, field))
        assert fields(chart.to_dict()) == fields(draw(named_calls).to_dict())
        image = svg(chart)
        assert "<script" not in image
        assert "&lt;script" in image


def fields(spec: Any) -> set[str]:
    if isinstance(spec, list):
        return {field for part in spec for field in fields(part)}
    if not isinstance(spec, dict):
        return set()
    own = {spec["field"]} if isinstance(spec.get("field"), str) else set()
    return own | {
        field
        for name, part in spec.items()
        if name not in ("datasets", "title", "description")
        for field in fields(part)
    }


@pytest.mark.slow
def test_hostile_names_stay_text_in_a_page(sample: et.CallLogs, tmp_path: Path):
    logs = replace(sample, calls=with_names(sample.calls, HOSTILE))
    page = et.write_page(logs, tmp_path / "page.html").read_text(encoding="utf-8")

    assert "<script>alert(1)" not in page
    assert "\\u003cscript>alert(1)" in page
