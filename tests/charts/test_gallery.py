"""Every chart at once: one thing to show, to look one up in, and to keep as pictures."""

from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import etelecom_analytics as et
from etelecom_analytics import charts

OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
NOT_CHARTS = {"Gallery", "gallery", "use_offline_renderer"}
OF_ONE_CALL = {"journey"}
OF_ONE_QUESTION = {"measure_by"}
"""Any measure by any dimension: one of them says nothing that `answer_rate` and `heatmap` do not."""


@pytest.fixture(scope="module")
def gallery(calls: pl.DataFrame) -> Any:
    return charts.gallery(calls, options=OPTIONS)


def subtitle(chart: Any) -> list[str]:
    return list(chart.to_dict()["title"]["subtitle"])


def test_it_holds_every_chart(gallery: Any):
    assert set(gallery.names) == set(charts.__all__) - NOT_CHARTS - OF_ONE_CALL - OF_ONE_QUESTION
    assert len(gallery) == len(gallery.names) == len(list(gallery))
    assert repr(gallery) == f"Gallery: {', '.join(gallery.names)}"


def test_what_callers_live_through_is_of_the_calls_in_and_says_so(
    gallery: Any, calls: pl.DataFrame
):
    calls_in = calls.filter(direction="in")
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
        expected, found = (
            getattr(charts, name)(calls_in, options=OPTIONS).to_dict(),
            gallery[name].to_dict(),
        )
        assert found["title"]["text"] == expected["title"]["text"]
        assert subtitle(gallery[name]) == ["Of the calls in.", *expected["title"]["subtitle"]]
        assert found["description"].endswith("Of the calls in.")


def test_lines_callbacks_and_trunks_are_of_all_calls(gallery: Any, calls: pl.DataFrame):
    for name in (
        "concurrency",
        "erlangs",
        "time_to_callback",
        "trunk_failures",
        "extension_performance",
        "agents_needed",
    ):
        assert gallery[name].to_dict() == getattr(charts, name)(calls, options=OPTIONS).to_dict()


def test_an_unknown_chart_is_refused_with_the_nearest(gallery: Any):
    with pytest.raises(et.errors.UnknownName, match="funnel"):
        gallery["funel"]


def test_pictures_are_written_into_the_folder(gallery: Any, tmp_path: Path):
    few = charts.Gallery({name: gallery[name] for name in ("funnel", "patience")})
    paths = few.save(tmp_path / "new" / "folder")

    assert [path.name for path in paths] == ["funnel.png", "patience.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_a_notebook_shows_each_chart_as_an_output_of_its_own(gallery: Any):
    InteractiveShell.instance()
    charts.use_offline_renderer()
    try:
        with capture_output() as shown:
            gallery._ipython_display_()
    finally:
        alt.renderers.enable("default")

    specs = [output.data["application/vnd.vegalite.v5+json"] for output in shown.outputs]
    assert [spec["description"] for spec in specs] == [
        chart.to_dict()["description"] for _, chart in gallery
    ]


@pytest.mark.parametrize("given", ["one_call", "no_call", "null_row"])
def test_of_hardly_any_calls_each_chart_says_so(given: str, request: pytest.FixtureRequest):
    for name, chart in charts.gallery(request.getfixturevalue(given)):
        assert "Asia/Ho_Chi_Minh" in " ".join(chart.to_dict()["title"]["text"]), name


def test_something_else_than_calls_is_refused(sample: et.CallLogs):
    with pytest.raises(et.errors.InputError, match=r"such as logs\.calls; got CallLogs"):
        charts.gallery(sample)


def test_coverage_reaches_every_chart(sample: et.CallLogs):
    assert all(
        "Complete from" in " ".join(subtitle(chart))
        for _, chart in charts.gallery(sample.calls, coverage=sample.report)
    )
