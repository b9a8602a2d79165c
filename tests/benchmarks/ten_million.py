"""Benchmark of eight measures by hour of 10 million calls, compared with handwritten DuckDB SQL.

    python tests/benchmarks/ten_million.py [CALLS] [ROUNDS]

Prints a table. Each computation runs in its own process, in turns and with the same number of
threads; the results must agree to 1e-9. The fastest round counts; the CPU time is also printed,
because other processes may use the machine. Targets: at most 1.3 times the time of DuckDB, less
than 3 GB, and time proportional to rows from 0.1 to 10 million.

The calls are 100,000 simulated calls of a week, repeated with other ids in later weeks. The file is
in the folder for temporary files and needs about 1.4 GB.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from fetch_memory import peak_bytes

import etelecom_analytics as et

MEASURES = [
    "offered",
    "answered",
    "missed",
    "answer_rate",
    "service_level",
    "asa_s",
    "wait_p90_s",
    "talk_avg_s",
]
IVR = ("8000", "8100")
SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
_WEEK = 100_000
_THREADS = os.cpu_count() or 1

_SQL = """
WITH internal AS (
    SELECT file_row_number AS call_row, direction, caller, callee, started_at
    FROM read_parquet($file, file_row_number => true)
    WHERE direction IN ('ext_out', 'ext_in')
),
second_logs AS (
    SELECT DISTINCT one.call_row
    FROM internal AS one
    JOIN internal AS other ON
        one.direction = 'ext_out' AND other.direction = 'ext_in'
        AND one.caller = other.caller AND one.callee = other.callee
        AND abs(epoch_us(one.started_at) - epoch_us(other.started_at)) <= 2000000
),
ended_calls AS (
    SELECT
        hour(started_at::TIMESTAMP + INTERVAL 7 HOURS) AS hour,
        call_state, started_at, ended_at,
        CASE WHEN
            duration >= 0 AND duration <= epoch(ended_at - started_at) + 300
            AND epoch(ended_at - started_at) <= 43200
        THEN duration END AS duration,
        started_at - INTERVAL 300 SECONDS AS first_at,
        ended_at + INTERVAL 300 SECONDS AS last_at,
        list_filter(
            call_targets,
            lambda leg: leg.answered_time IS NOT NULL OR upper(leg.status) = 'ANSWERED'
        ) AS answers
    FROM read_parquet($file, file_row_number => true)
    WHERE ended_at IS NOT NULL AND call_state IN ('answered', 'not_answered')
        AND file_row_number NOT IN (SELECT call_row FROM second_logs)
),
answered_calls AS (
    SELECT
        hour, duration, started_at, ended_at,
        list_min([
            leg.answered_time FOR leg IN answers
            IF (leg.target_number IS NULL OR leg.target_number NOT IN ('8000', '8100'))
                AND leg.answered_time BETWEEN first_at AND last_at
        ]) AS answered_at,
        call_state = 'answered' AND NOT (
            len(answers) > 0
            AND len(list_filter(
                answers,
                lambda leg: leg.target_number IS NULL OR leg.target_number NOT IN ('8000', '8100')
            )) = 0
        ) AS answered
    FROM ended_calls
),
spans AS (
    SELECT
        hour, duration, answered,
        CASE WHEN answered THEN answered_at ELSE ended_at END - started_at AS span
    FROM answered_calls
),
waits AS (
    SELECT
        hour, duration, answered,
        CASE WHEN span IS NOT NULL THEN greatest(epoch_us(span), 0) END AS wait_us
    FROM spans
)
SELECT
    hour,
    count(*) AS offered,
    count(*) FILTER (answered) AS answered,
    count(*) FILTER (NOT answered) AS missed,
    count(*) FILTER (answered) / count(*) AS answer_rate,
    count(*) FILTER (answered AND wait_us <= 20000000) / nullif(count(wait_us), 0) AS service_level,
    avg(wait_us) FILTER (answered) / 1e6 AS asa_s,
    quantile_cont(wait_us::DOUBLE, 0.9) FILTER (answered) / 1e6 AS wait_p90_s,
    avg(duration) FILTER (answered) AS talk_avg_s
