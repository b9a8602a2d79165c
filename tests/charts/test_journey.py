"""One call's journey: its legs are there, in order, with what became of them; whatever they hold stays text."""

import io
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import charts, metrics

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
HOSTILE = "<script>alert(1)</script> a.b['c']\\[0] datum.x"


def bars(drawn: Any) -> list[dict[str, Any]]:
    return [row for rows in drawn.to_dict()["datasets"].values() for row in rows if "phase" in row]


def svg(drawn: Any) -> str:
    saved = io.StringIO()
    drawn.save(saved, format="svg")
    return saved.getvalue()


@pytest.fixture
def hunted(calls: pl.DataFrame) -> pl.DataFrame:
    """An answered call of many legs, some to persons who did not take it."""
    in_calls = calls.filter(direction="in", call_state="answered").drop_nulls("ended_at")
    return in_calls.filter(pl.col("call_targets").list.len() > 4).sort("id").head(1)


def test_every_phase_is_a_bar_and_every_leg_a_row(calls: pl.DataFrame, hunted: pl.DataFrame):
    call_id = hunted["id"].item()
    drawn = charts.journey(calls, call_id, options=OPTIONS)
    phases = metrics.call_phases(calls, call_id, options=OPTIONS)

    found = [(row["phase"], row["from_s"], row["to_s"]) for row in bars(drawn)]
    spans = phases.select(pl.col("phase").cast(pl.String), "from_s", "to_s").iter_rows()
    lasted = hunted.select(
        (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    ).item()
    expected = [
        ("call", 0.0, round(lasted, 6)),
        *((phase, round(begin, 6), round(end, 6)) for phase, begin, end in spans),
    ]
    assert sorted(found) == sorted(expected)
    spec = drawn.to_dict()
    assert (
        f"Journey of call {call_id}: in, answered, {hunted['call_targets'].list.len().item()} legs"
        in " ".join(spec["title"]["text"])
    )
    assert hunted["caller"].item() in spec["title"]["subtitle"][0]
    assert "no person" in spec["description"]


def test_names_are_told_where_calls_have_them(hunted: pl.DataFrame):
    numbers = hunted["call_targets"].list.eval(pl.element().struct.field("target_number"))
    names = pl.Series(
        [[f"Người {number}" for number in row] for row in numbers.to_list()],
        dtype=pl.List(pl.String),
    )
    drawn = charts.journey(
        hunted.with_columns(target_names=names), hunted["id"].item(), options=OPTIONS
    )

    told = {row["row"].split(". ", 1)[1] for row in bars(drawn) if row["phase"] != "call"}
    assert told == {f"Người {number} ({number})" for row in numbers.to_list() for number in row}


def test_a_call_without_legs_and_one_without_times_are_drawn(hunted: pl.DataFrame):
    call_id = hunted["id"].item()
    no_legs = hunted.with_columns(call_targets=pl.lit([], hunted.schema["call_targets"]))
    no_times = pl.lit(None, pl.Datetime("us", "UTC"))
    fields = dict.fromkeys(("add_time", "ring_time", "answered_time", "ended_time"), no_times)
    timeless = pl.col("call_targets").list.eval(pl.element().struct.with_fields(**fields))
    nothing = hunted.with_columns(started_at=no_times, ended_at=no_times, call_targets=timeless)

    assert "0 legs" in " ".join(charts.journey(no_legs, call_id).to_dict()["title"]["text"])
    told = charts.journey(nothing, call_id)
    assert "from unknown time" in " ".join(told.to_dict()["title"]["text"])
    assert "<svg" in svg(told)


def test_a_running_call_has_no_end(hunted: pl.DataFrame):
    open_end = hunted.with_columns(ended_at=pl.lit(None, pl.Datetime("us", "UTC")))

    assert "no end" in {row["until"] for row in bars(charts.journey(open_end, hunted["id"].item()))}


def test_hostile_texts_stay_text(hunted: pl.DataFrame):
    fields = {
        name: pl.lit(HOSTILE) for name in ("target_number", "trunk_name", "end_reason", "status")
    }
    legs = pl.col("call_targets").list.eval(pl.element().struct.with_fields(**fields))
    attacked = hunted.with_columns(
        call_targets=legs, caller=pl.lit(HOSTILE), callee=pl.lit(HOSTILE), id=pl.lit(HOSTILE)
    )

    drawn = svg(charts.journey(attacked, HOSTILE))

    assert "<script" not in drawn
    assert "&lt;script" in drawn


def test_a_call_of_very_many_legs_says_what_is_left_out(hunted: pl.DataFrame):
    one = hunted["call_targets"].to_list()[0][0]
    many = hunted.with_columns(
        call_targets=pl.Series([[one] * 900], dtype=hunted.schema["call_targets"])
    )
    drawn = charts.journey(many, hunted["id"].item())

    assert "The first 200 of 900 legs." in " ".join(drawn.to_dict()["title"]["subtitle"])
    assert len(bars(drawn)) < 1_000


def test_an_unknown_call_is_refused_in_words(calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match="There is no call 'nobody'"):
        charts.journey(calls, "nobody")


@pytest.mark.parametrize("kind", ["lazy", "selection"])
def test_any_kind_of_table_will_do(kind: str, calls: pl.DataFrame, hunted: pl.DataFrame):
    same = calls.lazy() if kind == "lazy" else metrics.Selection(calls)

    assert (
        charts.journey(same, hunted["id"].item()).to_dict()
        == charts.journey(calls, hunted["id"].item()).to_dict()
    )


def test_a_real_call(real_calls: pl.DataFrame):
    drawn = charts.journey(real_calls, real_calls["id"].item(5))

    assert "1 leg" in drawn.to_dict()["title"]["text"][0]
