"""The result of findings in plain words: sentences, and a headline for each verdict."""

from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.locale.findings_text import finding_text, findings_headline

ROW: dict[str, Any] = {
    "measure": "answer_rate",
    "dimension": "",
    "group": "",
    "value": 0.62,
    "usual": 0.88,
    "change": -0.25,
    "low": -0.31,
    "high": -0.19,
    "scale": "difference",
    "n": 1_173,
    "affected": 293.2,
}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {},
            "Answer rate: 62.0 %, worse than the usual 88.0 % (-25.0 points, 95 %: -31.0 to -19.0);"
            " about 293 of 1,173 offered calls.",
        ),
        ({"value": 0.9}, "better than the usual 88.0 %"),
        ({"measure": "abandon_rate", "value": 0.9}, "Abandon rate: 90.0 %, worse than"),
        ({"dimension": "hour", "group": "23"}, "Answer rate from 23:00 to 24:00: "),
        ({"dimension": "weekday", "group": "7"}, "Answer rate on Sundays: "),
        ({"dimension": "queue", "group": "8100"}, "Answer rate of queue 8100: "),
        ({"dimension": "who_hung_up", "group": "agent"}, "Answer rate, who hung up agent: "),
        (
            {"measure": "fair_answer_rate", "dimension": "target_number", "group": "101"},
            " of 101: 62.0 %, worse than",
        ),
        (
            {"measure": "fair_answer_rate", "dimension": "target_number", "group": "0912345678"},
            " of 091*****78: 62.0 %, worse than",
        ),
        (
            {"measure": "asr", "dimension": "trunk_name", "group": "viettel"},
            " of trunk viettel: 62.0 %, worse than",
        ),
        (
            {"measure": "asa_s", "value": 21.26, "usual": 9.0, "change": 12.0, "high": 20.0}
            | {"low": 4.0, "affected": 1_173.0},
            "Average speed of answer: 21.3 s, worse than the usual 9.0 s "
            "(+12.0 s, 95 %: +4.0 to +20.0); 1,173 answered calls.",
        ),
        (
            {"measure": "offered", "value": 210.4, "usual": 150.0, "change": 1.4, "low": 1.2}
            | {"high": 1.6, "scale": "ratio"},
            "Offered: 210 a day, more than the usual 150 a day (+40 %, 95 %: +20 to +60); ",
        ),
        (
            {"measure": "offered", "value": 99.6, "usual": 120.0},
            "Offered: 100 a day, fewer than the usual 120 a day",
        ),
        ({"change": None}, "(size of the change unknown)"),
    ],
)
def test_sentence(changed: dict[str, Any], text: str):
    assert text in finding_text(ROW | changed)


def result(verdict: Any, rows: list[dict[str, Any]], history_days: int = 35) -> et.metrics.Findings:
    return et.metrics.Findings(
        table=pl.DataFrame(rows),
        verdict=verdict,
        tests=40,
        permutations=9_999,
        history_days=history_days,
    )


@pytest.mark.parametrize(
    ("verdict", "count", "days", "text"),
    [
        ("nothing stands out", 0, 35, "Nothing stands out, compared with 35 days of history."),
        (
            "cannot tell",
            0,
            1,
            "Cannot tell yet: 1 day of history. Three other weeks are enough.",
        ),
        ("found", 1, 35, finding_text(ROW)),
        ("found", 2, 35, f"{finding_text(ROW)} 1 more finding below."),
        ("found", 4, 35, f"{finding_text(ROW)} 3 more findings below."),
    ],
)
def test_headline(verdict: str, count: int, days: int, text: str):
    assert findings_headline(result(verdict, [ROW] * count, days)) == text
