"""FilterPanel over calls with names: extensions are listed by name, and names stay text."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.widget_driver import control, put, visible_html

import etelecom_analytics as et
from etelecom_analytics.names import with_names as add_names
from etelecom_analytics.widgets import FilterPanel

HOSTILE = "<script>alert(1)</script>"


def with_names(calls: pl.DataFrame, *full_names: str, numbers: bool = True) -> pl.DataFrame:
    """Calls with names for their extensions by id; the last name is used for all others."""
    ids = (
        calls.select(id="extension_id", user_id="user_id")
        .drop_nulls()
        .unique()
        .sort("id")
        .with_row_index("index")
    )
    names = pl.Series([*full_names, *[full_names[-1]] * ids.height][: ids.height])
    extensions = ids.select(
        "id",
        "user_id",
        extension_number=(200 - pl.col("index")).cast(pl.String)
        if numbers
        else pl.lit(None, pl.String),
        hotline_id=pl.lit("9"),
    )
    users = ids.select(
        "user_id", full_name=names, short_name=pl.lit(None, pl.String), department_id=pl.lit("5")
    )
    return add_names(calls, extensions=extensions, users=users, hotlines=None)


def options(panel: FilterPanel) -> dict[str, str]:
    """Label -> extension id."""
    pairs: tuple[tuple[str, str], ...] = control(panel, "Extensions").options
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_extensions_are_listed_by_name(calls: pl.DataFrame):
    ids = sorted(calls["extension_id"].drop_nulls().unique())
    counts = dict(calls["extension_id"].drop_nulls().value_counts().iter_rows())
    full_names = [f"{letter}." for letter in reversed("ABCDEFGHIJKLMNOP"[: len(ids)])]
    labels = options(FilterPanel(with_names(calls, *full_names)))

    assert labels == {
        f"{name} ({200 - index}) ({counts[each]:,} calls)": each
        for index, (name, each) in enumerate(zip(full_names, ids, strict=True))
    }
    assert list(labels) == sorted(labels)


def test_query_has_the_id_of_the_selected_name(calls: pl.DataFrame):
    table = with_names(calls, "An", "Bình", "Chi")
    panel = FilterPanel(table)
    extension = next(each for label, each in options(panel).items() if label.startswith("An (200)"))
    put(panel, "Extensions", (extension,))

    assert panel.query == et.CallQuery(extension_ids=[extension])
    assert_frame_equal(panel.filtered, table.filter(extension_id=extension))
    other = FilterPanel(table)
    other.restore(panel.state())
    assert control(other, "Extensions").value == (extension,)


def test_extension_without_calls_is_listed_by_id(calls: pl.DataFrame):
    panel = FilterPanel(with_names(calls, "An"), query=et.CallQuery(extension_ids=["7"]))

    assert options(panel)["7 (0 calls)"] == "7"


def test_extensions_without_names_are_listed_by_id(calls: pl.DataFrame):
    assert all(
        label == f"{each} ({label.split('(')[1]}"
        for label, each in options(FilterPanel(calls)).items()
    )


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [True, False])
def test_names_are_escaped(numbers: bool, calls: pl.DataFrame):
    panel = FilterPanel(with_names(calls, HOSTILE, numbers=numbers))
    label, extension = next(iter(options(panel).items()))
    put(panel, "Extensions", (extension,))

    assert HOSTILE in label  # browsers show the label of an option as text
    for output in (visible_html(panel), panel._repr_html_()):
        assert "<script" not in output