FROM waits
GROUP BY hour
ORDER BY hour NULLS LAST
"""


def prepare(file: Path, calls: int) -> None:
    """Write this many calls."""
    week = et.simulate_calls(min(calls, _WEEK), seed=1, days=7).calls

    def later(weeks: int) -> pl.LazyFrame:
        shift = timedelta(weeks=weeks)
        legs = pl.element().struct.with_fields(
            *(
                pl.field(name) + shift
                for name in ("add_time", "ring_time", "answered_time", "ended_time")
            )
        )
        return week.lazy().with_columns(
            pl.col("started_at", "ended_at", "created_at", "updated_at") + shift,
            id=pl.format("{}{}", pl.lit(100 + weeks), "id"),
            call_targets=pl.col("call_targets").list.eval(legs),
        )

    pl.concat([later(weeks) for weeks in range(-(-calls // _WEEK))]).sink_parquet(file)


def ours(file: Path) -> list[dict[str, Any]]:
    """The rows of this package."""
    options = et.MetricOptions(ivr_numbers=IVR)
    return (
        et.summarize(pl.scan_parquet(file), ["hour"], MEASURES, options=options)
        .collect(engine="streaming")
        .to_dicts()
    )


def theirs(file: Path) -> list[dict[str, Any]]:
    """The rows of DuckDB."""
    result = duckdb.connect(config={"threads": _THREADS}).execute(_SQL, {"file": str(file)})
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def run(which: str, file: Path) -> None:
    """Run one computation in this process, and print rows, times and memory as JSON."""
    compute = {"ours": ours, "theirs": theirs}[which]
    imported = peak_bytes()
    began, began_cpu = time.perf_counter(), time.process_time()
    rows = compute(file)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": cpu,
                "imported": imported,
                "peak": peak_bytes(),
                "rows": rows,
            }
        )
    )


def run_in_process(which: str, file: Path) -> dict[str, Any]:
    """The output of `run` in another process."""
    environment = os.environ | {"POLARS_MAX_THREADS": str(_THREADS)}
    process = subprocess.run(
        [sys.executable, __file__, which, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    output: dict[str, Any] = json.loads(process.stdout)
    return output


def agree(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> bool:
    """Whether all values agree to 1e-9."""
    return len(left) == len(right) > 0 and all(
        one.keys() == two.keys()
        and all(math.isclose(one[name], two[name], rel_tol=1e-9, abs_tol=1e-9) for name in one)
        for one, two in zip(left, right, strict=True)
    )


def main(calls: int = SIZES[-1], rounds: int = 5) -> None:
    """Print the table."""
    sizes = [size for size in SIZES if size <= calls]
    print("| calls | ours, s | DuckDB, s | ratio | CPU ratio | peak, MB | DuckDB, MB | agree |")
    print("|---|---|---|---|---|---|---|---|")
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            file = Path(folder) / "calls.parquet"
            prepare(file, size)
            results = [
                (run_in_process("ours", file), run_in_process("theirs", file))
                for _ in range(rounds)
            ]
            ours_s, theirs_s = (min(each[side]["seconds"] for each in results) for side in (0, 1))
            cpu_s = [min(each[side]["cpu"] for each in results) for side in (0, 1)]
            peaks = [max(each[side]["peak"] for each in results) / 1e6 for side in (0, 1)]
            same = all(agree(each[0]["rows"], each[1]["rows"]) for each in results)
            seconds.append(ours_s)
            ratios = f"{ours_s / theirs_s:.2f} | {cpu_s[0] / cpu_s[1]:.2f}"
            times = f"{ours_s:.2f} | {theirs_s:.2f} | {ratios}"
            print(
                f"| {size:,} | {times} | {peaks[0]:,.0f} | {peaks[1]:,.0f} | {same} |", flush=True
            )
    if len(sizes) > 1:
        line = statistics.linear_regression(sizes, seconds)
        print(
            f"\n{line.slope * 1e6:.3f} s per million calls; "
            f"r = {statistics.correlation(sizes, seconds):.5f} (1 is a straight line)"
        )


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["theirs"]):
        run(sys.argv[1], Path(sys.argv[2]))
    else:
        main(*(int(each) for each in sys.argv[1:]))
