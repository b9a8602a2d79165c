"""MkDocs hooks: what pages take from the code, so that they cannot disagree with it.

A page holds `<!-- table: NAME -->` where the table NAME of `TABLES` goes, and a line
`::: et.NAME` where the documentation of a public name goes.
"""

import argparse
import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any
from unittest import mock

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.engines.flat_tables import published_column, stored_facts
from etelecom_analytics.engines.sql_queries import NOT_IN_TABLES
from etelecom_analytics.formatting import format_value
from etelecom_analytics.metrics import CHECKS, DIMENSIONS, MEASURES, UNAVAILABLE_MEASURES
from etelecom_analytics.metrics.call_facts import SERVICE_LEVELS
from etelecom_analytics.metrics.registry import FACTS

__all__ = ["TABLES", "on_page_markdown"]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with its tables, and headings such as `et.metrics.funnel`."""
    page = re.sub(r"<!-- table: ([\w ]+) -->", lambda match: TABLES[match[1]](), markdown)
    block = r"::: etelecom_analytics.\1\n    options:\n      heading: et.\1\n      toc_label: et.\1"
    return re.sub(r"^::: et\.(\S+)$", block, page, flags=re.MULTILINE)


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines
    )


def _measures() -> str:
    logs = et.sample_logs()
    inbound = logs.calls.filter(et.CallQuery(direction="in").to_expr())
    options = et.MetricOptions(ivr_numbers=["8000", "8100"])
    values = et.summarize(inbound, measures=list(MEASURES), options=options).row(0, named=True)
    return _table(
        ["name", "title", "formula", "unit", "better", "on the sample", "source"],
        (
            [
                f"`{each.name}`",
                each.title,
                each.formula(),
                each.unit,
                each.better or "",
                format_value(values[each.name], each.unit),
                each.source,
            ]
            for each in MEASURES.values()
        ),
    )


def _service_levels() -> str:
    rows = ([f"`{name}`", each.formula, each.source] for name, each in SERVICE_LEVELS.items())
    return _table(["variant", "formula", "used by"], rows)


def _unavailable() -> str:
    names: dict[str, list[str]] = {}
    for name, reason in UNAVAILABLE_MEASURES.items():
        names.setdefault(reason, []).append(f"`{name}`")
    return _table(
        ["not available", "why, and what to use instead"],
        ([", ".join(group), reason] for reason, group in names.items()),
    )


def _quality_checks() -> str:
    return _table(["check", "what it counts"], ([f"`{name}`", CHECKS[name]] for name in CHECKS))


def _dimensions() -> str:
    return ", ".join(f"`{name}`" for name in DIMENSIONS)


def _settings(settings: type) -> Callable[[], str]:
    """The arguments of a class with their defaults and the meanings from its docstring."""

    def table() -> str:
        meanings = _attributes(settings)
        return _table(
            [f"`{settings.__name__}`", "default", "meaning"],
            (
                [f"`{name}`", f"`{_default(parameter)}`", meanings[name]]
                for name, parameter in inspect.signature(settings).parameters.items()
            ),
        )

    return table


def _default(parameter: inspect.Parameter) -> str:
    return repr(parameter.default).replace("'", '"').replace("<factory>", "{}")


def _attributes(documented: type) -> dict[str, str]:
    """The meanings under "Args:" or "Attributes:" of a docstring."""
    text = inspect.getdoc(documented) or ""
    section = re.search(r"^(?:Args|Attributes):\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
    if section is None:
        raise ValueError(f"{documented.__name__} has no section 'Args' or 'Attributes'.")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", section[1], re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in entries}


def _commands() -> str:
    with mock.patch.dict(os.environ, COLUMNS="100"):  # argparse reads the width of the terminal
        return _command_texts()


def _command_texts() -> str:
    parsers = next(
        action
        for action in app._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    parts = [f"```text\n{app._parser().format_help()}```"]
    parts += [
        f"### `etelecom {name}`\n\n```text\n{parser.format_help()}```"
        for name, parser in parsers.choices.items()
    ]
    return "\n\n".join(parts)


def _flat_facts() -> str:
    computed = [
        ("calls", "`state`", "running, unknown, answered, missed, or internal_twice"),
        ("calls", "`wait_from_started_at_us`", "wait of offered calls, from the start of the call"),
        ("calls", "`wait_from_queue_us`", "the same, from the entry into the first queue"),
        ("calls", "`wait_from_first_ring_us`", "the same, from the first ring of a person"),
    ]
    stored = [
        (grain, f"`{published_column(name)}`", FACTS[grain][name])
        for grain in FACTS
        for name in stored_facts(grain)
    ]
    return _table(["table", "column", "meaning"], [*computed, *stored])


def _not_in_tables() -> str:
    return _table(
        ["function", "reason"],
        (
            [f"`et.{'' if name == 'reconcile' else 'metrics.'}{name}`", reason]
            for name, reason in NOT_IN_TABLES.items()
        ),
    )


TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "measures": _measures,
        "service levels": _service_levels,
        "unavailable": _unavailable,
        "quality checks": _quality_checks,
        "dimensions": _dimensions,
        "flat facts": _flat_facts,
        "not in tables": _not_in_tables,
        "commands": _commands,
        **{
            each.__name__: _settings(each)
            for each in (et.MetricOptions, et.Retry, et.FetchOptions, et.Privacy, et.Site)
        },
    }
)
