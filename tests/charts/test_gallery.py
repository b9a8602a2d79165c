"""The gallery: every chart of some calls, to show, look up and save."""

import copy
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import altair as alt
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from support.chart_specs import notes, subtitle, title

import etelecom_analytics as et
from etelecom_analytics import charts

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
NOT_CHARTS = {"Gallery", "gallery", "use_offline_renderer"}
NOT_IN_GALLERY = {
    *("control", "group_limits", "journey", "measure_by"),
    *("outbound_answer_rate", "outbound_attempts", "outbound_hours", "outbound_levels"),
}
"""The chart of one call, the charts of any one measure, and those of the outbound desk."""


@pytest.fixture(scope="module")
def gallery(calls: pl.DataFrame) -> Any:
    return charts.gallery(calls, options=OPTIONS)


@pytest.mark.slow
def test_the_gallery_has_every_chart(gallery: Any):
    assert set(gallery.names) == set(charts.__all__) - NOT_CHARTS - NOT_IN_GALLERY
    assert len(gallery) == len(gallery.names) == len(list(gallery))
    assert repr(gallery) == f"Gallery: {', '.join(gallery.names)}"


@pytest.mark.slow
def test_charts_of_what_callers_experience_are_of_inbound_calls(gallery: Any, calls: pl.DataFrame):
    inbound = calls.filter(direction="in")
    for name in (
        "answer_rate",
        "heatmap",
        "service_level",
        "wait_distribution",
        "patience",
        "ring_durations",
        "hunt_paths",
        "funnel",
    ):
        expected = getattr(charts, name)(inbound, options=OPTIONS)
        assert title(gallery[name]) == title(expected)
        assert subtitle(gallery[name]) == f"inbound calls only · {subtitle(expected)}"
        assert gallery[name].to_dict()["description"].endswith("Inbound calls only.")


@pytest.mark.slow
def test_charts_of_traffic_callbacks_and_trunks_are_of_all_calls(gallery: Any, calls: pl.DataFrame):
    for name in (
        "concurrency",
        "erlangs",
        "time_to_callback",
        "trunk_failures",
        "extension_performance",
        "agents_by_interval",
    ):
        assert gallery[name].to_dict() == getattr(charts, name)(calls, options=OPTIONS).to_dict()


@pytest.mark.slow
def test_an_unknown_chart_raises_with_the_nearest_name(gallery: Any):
    with pytest.raises(et.errors.UnknownName, match="funnel"):
        gallery["funel"]


@pytest.mark.slow
def test_save_writes_png_files_into_the_folder(gallery: Any, tmp_path: Path):
    few = charts.Gallery({name: gallery[name] for name in ("funnel", "patience")})
    paths = few.save(tmp_path / "new" / "folder")

    assert [path.name for path in paths] == ["funnel.png", "patience.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


@pytest.mark.slow
def test_marimo_shows_the_charts_below_each_other(gallery: Any, monkeypatch: pytest.MonkeyPatch):
    """It does not call `_ipython_display_`, and formats what `_display_` returns."""
    monkeypatch.setitem(sys.modules, "marimo", SimpleNamespace(vstack=list))

    assert gallery._display_() == [chart for _, chart in gallery]


@pytest.mark.slow
def test_a_notebook_shows_each_chart_as_its_own_output(gallery: Any):
    InteractiveShell.instance()
    charts.use_offline_renderer()
    try:
        with capture_output() as captured:
            gallery._ipython_display_()
    finally:
        alt.renderers.enable("default")

    specs = [output.data["application/vnd.vegalite.v5+json"] for output in captured.outputs]
    assert [spec["description"] for spec in specs] == [
        chart.to_dict()["description"] for _, chart in gallery
    ]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["one_call", "no_call", "null_row"])
def test_the_gallery_of_few_calls_has_every_title(table: str, request: pytest.FixtureRequest):
    for name, chart in charts.gallery(request.getfixturevalue(table)):
        assert title(chart), name
        assert "Asia/Ho_Chi_Minh" in subtitle(chart), name


@pytest.mark.slow
def test_galleries_can_be_pickled_copied_and_compared(gallery: Any, calls: pl.DataFrame):
    few = charts.Gallery({name: gallery[name] for name in ("funnel", "answer_rate")})

    for same in (pickle.loads(pickle.dumps(few)), copy.copy(few), copy.deepcopy(few)):  # noqa: S301
        assert same == few
        assert same.names == few.names
        assert same["funnel"].to_dict() == few["funnel"].to_dict()
    assert few != charts.Gallery({name: gallery[name] for name in ("answer_rate", "funnel")})
    assert few != charts.Gallery(
        {**dict(few), "funnel": charts.funnel(calls.head(5), options=OPTIONS)}
    )
    assert few != "few"


@pytest.mark.slow
def test_a_wrong_key_raises_without_numbers(gallery: Any):
    for wrong in (3, ["funnel"], "0912345678", None):
        with pytest.raises(et.errors.UnknownName, match="There is no chart") as caught:
            gallery[wrong]
        assert "912345" not in str(caught.value)


@pytest.mark.slow
def test_coverage_reaches_every_chart(sample: et.CallLogs):
    assert all(
        "Complete from" in notes(chart)
        for _, chart in charts.gallery(sample.calls, coverage=sample.report)
    )
