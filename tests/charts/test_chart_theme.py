"""The look of charts: contrast, colours, time zones, Vega-Lite versions, offline rendering."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import nbformat
import polars as pl
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from support.chart_specs import tables
from support.examples import some

import etelecom_analytics as et
from etelecom_analytics import charts, schema
from etelecom_analytics.charts import theme
from etelecom_analytics.charts.shades import shades_of
from etelecom_analytics.metrics import MEASURES

GALLERY = charts.gallery(pl.DataFrame(schema=dict(schema.CALL_SCHEMA))).names
WHITE, BLACK = "#ffffff", "#111111"
DRAW = """
import hashlib, io, sys
import altair as alt, polars as pl
import etelecom_analytics as et

def digest(chart):
    saved = io.BytesIO()
    chart.save(saved, format="png")
    return hashlib.sha256(saved.getvalue()).hexdigest()

calls = pl.read_parquet(sys.argv[1])
print(digest(et.charts.answer_rate(calls)))
print(digest(et.charts.heatmap(calls)))
print(digest(et.charts.concurrency(calls)))
print(digest(et.charts.erlangs(calls)))
print(digest(et.charts.journey(calls, calls["id"].item(0))))
print(digest(alt.Chart(calls.select("started_at")).mark_point().encode(x="started_at:T")))
"""
"""Our charts, and a control that Altair draws in the viewer's zone."""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("name", "config"), [("light", theme.LIGHT), ("dark", theme.DARK)])
def test_text_and_marks_stand_out_on_the_page_of_their_theme(name: str, config: dict[str, Any]):
    page = theme.GROUNDS[name]
    texts = [
        *config["title"].values(),
        *config["axis"].values(),
        *config["legend"].values(),
        *config["style"][theme.INK].values(),
    ]

    assert all(contrast(text, page) >= 7 for text in texts)
    assert all(contrast(hue, page) > 3 for hue in (*theme.HUES, theme.FAINT))


def test_a_specification_has_no_colour_of_text_but_that_of_its_theme(calls: pl.DataFrame):
    spec = charts.answer_rate(calls).to_dict()
    light, dark = (theme.themed(spec, name) for name in theme.GROUNDS)

    assert not {"color", "subtitleColor"} & set(spec["config"]["title"])
    assert light["config"]["title"]["color"] == theme.LIGHT["title"]["color"]
    assert dark["config"]["axis"]["labelColor"] == theme.DARK["axis"]["labelColor"]
    assert light["config"]["title"]["fontSize"] == spec["config"]["title"]["fontSize"]
    assert (light["background"], dark["background"]) == tuple(theme.GROUNDS.values())


@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    target=st.none() | st.floats(0, 1),
    measure=st.sampled_from(["answer_rate", "abandon_rate", "offered", "missed"]),
)
def test_text_on_a_shade_has_the_contrast_of_normal_text(
    values: list[float], target: float | None, measure: str
):
    shades = shades_of(pl.Series(values), MEASURES[measure], target=target)
    cells = shades.with_ink(pl.DataFrame({"value": values}), "value")

    for name in theme.GROUNDS:
        for value, is_white in cells.select("value", f"white_{name}").iter_rows():
            parts = [round(255 * part) for part in shades._colour(name, value)]
            colour = "#" + "".join(f"{part:02x}" for part in parts)
            assert contrast("#ffffff" if is_white else "#000000", colour) >= 4.5


def test_zero_has_the_colour_of_the_page_and_lost_calls_have_one_accent():
    offered, missed = (
        shades_of(pl.Series([0, 9]), MEASURES[name]) for name in ("offered", "missed")
    )

    assert all(offered.hues[name][0] == ground for name, ground in theme.GROUNDS.items())
    assert offered.hues["light"][1] != missed.hues["light"][1]
    assert missed.hues == shades_of(pl.Series([1, 9]), MEASURES["rna"]).hues


def test_the_target_has_no_colour_and_its_sides_have_their_own():
    better, worse = (
        shades_of(pl.Series([0.6, 0.9]), MEASURES[name], target=0.8)
        for name in ("service_level", "abandon_rate")
    )

    assert better.domain == pytest.approx((0.6, 0.8, 0.9))
    assert better.hues["light"][1] == worse.hues["light"][1] == theme.GROUNDS["light"]
    # 0.6 is twice as far from the target as 0.9, so its shade is the full hue.
    assert better.hues["light"][0] == shades_of(pl.Series([1]), MEASURES["missed"]).hues["light"][1]
    assert worse.hues["light"][0] == shades_of(pl.Series([1]), MEASURES["offered"]).hues["light"][1]


@pytest.mark.slow
def test_charts_use_only_colours_of_the_theme(calls: pl.DataFrame):
    shades = {
        hue
        for name in ("offered", "missed")
        for hues in shades_of(pl.Series([1]), MEASURES[name]).hues.values()
        for hue in hues
    }
    colours = {*theme.HUES, theme.FAINT, theme.SHADE, *shades, "#000000", "#ffffff"}
    every_chart = [
        *(chart for _, chart in charts.gallery(calls)),
        charts.journey(calls, calls["id"].item(0)),
    ]

    assert {
        colour for chart in every_chart for colour in re.findall(r"#[0-9a-f]{6}\b", chart.to_json())
    } <= colours
    assert {chart.to_dict()["config"]["background"] for chart in every_chart} == {"transparent"}


