"""The Excel workbook of the calls that an Explorer shows."""

from collections.abc import Sequence
from importlib.metadata import version

import polars as pl

from ...charts.finish import coverage_note
from ...language import tr
from ...locale.display import Display
from ...locale.number_note import number_note
from ...phone_numbers import mask
from ...query import CallQuery
from ...site import Site
from ...workbook import WorkbookContent, workbook_bytes
from .source import CallSource

__all__ = ["explorer_workbook"]


def explorer_workbook(
    calls: pl.DataFrame,
    source: CallSource,
    facts: Sequence[tuple[str, str]],
    site: Site,
    display: Display,
    query: CallQuery,
) -> bytes:
    """The workbook of these calls, of any direction; `facts` state how they were selected."""
    coverage = source.coverage(query)
    options, counted = display.options, tr("matching", context="fact")
    about = [
        # Not the rest: a hash has long runs of digits, too, and so has a large number of calls.
        *(
            (name, text if display.show_numbers or name == counted else mask(text))
            for name, text in facts
        ),
        (tr("complete", context="fact"), coverage_note(coverage, options.time_zone).text),
        (tr("settings", context="fact"), site.fingerprint),
        (tr("options", context="fact"), repr(options)),
        (
            tr("made with", context="fact"),
            f"etelecom_analytics {version('etelecom_analytics')}, Polars {pl.__version__}",
        ),
    ]
    content = WorkbookContent(
        title=tr("Calls of the Explorer"),
        calls=calls,
        history=source.calls.calls,
        direction=None,
        display=display,
        coverage=coverage,
        targets=site.targets,
        notices=[number_note(calls, options)],
        about=[(name, text) for name, text in about if text],
    )
    return workbook_bytes(content)
