"""Fetch, store and analyze the call logs of the eTelecom cloud PBX with Polars.

All public names are available here. Each loads its module on first use, so that
`import etelecom_analytics as et` is fast.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import archive, charts, engines, errors, metrics, reports, simulator
    from .api.client import Client
    from .api.directory import fetch_extensions, fetch_hotlines, fetch_users
    from .api.fetch import FetchOptions, FetchStopped, IncompleteFetch, fetch_calls, fetcher
    from .api.retry import Retry
    from .api.wire import Page
    from .archive import Archive, IncompleteSync
    from .desk import Desk
    from .engines import measures_sql
    from .fetch_report import ExtraRequests, FetchReport, Gap, HotlineLabels, PageSetAside, Window
    from .frames import call_targets
    from .logs import CallLogs, Fetch, merge_logs
    from .metrics.number_suggestions import suggest_numbers
    from .metrics.options import MetricOptions
    from .metrics.partial_tables import finish
    from .metrics.partials import partial
    from .metrics.reconciliation import reconcile
    from .metrics.registry import measures
    from .metrics.summary import summarize
    from .metrics.tariffs import Tariff
    from .parsing.records import Drift, SetAside
    from .phone_numbers import normalize_phone_number
    from .privacy import Privacy, mask_numbers, pseudonymize
    from .query import CallQuery
    from .reports.report import write_report
    from .reports.summary_page import write_charts, write_page
    from .reports.workbook import write_workbook
    from .sample import sample_logs
    from .simulator import simulate_calls
    from .site import Site
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
    "Desk",
    "Drift",
    "Explorer",
    "ExtraRequests",
    "Fetch",
    "FetchOptions",
    "FetchPanel",
    "FetchReport",
    "FetchStopped",
    "FilterPanel",
    "Gap",
    "HotlineLabels",
    "IncompleteFetch",
    "IncompleteSync",
    "MetricOptions",
    "Page",
    "PageSetAside",
    "Privacy",
    "Retry",
    "SetAside",
    "Site",
    "Tariff",
    "Window",
    "archive",
    "call_targets",
    "charts",
    "engines",
    "errors",
    "fetch_calls",
    "fetch_extensions",
    "fetch_hotlines",
    "fetch_users",
    "fetcher",
    "finish",
    "mask_numbers",
    "measures",
    "measures_sql",
    "merge_logs",
    "metrics",
    "normalize_phone_number",
    "partial",
    "pseudonymize",
    "read_snapshot",
    "reconcile",
    "reports",
    "sample_logs",
    "simulate_calls",
    "simulator",
    "suggest_numbers",
    "summarize",
    "write_charts",
    "write_page",
    "write_report",
    "write_snapshot",
    "write_workbook",
]

__version__ = version("etelecom_analytics")

_MODULE_OF = {
    "Archive": "archive",
    "CallLogs": "logs",
    "CallQuery": "query",
    "ChartView": "widgets.chart_view",
    "Client": "api.client",
    "Desk": "desk",
    "Drift": "parsing.records",
    "Explorer": "widgets.explorer",
    "ExtraRequests": "fetch_report",
    "Fetch": "logs",
    "FetchOptions": "api.fetch",
    "FetchPanel": "widgets.fetch_panel",
    "FetchReport": "fetch_report",
    "FetchStopped": "api.fetch",
    "FilterPanel": "widgets.filter_panel",
    "Gap": "fetch_report",
    "HotlineLabels": "fetch_report",
    "IncompleteFetch": "api.fetch",
    "IncompleteSync": "archive",
    "MetricOptions": "metrics.options",
    "Page": "api.wire",
    "PageSetAside": "fetch_report",
    "Privacy": "privacy",
    "Retry": "api.retry",
    "SetAside": "parsing.records",
    "Site": "site",
    "Tariff": "metrics.tariffs",
    "Window": "fetch_report",
    "call_targets": "frames",
    "fetch_calls": "api.fetch",
    "fetch_extensions": "api.directory",
    "fetch_hotlines": "api.directory",
    "fetch_users": "api.directory",
    "fetcher": "api.fetch",
    "finish": "metrics.partial_tables",
    "mask_numbers": "privacy",
    "measures": "metrics.registry",
    "measures_sql": "engines",
    "merge_logs": "logs",
    "normalize_phone_number": "phone_numbers",
    "partial": "metrics.partials",
    "pseudonymize": "privacy",
    "read_snapshot": "snapshot",
    "reconcile": "metrics.reconciliation",
    "sample_logs": "sample",
    "simulate_calls": "simulator",
    "suggest_numbers": "metrics.number_suggestions",
    "summarize": "metrics.summary",
    "write_charts": "reports.summary_page",
    "write_page": "reports.summary_page",
    "write_report": "reports.report",
    "write_snapshot": "snapshot",
    "write_workbook": "reports.workbook",
}
"""The module of each public name; public modules are not listed."""


def __getattr__(name: str) -> object:
    if name in _MODULE_OF:
        value: object = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    elif name in __all__:
        value = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
