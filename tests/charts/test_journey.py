"""The journey of one call: its legs in order with their outcomes, and safe text."""

from typing import Any

import polars as pl
import pytest
from support.chart_specs import subtitle, svg, tables, title

import etelecom_analytics as et
from etelecom_analytics import charts, metrics

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
HOSTILE = "<script>alert(1)</script> a.b['c']\\[0] datum.x"


def bars(chart: Any) -> list[dict[str, Any]]:
    return [row for rows in tables(chart, "phase") for row in rows]


@pytest.fixture
def hunted(calls: pl.DataFrame) -> pl.DataFrame:
    """An answered call of many legs, some to persons who did not answer."""
    answered = calls.filter(direction="in", call_state="answered").drop_nulls("ended_at")
    return answered.filter(pl.col("call_targets").list.len() > 4).sort("id").head(1)


def test_every_phase_is_a_bar_and_every_leg_a_row(calls: pl.DataFrame, hunted: pl.DataFrame):
    call_id = hunted["id"].item()
    chart = charts.journey(calls, call_id, options=OPTIONS)
    phases = metrics.call_phases(calls, call_id, options=OPTIONS)

    rows = [(row["phase"], row["from_s"], row["to_s"]) for row in bars(chart)]
    spans = phases.select(pl.col("phase").cast(pl.String), "from_s", "to_s").iter_rows()
    duration = hunted.select(
        (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    ).item()
    expected = [
        ("call", 0.0, round(duration, 6)),
        *((phase, round(begin, 6), round(end, 6)) for phase, begin, end in spans),
    ]
    assert sorted(rows) == sorted(expected)
    legs = hunted["call_targets"].list.len().item()
    assert f"Journey of call {call_id}: in, answered, {legs} legs" in title(chart)
    assert hunted["caller"].item() in chart.to_dict()["title"]["subtitle"][0]
    assert "no person" in chart.to_dict()["description"]


def test_legs_have_names_if_the_calls_do(hunted: pl.DataFrame):
    numbers = hunted["call_targets"].list.eval(pl.element().struct.field("target_number"))
    names = pl.Series(
        [[f"Người {number}" for number in row] for row in numbers.to_list()],
        dtype=pl.List(pl.String),
    )
    chart = charts.journey(
        hunted.with_columns(target_names=names), hunted["id"].item(), options=OPTIONS
    )

    labels = {row["row"].split(". ", 1)[1] for row in bars(chart) if row["phase"] != "call"}
    assert labels == {f"Người {number} ({number})" for row in numbers.to_list() for number in row}


@pytest.mark.slow
def test_a_call_without_legs_or_without_times_is_drawn(hunted: pl.DataFrame):
    call_id = hunted["id"].item()
    no_legs = hunted.with_columns(call_targets=pl.lit([], hunted.schema["call_targets"]))
    no_times = pl.lit(None, pl.Datetime("us", "UTC"))
    fields = dict.fromkeys(("add_time", "ring_time", "answered_time", "ended_time"), no_times)
    timeless = pl.col("call_targets").list.eval(pl.element().struct.with_fields(**fields))
    without_times = hunted.with_columns(
        started_at=no_times, ended_at=no_times, call_targets=timeless
    )

    assert "0 legs" in title(charts.journey(no_legs, call_id))
    chart = charts.journey(without_times, call_id)
    assert "unknown time" in subtitle(chart)
    assert "<svg" in svg(chart)


def test_a_running_call_has_no_end(hunted: pl.DataFrame):
    open_end = hunted.with_columns(ended_at=pl.lit(None, pl.Datetime("us", "UTC")))

    assert "no end" in {row["until"] for row in bars(charts.journey(open_end, hunted["id"].item()))}


@pytest.mark.slow
def test_hostile_text_stays_text(hunted: pl.DataFrame):
    fields = {
        name: pl.lit(HOSTILE) for name in ("target_number", "trunk_name", "end_reason", "status")
    }
    legs = pl.col("call_targets").list.eval(pl.element().struct.with_fields(**fields))
    attacked = hunted.with_columns(
        call_targets=legs, caller=pl.lit(HOSTILE), callee=pl.lit(HOSTILE), id=pl.lit(HOSTILE)
    )

    image = svg(charts.journey(attacked, HOSTILE))

    assert "<script" not in image
    assert "&lt;script" in image


def test_a_call_of_many_legs_has_a_note_about_the_limit(hunted: pl.DataFrame):
    one = hunted["call_targets"].to_list()[0][0]
    many = hunted.with_columns(
        call_targets=pl.Series([[one] * 900], dtype=hunted.schema["call_targets"])
    )
    chart = charts.journey(many, hunted["id"].item())

    assert "the first 200 of 900 legs" in subtitle(chart)
    assert len(bars(chart)) < 1_000


def test_an_unknown_call_raises(calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match="There is no call 'nobody'"):
        charts.journey(calls, "nobody")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lazy", "selection"])
def test_lazy_frames_and_selections_are_accepted(
    kind: str, calls: pl.DataFrame, hunted: pl.DataFrame
):
    same = calls.lazy() if kind == "lazy" else metrics.Selection(calls)

    assert (
        charts.journey(same, hunted["id"].item()).to_dict()
        == charts.journey(calls, hunted["id"].item()).to_dict()
    )


def test_a_real_call_is_drawn(real_calls: pl.DataFrame):
    chart = charts.journey(real_calls, real_calls["id"].item(5))

    assert "1 leg" in chart.to_dict()["title"]["text"][0]
