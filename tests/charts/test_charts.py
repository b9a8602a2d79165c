"""Every chart: whatever the calls, it says what it counts, keeps small, saves as a picture, and says in words when it is empty."""

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import altair as alt
import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import charts, schema

CHARTS: dict[str, Callable[..., Any]] = {
    "answer_rate by day": charts.answer_rate,
    "answer_rate by month": partial(charts.answer_rate, by="month"),
    "answer_rate by hour": partial(charts.answer_rate, by="hour"),
    "answer_rate by callee": partial(charts.answer_rate, by="callee"),
    "ring_durations": charts.ring_durations,
    "extension_performance": charts.extension_performance,
    "heatmap": charts.heatmap,
    "heatmap of answer_rate": partial(charts.heatmap, measure="answer_rate"),
    "heatmap of ring_avg_s": partial(charts.heatmap, measure="ring_avg_s"),
    "measure_by": charts.measure_by,
    "measure_by hour of answer_rate": partial(charts.measure_by, measure="answer_rate", by="hour"),
    "measure_by target_number of fair_answer_rate": partial(
        charts.measure_by, measure="fair_answer_rate", by="target_number"
    ),
    "measure_by caller of asa_s": partial(
        charts.measure_by, measure="asa_s", by="caller", masked=True
    ),
    "service_level": charts.service_level,
    "wait_distribution": charts.wait_distribution,
    "patience": charts.patience,
    "patience by callee": partial(charts.patience, by="callee"),
    "time_to_callback": charts.time_to_callback,
    "time_to_callback by weekday": partial(charts.time_to_callback, by="weekday"),
    "concurrency": charts.concurrency,
    "erlangs": charts.erlangs,
    "agents_needed": charts.agents_needed,
    "agents_needed by quarter_hour": partial(
        charts.agents_needed, interval="quarter_hour", agents=2
    ),
    "trunk_failures": charts.trunk_failures,
    "funnel": charts.funnel,
    "hunt_paths": charts.hunt_paths,
}
INPUTS = ("one_call", "no_call", "null_row")
PNG = b"\x89PNG"
MOST_MARKS = 5_000
ZONE = "Asia/Ho_Chi_Minh"


