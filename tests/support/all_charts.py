"""Every chart with typical arguments: functions of calls."""

from collections.abc import Callable
from functools import partial
from typing import Any

from etelecom_analytics import charts

__all__ = ["CHARTS"]

CHARTS: dict[str, Callable[..., Any]] = {
    "answer_rate by day": charts.answer_rate,
    "answer_rate by month": partial(charts.answer_rate, by="month"),
    "answer_rate by hour": partial(charts.answer_rate, by="hour"),
    "answer_rate by callee": partial(charts.answer_rate, by="callee"),
    "ring_durations": charts.ring_durations,
    "extension_performance": charts.extension_performance,
    "heatmap": charts.heatmap,
    "heatmap of answer_rate": partial(charts.heatmap, measure="answer_rate"),
    "heatmap of ring_avg_s": partial(charts.heatmap, measure="ring_avg_s"),
    "measure_by": charts.measure_by,
    "measure_by hour of answer_rate": partial(charts.measure_by, measure="answer_rate", by="hour"),
    "measure_by target_number of fair_answer_rate": partial(
        charts.measure_by, measure="fair_answer_rate", by="target_number"
    ),
    "measure_by caller of asa_s": partial(
        charts.measure_by, measure="asa_s", by="caller", masked=True
    ),
    "service_level": charts.service_level,
    "wait_distribution": charts.wait_distribution,
    "outbound_answer_rate": charts.outbound_answer_rate,
    "outbound_answer_rate by hour": partial(charts.outbound_answer_rate, by="hour"),
    "outbound_answer_rate by day": partial(charts.outbound_answer_rate, by="day"),
    "outbound_attempts": charts.outbound_attempts,
    "outbound_attempts by carrier": partial(charts.outbound_attempts, by="carrier"),
    "outbound_hours": charts.outbound_hours,
    "outbound_levels": charts.outbound_levels,
    "outbound_levels by carrier": partial(charts.outbound_levels, by="carrier"),
    "patience": charts.patience,
    "patience by callee": partial(charts.patience, by="callee"),
    "time_to_callback": charts.time_to_callback,
    "time_to_callback by weekday": partial(charts.time_to_callback, by="weekday"),
    "concurrency": charts.concurrency,
    "control of answer_rate": partial(charts.control, measure="answer_rate"),
    "control of offered": partial(charts.control, measure="offered"),
    "erlangs": charts.erlangs,
    "group_limits": charts.group_limits,
    "group_limits of answer_rate by hour": partial(
        charts.group_limits, measure="answer_rate", by="hour"
    ),
    "agents_by_interval": charts.agents_by_interval,
    "agents_by_interval by quarter_hour": partial(
        charts.agents_by_interval, interval="quarter_hour", agents=2
    ),
    "trunk_failures": charts.trunk_failures,
    "funnel": charts.funnel,
    "hunt_paths": charts.hunt_paths,
}
