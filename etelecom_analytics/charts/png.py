"""Charts as PNG files, drawn without a browser or the internet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vl_convert

from .theme import vega_lite_version

__all__ = ["png_bytes", "write_pngs"]

_SCALE = 2.0
"""Pixels per unit of the chart, for sharp text on high-resolution screens."""


def png_bytes(chart: Mapping[str, Any]) -> bytes:
    """A specification as PNG on a white background; the same specification gives the same bytes."""
    spec = {**chart, "background": "white"}
    return bytes(vl_convert.vegalite_to_png(spec, vl_version=vega_lite_version(), scale=_SCALE))


def write_pngs(charts: Mapping[str, Mapping[str, Any]], folder: str | Path) -> list[Path]:
    """The paths of new PNG files in the folder, one per specification, named by its key."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for name, chart in charts.items():
        paths.append(Path(folder) / f"{name}.png")
        paths[-1].write_bytes(png_bytes(chart))
    return paths