@pytest.fixture
def offline() -> Iterator[None]:
    before = alt.renderers.active
    charts.use_offline_renderer()
    yield
    alt.renderers.enable(before)


@pytest.mark.slow
def test_importing_changes_no_renderer():
    code = (
        "import altair as alt; before = alt.renderers.active; "
        "import etelecom_analytics.charts; print(alt.renderers.active == before)"
    )
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=True)

    assert process.stdout.strip() == "True"


@pytest.mark.usefixtures("offline")
def test_the_offline_renderer_sends_vega_lite_5_and_text(calls: pl.DataFrame):
    chart = charts.answer_rate(calls)

    bundle = chart._repr_mimebundle_()

    assert set(bundle) == {"application/vnd.vegalite.v5+json", "text/plain"}
    assert bundle["application/vnd.vegalite.v5+json"]["$schema"].endswith("vega-lite/v5.json")
    assert bundle["text/plain"] == chart.to_dict()["description"]
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data=bundle)])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_the_colour_for_jupyterlab_does_not_reach_other_pages(calls: pl.DataFrame):
    spec = charts.answer_rate(calls).to_dict()
    bundle = theme.offline_bundle(spec)["application/vnd.vegalite.v5+json"]
    dark = theme.themed(theme.of_any_page(bundle), "dark")

    assert bundle["config"]["title"]["color"] == "currentColor"
    assert "currentColor" not in str(dark)
    assert dark["usermeta"] == spec["usermeta"]
    assert dark["config"]["style"][theme.INK] == theme.DARK["style"][theme.INK]


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_a_picture_beside_the_chart_is_an_option(calls: pl.DataFrame):
    charts.use_offline_renderer(png=True)

    bundle = charts.answer_rate(calls)._repr_mimebundle_()

    assert set(bundle) == {"application/vnd.vegalite.v5+json", "text/plain", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data=bundle)])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


@pytest.mark.usefixtures("offline")
def test_the_offline_renderer_shows_other_charts():
    bundle = alt.Chart(pl.DataFrame({"x": [1]})).mark_point()._repr_mimebundle_()

    assert bundle["text/plain"] == "A chart"


def _png(spec: dict[str, Any], version: str) -> bytes:
    return vl_convert.vegalite_to_png(
        {name: part for name, part in spec.items() if name != "$schema"}, vl_version=version
    )


def test_hues_and_dashes_are_distinct():
    assert (
        len(set(theme.HUES))
        == len(theme.HUES)
        == len({tuple(dash) for dash in theme.DASHES})
        == len(theme.DASHES)
    )


@pytest.mark.slow
@pytest.mark.parametrize("chart", ["journey", "patience by weekday", *some(GALLERY, at_least=6)])
def test_both_versions_of_vega_lite_draw_the_same_image(chart: str, calls: pl.DataFrame):
    functions = {
        "journey": lambda: charts.journey(calls, calls["id"].item(0)),
        "patience by weekday": lambda: charts.patience(calls, by="weekday"),
    }
    spec = functions.get(chart, lambda: getattr(charts, chart)(calls))().to_dict()

    assert _png(spec, "5.21") == _png(spec, "6.4")


@pytest.mark.slow
def test_the_time_zone_of_the_viewer_does_not_shift_days(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")

    def digests(time_zone: str) -> list[str]:
        command = [sys.executable, "-c", DRAW, str(tmp_path / "calls.parquet")]
        return subprocess.run(
            command, env={**os.environ, "TZ": time_zone}, capture_output=True, text=True, check=True
        ).stdout.split()

    home, abroad = digests("Asia/Ho_Chi_Minh"), digests("America/New_York")

    assert home[:5] == abroad[:5]
    assert home[5] != abroad[5]


def test_a_late_evening_in_utc_is_the_next_local_day(one_call: pl.DataFrame):
    at = datetime(2026, 11, 2, 18, 30, tzinfo=UTC)
    late = one_call.with_columns(
        started_at=pl.lit(at).dt.cast_time_unit("us"),
        ended_at=pl.lit(at + timedelta(minutes=5)).dt.cast_time_unit("us"),
    )

    row = _first_row(charts.answer_rate(late))

    assert row["key"] == "Tue 3 Nov 2026"
    assert row["begin"] == datetime(2026, 11, 3, tzinfo=UTC).timestamp() * 1000
    assert (
        _first_row(charts.heatmap(late))["weekday_key"],
        _first_row(charts.heatmap(late))["hour_key"],
    ) == ("Tue", "1")
    assert (
        _first_row(
            charts.answer_rate(late, options=et.MetricOptions(time_zone="America/New_York"))
        )["key"]
        == "Mon 2 Nov 2026"
    )


def _first_row(chart: Any) -> dict[str, Any]:
    return tables(chart)[0][0]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("VOILA_KERNEL_ID", "5d3c", True),
        ("SERVER_SOFTWARE", "gunicorn/23", False),
    ],
)
def test_bundle_in_voila_has_a_picture(
    name: str, value: str, expected: bool, monkeypatch: pytest.MonkeyPatch, calls: pl.DataFrame
):
    """Without one, Voila shows an error below each chart."""
    monkeypatch.setenv(name, value)
    bundle = theme.offline_bundle(charts.answer_rate(calls).to_dict())

    assert theme.CHART_MIME in bundle
    assert ("image/png" in bundle) is expected
    if expected:
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
