"""FilterPanel over calls with names: extensions are chosen by who they are, and what comes from outside stays text."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from widget_driver import control, put, said

import etelecom_analytics as et
from etelecom_analytics import names
from etelecom_analytics.widgets import FilterPanel

HOSTILE = "<script>alert(1)</script>"


def named(calls: pl.DataFrame, *who: str, numbers: bool = True) -> pl.DataFrame:
    """These calls with names for their extensions, in the order of their ids; the last name for all others."""
    ids = (
        calls.select(id="extension_id", user_id="user_id")
        .drop_nulls()
        .unique()
        .sort("id")
        .with_row_index("place")
    )
    given = pl.Series([*who, *[who[-1]] * ids.height][: ids.height])
    extensions = ids.select(
        "id",
        "user_id",
        extension_number=(200 - pl.col("place")).cast(pl.String)
        if numbers
        else pl.lit(None, pl.String),
        hotline_id=pl.lit("9"),
    )
    users = ids.select(
        "user_id", full_name=given, short_name=pl.lit(None, pl.String), department_id=pl.lit("5")
    )
    return names.with_names(calls, extensions=extensions, users=users, hotlines=None)


def options(panel: FilterPanel) -> dict[str, str]:
    """Label -> extension id."""
    offered: tuple[tuple[str, str], ...] = control(panel, "Extensions").options
    assert len(dict(offered)) == len(offered)
    return dict(offered)


def test_extensions_are_offered_by_name_and_number_in_the_order_of_names(calls: pl.DataFrame):
    ids = sorted(calls["extension_id"].drop_nulls().unique())
    counts = dict(calls["extension_id"].drop_nulls().value_counts().iter_rows())
    who = [f"{letter}." for letter in reversed("ABCDEFGHIJKLMNOP"[: len(ids)])]
    offered = options(FilterPanel(named(calls, *who)))

    assert offered == {
        f"{name} ({200 - place}) ({counts[each]:,} calls)": each
        for place, (name, each) in enumerate(zip(who, ids, strict=True))
    }
    assert list(offered) == sorted(offered)


def test_what_is_chosen_by_name_is_asked_by_id(calls: pl.DataFrame):
    some = named(calls, "An", "Bình", "Chi")
    panel = FilterPanel(some)
    chosen = next(each for label, each in options(panel).items() if label.startswith("An (200)"))
    put(panel, "Extensions", (chosen,))

    assert panel.query == et.CallQuery(extension_ids=[chosen])
    assert_frame_equal(panel.filtered, some.filter(extension_id=chosen))
    other = FilterPanel(some)
    other.restore(panel.state())
    assert control(other, "Extensions").value == (chosen,)


def test_an_extension_without_calls_is_offered_by_its_id(calls: pl.DataFrame):
    panel = FilterPanel(named(calls, "An"), query=et.CallQuery(extension_ids=["7"]))

    assert options(panel)["7 (0 calls)"] == "7"


def test_without_names_ids_are_offered(calls: pl.DataFrame):
    assert all(
        label == f"{each} ({label.split('(')[1]}"
        for label, each in options(FilterPanel(calls)).items()
    )


@pytest.mark.parametrize("numbers", [True, False])
def test_names_from_outside_stay_text(numbers: bool, calls: pl.DataFrame):
    panel = FilterPanel(named(calls, HOSTILE, numbers=numbers))
    label, chosen = next(iter(options(panel).items()))
    put(panel, "Extensions", (chosen,))

    assert HOSTILE in label  # an option's text, which the browser never reads as HTML
    for shown in (said(panel), panel._repr_html_()):
        assert "<script" not in shown