@pytest.fixture(scope="module", params=CHARTS)
def chart(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return CHARTS[request.param]


@pytest.fixture(scope="module")
def of_calls(chart: Callable[..., Any], calls: pl.DataFrame) -> Any:
    """The chart of the simulated calls, drawn once."""
    return chart(calls)


def png(drawn: Any) -> bytes:
    saved = io.BytesIO()
    drawn.save(saved, format="png")
    return saved.getvalue()


def title(drawn: Any) -> str:
    return " ".join(drawn.to_dict()["title"]["text"])


def subtitle(drawn: Any) -> str:
    return " ".join(drawn.to_dict()["title"]["subtitle"])


def views(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a specification that have marks, with the data they inherit."""
    parts = [part for name in ("layer", "vconcat", "hconcat") for part in spec.get(name, [])]
    if not parts:
        yield spec
    for part in parts:
        yield from views({"data": spec.get("data"), **part})


def rows_of(drawn: Any) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each part that has marks, with its rows."""
    spec = drawn.to_dict()
    return [(view, spec["datasets"][view["data"]["name"]]) for view in views(spec)]


def words_in(drawn: Any) -> list[str]:
    return [row["words"] for _, rows in rows_of(drawn) for row in rows if row.get("words")]


@pytest.mark.parametrize("given", INPUTS)
def test_it_says_what_it_counts_and_where_and_saves_as_a_picture(
    chart: Callable[..., Any], given: str, request: pytest.FixtureRequest
):
    drawn = chart(request.getfixturevalue(given))

    assert ZONE in title(drawn)
    assert drawn.to_dict()["description"].startswith(title(drawn))
    picture = png(drawn)
    assert picture.startswith(PNG)
    assert len(picture) > 4_000


@pytest.mark.parametrize("given", ["no_call", "null_row"])
def test_a_chart_of_nothing_says_so_in_words(
    chart: Callable[..., Any], given: str, request: pytest.FixtureRequest
):
    drawn = chart(request.getfixturevalue(given))
    if given == "null_row" and "Funnel of 1 call" in title(drawn):
        return  # it is running, and so it is there

    words = words_in(drawn)

    assert len(words) == 1
    assert words[0].startswith("No ")
    assert given != "no_call" or words == ["No calls"]


def test_the_same_calls_give_the_same_chart(
    chart: Callable[..., Any], of_calls: Any, calls: pl.DataFrame
):
    assert chart(calls.reverse()).to_dict() == of_calls.to_dict()


def test_the_same_chart_gives_the_same_picture(calls: pl.DataFrame):
    assert png(charts.answer_rate(calls)) == png(charts.answer_rate(calls))


def test_a_lazy_frame_gives_the_same_chart(
    chart: Callable[..., Any], of_calls: Any, calls: pl.DataFrame
):
    assert chart(calls.lazy()).to_dict() == of_calls.to_dict()


def test_it_names_its_formula(of_calls: Any):
    assert " = " in subtitle(of_calls)


def test_what_can_be_pointed_at_tells_its_counts(of_calls: Any):
    counts = {
        "offered",
        "offers",
        "count",
        "answered",
        "calls",
        "numerator",
        "legs",
        "events",
        "up_to_calls",
        "n",
        "hours",
    }
    told = [
        {each["field"] for each in view["encoding"].get("tooltip", [])}
        for view, _ in rows_of(of_calls)
    ]

    assert [fields for fields in told if fields]
    for fields in told:
        assert not fields or fields & (counts | {"up_to_offers", "ring_p50_s", "since"})


def test_no_chart_has_more_marks_than_altair_takes(chart: Callable[..., Any], calls: pl.DataFrame):
    many = pl.concat(
        [
            calls.with_columns(
                started_at=pl.col("started_at") + pl.duration(weeks=week),
                callee=pl.col("callee") + f"-{week}",
            )
            for week in range(0, 400, 8)
        ]
    )

    drawn = chart(many.with_columns(ended_at=pl.col("started_at") + pl.duration(minutes=1)))

    assert sum(len(rows) for _, rows in rows_of(drawn)) <= MOST_MARKS


def test_what_was_left_out_is_told(calls: pl.DataFrame):
    days = pl.concat(
        [
            calls.head(20).with_columns(pl.col("started_at", "ended_at") + pl.duration(days=day))
            for day in range(500)
        ]
    )

    assert "The latest 370 of" in subtitle(charts.answer_rate(days))
    assert "The 40 groups with the most offered calls, of" in subtitle(
        charts.answer_rate(calls, by="callee")
    )
    assert "the 3 with the most offers" in title(charts.extension_performance(calls, limit=3))


def test_nothing_from_the_calls_becomes_part_of_the_drawing(
    chart: Callable[..., Any], of_calls: Any, calls: pl.DataFrame
):
    """Hostile numbers stay values: the fields are those of a harmless chart, and so are the marks."""
    hostile = "a.b['c']\\[0] <img src=x onerror=alert(1)> datum.x"
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(target_number=pl.lit(hostile), trunk_name=pl.lit(hostile))
    )
    attacked = calls.with_columns(call_targets=legs, callee=pl.lit(hostile), caller=pl.lit(hostile))

    drawn = chart(attacked)

    assert {field for view, _ in rows_of(drawn) for field in _fields(view)} <= {
        field for view, _ in rows_of(of_calls) for field in _fields(view)
    }
    assert png(drawn).startswith(PNG)


def _fields(view: dict[str, Any]) -> set[str]:
    channels = [
        each
        for channel in view["encoding"].values()
        for each in (channel if isinstance(channel, list) else [channel])
    ]
    return {each["field"] for each in channels if "field" in each}


def test_real_calls_are_drawn(chart: Callable[..., Any], real_calls: pl.DataFrame):
    drawn = chart(real_calls)

    assert "33,066" in title(drawn) or "of 1,839 missed calls" in title(
        drawn
    )  # those with a caller
    assert sum(len(rows) for _, rows in rows_of(drawn)) <= MOST_MARKS
    assert png(drawn).startswith(PNG)


def test_the_sample_is_drawn_with_its_coverage(chart: Callable[..., Any], sample: et.CallLogs):
    drawn = chart(sample.calls, coverage=sample.report)

    assert ZONE in title(drawn)
    assert drawn.to_dict()["description"].startswith(title(drawn))
    assert not [words for words in words_in(drawn) if words.startswith("No ")]
    assert "Complete from 2026-11-02 00:00 through 2026-11-09 00:00." in subtitle(drawn)
    assert png(drawn).startswith(PNG)


@pytest.mark.parametrize(
    "by",
    [
        name
        for name in et.metrics.DIMENSIONS
        if name not in ("target_number", "trunk_name", "outcome", "fail_code")
    ],
)
def test_every_dimension_of_calls_is_drawn_with_its_empty_key(
    by: str, calls: pl.DataFrame, null_row: pl.DataFrame
):
    drawn = charts.answer_rate(
        pl.concat(
            [
                calls,
                null_row.with_columns(
                    call_state=pl.lit("answered", dtype=pl.Enum(schema.CALL_STATES))
                ),
            ]
        ),
        by=by,
    )

    told = {row.get("key") for _, rows in rows_of(drawn) for row in rows}
    few = "The 40 groups with the most" in subtitle(drawn)
    assert (
        "(none)" in told
        or "(none): 1 call without a start" in subtitle(drawn)
        or few
        or by == "call_state"
    )


def test_a_dimension_of_offers_is_refused_with_the_reason(calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match="a call has many legs"):
        charts.answer_rate(calls, by="target_number")


def test_an_unknown_measure_is_refused_with_the_nearest(calls: pl.DataFrame):
    with pytest.raises(et.errors.UnknownName, match="answer_rate"):
        charts.heatmap(calls, measure="answer_rat")


@pytest.mark.parametrize("most", [0, 401])
def test_how_many_numbers_has_its_limits(most: int, calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match="from 1 to 400"):
        charts.extension_performance(calls, limit=most)


@pytest.mark.parametrize("measure", et.metrics.MEASURES)
def test_every_measure_has_a_heatmap(measure: str, calls: pl.DataFrame):
    assert charts.heatmap(calls, measure=measure).to_dict()["$schema"] == alt.SCHEMA_URL
