"""Numbers that look like an IVR or a queue, and the line that warns of them."""

import polars as pl
import pytest
from support.call_cases import Record, call, frame, leg

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.locale.number_note import number_note
from etelecom_analytics.metrics.number_suggestions import missing_numbers

LISTED = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])


def calls_to(*legs: Record, number: int = 10, direction: str = "in") -> pl.DataFrame:
    """As many calls with the same legs, in this direction."""
    return frame(
        *(
            call(str(index), *legs, ended=60, state="answered", direction=direction)
            for index in range(number)
        )
    )


def ivr(number: str = "8000", *, after: float = 0.0, seconds: float = 0.5) -> Record:
    return leg(number, add=after, answered=after + seconds, ended=after + 10)


def person(number: str = "101", *, after: float = 12.0) -> Record:
    return leg(number, add=after, ring=after, answered=after + 5, ended=after + 40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_of_a_simulation_are_suggested(seed: int):
    calls = et.simulate_calls(2_000, seed=seed).calls

    assert et.suggest_numbers(calls).select("number", "kind").rows() == [
        ("8000", "ivr"),
        ("8100", "queue"),
    ]


def test_evidence_counts_legs_and_calls():
    calls = pl.concat(
        [
            calls_to(ivr(), person(), number=8),
            calls_to(ivr(seconds=1.1), person(), number=2).with_columns(id="id" + pl.lit("b")),
            calls_to(ivr(), number=6).with_columns(id="id" + pl.lit("c")),
        ]
    )

    assert et.suggest_numbers(calls).rows() == [("8000", "ivr", 16, 16, 14 / 16, 10 / 16)]


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ([ivr(), person()], "an IVR before a person"),
        ([ivr("8000@10.0.0.1"), person()], "another notation"),
    ],
)
def test_an_ivr_is_suggested_in_its_normal_form(legs: list[Record], reason: str):
    assert et.suggest_numbers(calls_to(*legs))["number"].to_list() == ["8000"], reason


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        (calls_to(ivr("101")), "a phone that answers by itself: no leg follows"),
        (calls_to(person(after=0), person("102", after=60)), "a person who transfers"),
        (calls_to(ivr(), person(), number=9), "too few calls"),
        (calls_to(ivr(), person(), direction="out"), "legs of outbound calls"),
        (calls_to(ivr(seconds=1.01), person()), "answered after more than 1 s"),
        (calls_to(person(), ivr("199", after=55)), "voicemail: the last leg"),
        (calls_to(), "no legs"),
        (calls_to(leg(None, add=0, answered=0.1, ended=5), person()), "no number"),
    ],
)
def test_other_numbers_are_not_suggested(calls: pl.DataFrame, reason: str):
    assert et.suggest_numbers(calls).is_empty(), reason


def test_a_number_is_a_queue_while_others_ring():
    queue = leg("8100", add=0, answered=0.2, ended=30)

    assert et.suggest_numbers(calls_to(queue, person()))["kind"].to_list() == ["queue"]


def test_the_kinds_of_input_agree():
    calls = et.sample_logs().calls
    expected = et.suggest_numbers(calls)

    assert et.suggest_numbers(calls.lazy()).equals(expected)
    assert et.suggest_numbers(et.metrics.Selection(calls)).equals(expected)
    with pytest.raises(InputError):
        et.suggest_numbers([calls])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        LISTED,
        et.MetricOptions(ivr_numbers=["8000", "8100"]),
        et.MetricOptions(voicemail_numbers=["80*"], queue_numbers=["tel:8100"]),
        et.MetricOptions(ivr_numbers=["8*"]),
        et.MetricOptions(agent_numbers=["8000", "8100"]),
    ],
)
def test_a_number_in_any_list_is_not_missing(options: et.MetricOptions):
    calls = et.sample_logs().calls

    assert missing_numbers(calls, options).is_empty()
    assert missing_numbers(et.metrics.Selection(calls), options).is_empty()
    assert number_note(calls, options) == ""


