"""A user's script with every panel, for type checkers; it is not run."""

from datetime import date
from pathlib import Path

import polars as pl

import etelecom_analytics as et

logs = et.sample_logs()
panel = et.FilterPanel(logs.calls, query=et.CallQuery(direction="in"), as_of=date(2026, 11, 8))
lazy_panel = et.FilterPanel(logs.calls.lazy(), as_of="2026-11-08")
selected = et.FilterPanel(et.metrics.Selection(logs.calls), debounce_s=0)
view = et.ChartView(panel, lambda calls: et.charts.answer_rate(calls, by="hour"))
view2 = et.ChartView(panel, et.charts.heatmap)
explorer = et.Explorer(logs, own_numbers=["19000123"], show_numbers=False)
explorer2 = et.Explorer(logs.calls, own_numbers=("19000123",))
filtered: pl.DataFrame = explorer.filtered
query: et.CallQuery = explorer.query
path: Path = explorer.export("calls.csv")
explorer.restore({"direction": "in", "group_filters": {"hour": 9}})
server = et.simulator.serve(logs.calls)
fetch_panel = et.FetchPanel(fetch=et.fetcher(et.Client(server.base_url, server.api_key)))
desk = et.Desk(fetch=et.fetcher(), as_of=date(2026, 11, 8), language="vi")
shown: et.Explorer | None = desk.explorer
fetch_panel.observe_result(lambda result: result.calls.height)
counts: pl.DataFrame = et.summarize(explorer.selection, by="day", measures="offered")
