"""Properties of every chart: texts, size, images, empty input, determinism, and safe text."""

from collections.abc import Callable, Iterator
from typing import Any

import altair as alt
import polars as pl
import pytest
from support.all_charts import CHARTS
from support.chart_specs import notes, png, spec, subtitle, title
from support.examples import some

import etelecom_analytics as et
from etelecom_analytics import charts, schema

TABLES = ("one_call", "no_call", "null_row")
PNG = b"\x89PNG"
MAX_MARKS = 5_000
ZONE = "Asia/Ho_Chi_Minh"


@pytest.fixture(scope="module", params=CHARTS)
def draw(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return CHARTS[request.param]


@pytest.fixture(scope="module")
def chart(draw: Callable[..., Any], calls: pl.DataFrame) -> Any:
    """The chart of the simulated calls, chart once."""
    return draw(calls)


def views(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a specification with marks, with the data that they inherit."""
    parts = [part for name in ("layer", "vconcat", "hconcat") for part in whole.get(name, [])]
    if not parts:
        yield whole
    for part in parts:
        yield from views({"data": whole.get("data"), **part})


def rows_of(chart: Any) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each part with marks, and its rows."""
    whole = spec(chart)
    return [(view, whole["datasets"][view["data"]["name"]]) for view in views(whole)]


def messages(chart: Any) -> list[str]:
    return [row["message"] for _, rows in rows_of(chart) for row in rows if row.get("message")]


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_the_title_names_the_time_zone_and_the_chart_saves_as_png(
    draw: Callable[..., Any], table: str, request: pytest.FixtureRequest
):
    chart = draw(request.getfixturevalue(table))

    assert ZONE in subtitle(chart)
    assert spec(chart)["description"].startswith(title(chart))
    image = png(chart)
    assert image.startswith(PNG)
    assert len(image) > 4_000


@pytest.mark.slow
@pytest.mark.parametrize("table", ["no_call", "null_row"])
def test_a_chart_without_data_shows_a_message(
    draw: Callable[..., Any], table: str, request: pytest.FixtureRequest
):
    chart = draw(request.getfixturevalue(table))
    if table == "null_row" and "What became of the calls" in title(chart):
        return  # the call is running, so the funnel has data

    texts = messages(chart)

    assert len(texts) == 1
    assert texts[0].startswith("No ")
    assert table != "no_call" or texts == ["No calls"]


@pytest.mark.slow
def test_a_lazy_frame_in_another_order_gives_the_same_chart(
    draw: Callable[..., Any], chart: Any, calls: pl.DataFrame
):
    same = draw(calls.lazy().reverse())

    assert same.to_dict(validate=False) == spec(chart)


@pytest.mark.slow
def test_the_same_calls_give_the_same_png(calls: pl.DataFrame):
    assert png(charts.answer_rate(calls)) == png(charts.answer_rate(calls))


@pytest.mark.slow
def test_the_subtitle_has_the_formula(chart: Any):
    assert " = " in notes(chart)


@pytest.mark.slow
def test_every_tooltip_has_a_count(chart: Any):
    counts = {
        "offered",
        "offers",
        "count",
        "answered",
        "calls",
        "numerator",
        "legs",
        "events",
        "up_to_num",
        "n",
        "hours",
    }
    tooltips = [
        {each["field"] for each in view["encoding"].get("tooltip", [])}
        for view, _ in rows_of(chart)
    ]

    assert [fields for fields in tooltips if fields]
    for fields in tooltips:
        assert not fields or fields & (counts | {"ring_p50_s", "since"})


@pytest.fixture(scope="module")
def many(calls: pl.DataFrame) -> pl.DataFrame:
    """More calls than marks, in more weeks than a year has."""
    some = calls.gather_every(10)
    weeks = [
        some.with_columns(
            started_at=pl.col("started_at") + pl.duration(weeks=week),
            callee=pl.col("callee") + f"-{week}",
        )
        for week in range(0, 400, 8)
    ]
    assert some.height * len(weeks) > MAX_MARKS
    return pl.concat(weeks).with_columns(ended_at=pl.col("started_at") + pl.duration(minutes=1))


@pytest.mark.slow
def test_no_chart_exceeds_the_row_limit_of_altair(draw: Callable[..., Any], many: pl.DataFrame):
    chart = draw(many)

    assert sum(len(rows) for _, rows in rows_of(chart)) <= MAX_MARKS


def test_a_note_states_what_is_left_out(calls: pl.DataFrame):
    days = pl.concat(
        [
            calls.head(20).with_columns(pl.col("started_at", "ended_at") + pl.duration(days=day))
            for day in range(500)
        ]
    )

    assert "the latest 370 of" in subtitle(charts.answer_rate(days))
    assert "the 40 groups with the most offered calls, of" in subtitle(
        charts.answer_rate(calls, by="callee")
    )
    assert "the 3 with the most offers" in subtitle(charts.extension_performance(calls, limit=3))


@pytest.mark.slow
def test_hostile_text_in_calls_stays_data(
    draw: Callable[..., Any], chart: Any, calls: pl.DataFrame
):
    """The fields of the specification are those of a chart of harmless calls."""
    hostile = "a.b['c']\\[0] <img src=x onerror=alert(1)> datum.x"
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(target_number=pl.lit(hostile), trunk_name=pl.lit(hostile))
    )
    # Such a caller is nobody, whom nobody can call back, and no customer: every second one stays.
    is_second = pl.int_range(pl.len()) % 2 == 1
    caller = pl.when(is_second).then("caller").otherwise(pl.lit(hostile))
    is_called = is_second & (pl.col("direction") == "out")
    callee = pl.when(is_called).then("callee").otherwise(pl.lit(hostile))
    attacked = calls.with_columns(call_targets=legs, callee=callee, caller=caller)

    hostile_chart = draw(attacked)

    assert {field for view, _ in rows_of(hostile_chart) for field in _fields(view)} <= {
        field for view, _ in rows_of(chart) for field in _fields(view)
    }
    assert png(hostile_chart).startswith(PNG)


def _fields(view: dict[str, Any]) -> set[str]:
    channels = [
        each
        for channel in view["encoding"].values()
        for each in (channel if isinstance(channel, list) else [channel])
    ]
    return {each["field"] for each in channels if "field" in each}


def test_real_calls_are_drawn(draw: Callable[..., Any], real_calls: pl.DataFrame):
    chart = draw(real_calls)

    # Calls, missed calls with a caller, and offers that the agent could take.
    counts = ("33,066", "1,839 missed calls", "27,162 offers")
    has_no_outbound_calls = messages(chart) == ["No outbound calls to customers"]
    assert has_no_outbound_calls or any(count in subtitle(chart) for count in counts)
    assert sum(len(rows) for _, rows in rows_of(chart)) <= MAX_MARKS
    assert png(chart).startswith(PNG)


@pytest.mark.slow
def test_the_sample_is_drawn_with_its_coverage(draw: Callable[..., Any], sample: et.CallLogs):
    chart = draw(sample.calls, coverage=sample.report)

    assert ZONE in subtitle(chart)
    assert spec(chart)["description"].startswith(title(chart))
    assert not [text for text in messages(chart) if text.startswith("No ")]
    assert "Complete from Mon 2 Nov 2026 00:00 through Mon 9 Nov 2026 00:00." in notes(chart)


@pytest.mark.slow
@pytest.mark.parametrize(
    "by",
    [
        name
        for name in et.metrics.DIMENSIONS
        if name not in ("target_number", "trunk_name", "outcome", "fail_code")
    ],
)
def test_every_dimension_of_calls_is_drawn_with_its_null_key(
    by: str, calls: pl.DataFrame, null_row: pl.DataFrame
):
    chart = charts.answer_rate(
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

    keys = {row.get("key") for _, rows in rows_of(chart) for row in rows}
    limited = "the 40 groups with the most" in subtitle(chart)
    assert (
        "(none)" in keys
        or "1 call without a start" in subtitle(chart)
        or limited
        or by == "call_state"
    )


def test_answer_rate_rejects_a_dimension_of_offers(calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match="a call has many legs"):
        charts.answer_rate(calls, by="target_number")


def test_an_unknown_measure_raises_with_the_nearest_name(calls: pl.DataFrame):
    with pytest.raises(et.errors.UnknownName, match="answer_rate"):
        charts.heatmap(calls, measure="answer_rat")


@pytest.mark.parametrize("limit", [0, 301])
def test_limit_must_be_from_1_to_300(limit: int, calls: pl.DataFrame):
    with pytest.raises(et.errors.InputError, match="from 1 to 300"):
        charts.extension_performance(calls, limit=limit)


@pytest.mark.slow
@pytest.mark.parametrize("measure", some([*et.metrics.MEASURES], at_least=25))
def test_every_measure_has_a_heatmap(measure: str, calls: pl.DataFrame):
    assert charts.heatmap(calls, measure=measure).to_dict()["$schema"] == alt.SCHEMA_URL