def test_a_selection_warns_of_the_numbers_of_its_own_calls():
    selection = et.metrics.Selection(et.sample_logs().calls)
    one = selection.where(pl.col("id") == first_call_to("8000"))

    assert one.height == 1
    assert number_note(one, et.MetricOptions()).startswith("8000 looks like an IVR")
    assert number_note(selection.where(pl.col("direction") == "out"), et.MetricOptions()) == ""


def first_call_to(number: str) -> str:
    legs = et.call_targets(et.sample_logs().calls)
    only = legs.group_by("call_id").agg(pl.col("target_number")).sort("call_id")
    has, other = (pl.col("target_number").list.contains(each) for each in (number, "8100"))
    return str(only.filter(has, ~other)["call_id"][0])


def test_a_large_table_is_sampled():
    calls = et.sample_logs().calls
    table = pl.concat([calls] * 120)

    assert table.height > 40_000
    numbers = missing_numbers(table, et.MetricOptions())
    assert numbers["number"].to_list() == ["8000", "8100"]
    assert numbers["calls"].sum() < et.suggest_numbers(table)["calls"].sum()


def test_the_line_names_numbers_and_settings():
    calls = calls_to(ivr("8000"), ivr("8001", after=0.1), person(), number=10)
    assert number_note(et.sample_logs().calls, et.MetricOptions()) == (
        "8000 looks like an IVR and 8100 like a queue: set ivr_numbers and queue_numbers, "
        "or waits are too short."
    )
    assert number_note(calls, et.MetricOptions(ivr_numbers=["8001"])).startswith("8000 looks")
    many = [ivr(f"80{index:02}", after=0) for index in range(5)]
    assert number_note(calls_to(*many, person()), et.MetricOptions()) == (
        "8000, 8001, 8002 and 2 more look like IVRs: set ivr_numbers, or waits are too short."
    )


def test_the_line_shows_no_whole_phone_number():
    text = number_note(calls_to(ivr("02873000456"), person()), et.MetricOptions())

    assert "looks like an IVR" in text
    assert "73000" not in text


CHARTS = [
    "answer_rate", "concurrency", "control", "erlangs", "extension_performance", "funnel",
    "group_limits", "heatmap", "hunt_paths", "measure_by", "patience", "ring_durations",
    "service_level", "time_to_callback", "trunk_failures", "wait_distribution",
    "agents_by_interval",
]  # fmt: skip


def subtitles(chart: object) -> list[str]:
    spec = chart.to_dict(validate=False)  # type: ignore[attr-defined]
    titles = [spec.get("title", {}), *(each.get("title", {}) for each in spec.get("vconcat", []))]
    return [
        line for title in titles if isinstance(title, dict) for line in title.get("subtitle", [])
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_warns_in_its_first_line_only_where_it_is_true(name: str):
    draw, calls = getattr(et.charts, name), et.sample_logs().calls
    line = "8000 looks like an IVR and 8100 like a queue"

    warned, listed = draw(calls), draw(calls, options=LISTED)

    assert subtitles(warned)[1].startswith(line)
    assert line in warned.to_dict(validate=False)["description"]
    assert not any("looks like" in each for each in subtitles(listed))


@pytest.mark.slow
def test_several_measures_warn_once():
    calls = et.sample_logs().calls
    for chart in (
        et.charts.measure_by(calls, measure=["offered", "asa_s"]),
        et.charts.heatmap(calls, measure=["offered", "asa_s"]),
    ):
        assert sum("looks like an IVR" in line for line in subtitles(chart)) == 1


def test_every_public_chart_is_in_the_list():
    drawn = {name for name in et.charts.__all__ if name[0].islower()}
    # IVRs and queues are in no outbound call.
    others = {name for name in drawn if name.startswith("outbound_")}

    assert drawn - others - {"gallery", "journey", "use_offline_renderer"} == set(CHARTS)


def test_a_journey_of_a_call_warns():
    calls = et.sample_logs().calls
    chart = et.charts.journey(calls, first_call_to("8000"))

    assert subtitles(chart)[1].startswith("8000 looks like an IVR")
