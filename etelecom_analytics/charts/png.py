"""Charts as PNG files, drawn without a browser or the internet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import vl_convert

from .. import storage
from ..errors import ReportError, UnknownName
from ..phone_numbers import describe, printable
from .theme import GROUNDS, themed, vega_lite_version

__all__ = ["Theme", "png_bytes", "write_pngs"]

_SCALE = 2.0
"""Pixels per unit of the chart, for sharp text on high-resolution screens."""


Theme = Literal["light", "dark"]
"""A white ground with dark text, or a dark ground with light text."""


def png_bytes(chart: Mapping[str, Any], theme: Theme = "light") -> bytes:
    """A specification as PNG; the same specification gives the same bytes.

    Raises:
        UnknownName: the theme is neither "light" nor "dark".
    """
    if theme not in GROUNDS:
        raise UnknownName("theme", describe(theme), GROUNDS)
    spec = themed(chart, theme)
    return bytes(vl_convert.vegalite_to_png(spec, vl_version=vega_lite_version(), scale=_SCALE))


def write_pngs(
    charts: Mapping[str, Mapping[str, Any]], folder: str | Path, theme: Theme = "light"
) -> list[Path]:
    """The paths of new PNG files in the folder, one per specification, named by its key.

    Raises:
        UnknownName: the theme is neither "light" nor "dark".
        ReportError: they cannot be written; no file was changed.
    """
    try:
        storage.resolve(folder)
        contents = {
            Path(folder) / f"{name}.png": png_bytes(chart, theme) for name, chart in charts.items()
        }
        storage.write_files(contents)
    except OSError as error:
        raise ReportError(
            f"The charts cannot be written to {printable(str(folder))}: {storage.reason(error)}."
        ) from error
    return list(contents)
