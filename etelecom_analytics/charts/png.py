"""Charts as PNG files, drawn without a browser or the internet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vl_convert

from .. import storage
from ..errors import ReportError
from ..phone_numbers import printable
from .theme import vega_lite_version

__all__ = ["png_bytes", "write_pngs"]

_SCALE = 2.0
"""Pixels per unit of the chart, for sharp text on high-resolution screens."""


def png_bytes(chart: Mapping[str, Any]) -> bytes:
    """A specification as PNG on a white background; the same specification gives the same bytes."""
    spec = {**chart, "background": "white"}
    return bytes(vl_convert.vegalite_to_png(spec, vl_version=vega_lite_version(), scale=_SCALE))


def write_pngs(charts: Mapping[str, Mapping[str, Any]], folder: str | Path) -> list[Path]:
    """The paths of new PNG files in the folder, one per specification, named by its key.

    Raises:
        ReportError: they cannot be written; no file was changed.
    """
    try:
        storage.resolve(folder)
        contents = {
            Path(folder) / f"{name}.png": png_bytes(chart) for name, chart in charts.items()
        }
        storage.write_files(contents)
    except OSError as error:
        raise ReportError(
            f"The charts cannot be written to {printable(str(folder))}: {storage.reason(error)}."
        ) from error
    return list(contents)
