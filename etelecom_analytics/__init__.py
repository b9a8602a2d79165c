"""Call logs of eTelecom's cloud PBX as typed Polars tables, parquet snapshots, and numbers that explain themselves.

Everything public is here and loads on first use, so that `import etelecom_analytics as et` costs
next to nothing.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import charts, errors, metrics, reports, simulator
    from .api.client import Client
    from .api.directory import fetch_extensions, fetch_hotlines, fetch_users
    from .api.fetch import FetchOptions, FetchStopped, IncompleteFetch, fetch_calls, fetcher
    from .api.retry import Retry
    from .api.wire import Page
    from .archive import Archive, IncompleteSync
    from .fetch_report import FetchReport
    from .frames import call_targets
    from .logs import CallLogs, merge_logs
    from .metrics.options import MetricOptions
    from .metrics.registry import measures
    from .metrics.summary import summarize
    from .privacy import Privacy, mask_numbers, pseudonymize
    from .query import CallQuery
    from .reports.page import write_charts, write_page
    from .reports.report import write_report
    from .simulator import simulate_calls
    from .snapshot import read_snapshot, write_snapshot
    from .widgets.chart_view import ChartView
    from .widgets.explorer import Explorer
    from .widgets.fetch_panel import FetchPanel
    from .widgets.filter_panel import FilterPanel

__all__ = [
    "Archive",
    "CallLogs",
    "CallQuery",
    "ChartView",
    "Client",
    "Explorer",
    "FetchOptions",
    "FetchPanel",
    "FetchReport",
    "FetchStopped",
    "FilterPanel",
    "IncompleteFetch",
    "IncompleteSync",
    "MetricOptions",
    "Page",
    "Privacy",
    "Retry",
    "call_targets",
    "charts",
    "errors",
    "fetch_calls",
    "fetch_extensions",
    "fetch_hotlines",
    "fetch_users",
    "fetcher",
    "mask_numbers",
    "measures",
    "merge_logs",
    "metrics",
    "pseudonymize",
    "read_snapshot",
    "reports",
    "simulate_calls",
    "simulator",
    "summarize",
    "write_charts",
    "write_page",
    "write_report",
    "write_snapshot",
]

__version__ = version("etelecom_analytics")

_HOME = {
    "Archive": "archive",
    "CallLogs": "logs",
    "CallQuery": "query",
    "ChartView": "widgets.chart_view",
    "Client": "api.client",
    "Explorer": "widgets.explorer",
    "FetchOptions": "api.fetch",
    "FetchPanel": "widgets.fetch_panel",
    "FetchReport": "fetch_report",
    "FetchStopped": "api.fetch",
    "FilterPanel": "widgets.filter_panel",
    "IncompleteFetch": "api.fetch",
    "IncompleteSync": "archive",
    "MetricOptions": "metrics.options",
    "Page": "api.wire",
    "Privacy": "privacy",
    "Retry": "api.retry",
    "call_targets": "frames",
    "fetch_calls": "api.fetch",
    "fetch_extensions": "api.directory",
    "fetch_hotlines": "api.directory",
    "fetch_users": "api.directory",
    "fetcher": "api.fetch",
    "mask_numbers": "privacy",
    "measures": "metrics.registry",
    "merge_logs": "logs",
    "pseudonymize": "privacy",
    "read_snapshot": "snapshot",
    "simulate_calls": "simulator",
    "summarize": "metrics.summary",
    "write_charts": "reports.page",
    "write_page": "reports.page",
    "write_report": "reports.report",
    "write_snapshot": "snapshot",
}
"""In which room each public name lives; the rooms that are public themselves are not in it."""


def __getattr__(name: str) -> object:
    if name in _HOME:
        value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    elif name in __all__:
        value = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
