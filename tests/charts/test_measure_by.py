"""measure_by draws the values of summarize, for the groups that fit."""

from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.charts import measure_by
from etelecom_analytics.errors import InputError, UnknownName

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))


def group_rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per group: those of the invisible marks."""
    hit = next(layer for layer in spec["layer"] if layer.get("name") == "groups")
    return list(spec["datasets"][hit["data"]["name"]])


@pytest.mark.parametrize(
    ("measure", "by"),
    [
        ("offered", "weekday"),
        ("answer_rate", "hour"),
        ("asa_s", "direction"),
        ("rna", "target_number"),
        ("talk_s", "day"),
    ],
)
def test_values_are_those_of_summarize(calls: pl.DataFrame, measure: str, by: str):
    rows = group_rows(measure_by(calls, measure=measure, by=by, options=OPTIONS).to_dict())
    table = et.summarize(calls, [by], [measure], options=OPTIONS, confidence=True).filter(
        pl.col(by).is_not_null() | (by != "day")
    )

    biggest = (
        table
        if table.height <= 40
        else table.filter(pl.col(by).cast(pl.String).is_in([row["key"] for row in rows]))
    )
    assert sorted(round(row["value"], 6) for row in rows if row["value"] is not None) == sorted(
        biggest[measure].drop_nulls().round(6)
    )
    if f"{measure}_low" in table.columns:
        assert [row["low"] for row in rows] == table[f"{measure}_low"].round(6).to_list()


def test_the_40_biggest_groups_are_drawn_with_a_note(calls: pl.DataFrame):
    spec = measure_by(calls, by="caller").to_dict()
    table = et.summarize(calls, ["caller"], ["calls"])

    assert f"the 40 groups with the most calls, of {table.height:,}." in spec["description"]
    assert (
        sorted((row["count"] for row in group_rows(spec)), reverse=True)
        == table["calls"].sort(descending=True).head(40).to_list()
    )


@pytest.mark.parametrize("by", ["caller", "callee", "target_number"])
def test_masked_numbers_have_unique_labels_and_are_not_in_the_chart(calls: pl.DataFrame, by: str):
    alike = ["0912000001", "0912000101", "0912000201"]
    external = calls.head(90).with_columns(
        caller=pl.Series(alike * 30),
        callee=pl.Series(alike * 30),
        call_targets=pl.col("call_targets").list.eval(
            pl.element().struct.with_fields(
                target_number=pl.lit(alike[0]), trunk_name=pl.lit("trunk")
            )
        ),
    )
    # A mobile number is no person, so it has legs but no offers.
    measure = "trunk_legs" if by == "target_number" else "calls"
    masked, full = (
        measure_by(external, measure=measure, by=by, masked=hidden).to_dict()
        for hidden in (True, False)
    )

    keys = [row["key"] for row in group_rows(masked)]
    assert len(set(keys)) == len(keys) >= 1
    assert all(key.startswith("091*****01") for key in keys)
    assert not any(number in str(masked) for number in alike)
    assert any(number in str(full) for number in alike)


def test_own_numbers_and_ivr_numbers_are_not_masked(calls: pl.DataFrame):
    numbers = ["0912000001", "02838000000", "19000123"]
    external = calls.head(90).with_columns(callee=pl.Series(numbers * 30))
    options = et.MetricOptions(ivr_numbers=("19000123",))

    spec = measure_by(
        external,
        measure="calls",
        by="callee",
        masked=True,
        own_numbers=["+84 28 3800 0000"],
        options=options,
    ).to_dict()
    assert {row["key"] for row in group_rows(spec)} == {"091*****01", "02838000000", "19000123"}
    with pytest.raises(InputError, match="own_numbers must be a list"):
        measure_by(external, by="callee", masked=True, own_numbers="02838000000")


def test_invalid_measures_and_dimensions_raise(calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="hour"):
        measure_by(calls, by="hours")
    with pytest.raises(UnknownName, match="offered"):
        measure_by(calls, measure="offerd")
    with pytest.raises(InputError, match="many legs"):
        measure_by(calls, measure="offered", by="target_number")
    with pytest.raises(InputError, match="with_names"):
        measure_by(calls, by="hotline")
