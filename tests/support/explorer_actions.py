"""Random actions on an Explorer, a check of what it then shows, and the bytes that it sends."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ipywidgets as ui
import polars as pl
from polars.testing import assert_frame_equal

import etelecom_analytics as et

__all__ = ["RandomActions", "check_explorer", "sent_bytes"]

_TABS = ("time", "time", "group", "group", "heat", "waits", "rings")
_MEASURES = ("offered", "answer_rate", "asa_s", "wait_p90_s", "service_level", "fair_answer_rate")
_TIMES = ("day", "week", "month")
_GROUPS = ("hour", "weekday", "user_id", "extension_id", "direction")
_FILTERS = ("hour", "weekday", "user_id", "extension_id", "queue", "who_hung_up")
_FIELDS: Mapping[str, tuple[object, ...]] = {
    "direction": (None, "in", "in", "out", "ext_in"),
    "call_state": (None, "answered", "not_answered"),
    "duration": (None, None, ("greater_than", 30)),
}


class RandomActions:
    """Changes an Explorer as users do: filters, charts, clicks, undo and redo.

    Args:
        explorer: the Explorer.
        calls: its calls.
        options: the options of its measures.
        seed: of the random numbers.
    """

    def __init__(
        self, explorer: et.Explorer, calls: pl.DataFrame, options: et.MetricOptions, *, seed: int
    ) -> None:
        self._explorer, self._source = explorer, random.Random(seed)
        self._values = {
            name: et.summarize(calls, name, "calls", options=options)[name].to_list()
            for name in _FILTERS
        }
        self._days = et.summarize(calls, "day", "calls", options=options)["day"].drop_nulls()
        self._actions: list[Callable[[], object]] = [
            self._set_field,
            self._set_dates,
            self._toggle_group,
            self._toggle_group,
            self._set_chart,
            self._set_chart,
            explorer.undo,
            explorer.redo,
            lambda: explorer.restore({}),
        ]

    def run(self) -> None:
        """One action."""
        self._source.choice(self._actions)()

    def _restore(self, **changes: object) -> None:
        state = {**self._explorer.state(), **changes}
        self._explorer.restore({name: value for name, value in state.items() if value is not None})

    def _set_field(self) -> None:
        name = self._source.choice([*_FIELDS])
        self._restore(**{name: self._source.choice(_FIELDS[name])})

    def _set_dates(self) -> None:
        first, last = sorted(self._source.sample([str(day) for day in self._days], 2))
        self._restore(dates="custom", date_from=first, date_to=last)

    def _toggle_group(self) -> None:
        name = self._source.choice([*self._values])
        filters = dict(self._explorer.group_filters)
        if name in filters:
            del filters[name]
        else:
            filters[name] = self._source.choice(self._values[name])
        self._restore(group_filters=filters)

    def _set_chart(self) -> None:
        tab = self._source.choice(_TABS)
        chart = {"tab": tab, "measure": self._source.choice(_MEASURES)}
        if tab in ("time", "group"):
            chart["by"] = self._source.choice(_TIMES if tab == "time" else _GROUPS)
        self._restore(chart=chart)


def check_explorer(explorer: et.Explorer, options: et.MetricOptions) -> None:
    """The KPIs, and any table by the chart's dimension, are those of the matching calls."""
    calls = explorer.filtered
    kpis = dict(explorer.kpis.select("measure", "after").iter_rows())
    whole = et.summarize(calls, (), [*kpis], options=options)
    assert whole.row(0, named=True) == kpis
    chart: Any = explorer.state()["chart"]
    measures = list(dict.fromkeys([chart["measure"], *_MEASURES]))
    by = chart["by"] if chart["tab"] in ("time", "group") else ["weekday", "hour"]
    assert_frame_equal(
        et.summarize(explorer.selection, by, measures, options=options, confidence=True),
        et.summarize(calls, by, measures, options=options, confidence=True),
        check_exact=True,
    )


@contextmanager
def sent_bytes() -> Iterator[list[int]]:
    """The size of each message that widgets send to the browser."""
    sizes: list[int] = []
    send = ui.Widget._send

    def counting_send(self: Any, msg: Any, buffers: Any = None) -> None:
        text = json.dumps(msg, default=str).encode()
        sizes.append(len(text) + sum(len(each) for each in buffers or ()))
        send(self, msg, buffers)

    ui.Widget._send = counting_send
    try:
        yield sizes
    finally:
        ui.Widget._send = send
