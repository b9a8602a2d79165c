"""Fetch the calls of a server to parquet with the REST client and a pipeline of dlt.

    PYTHON tests/benchmarks/dlt_peer.py BASE_URL DATE_FROM DATE_TO FOLDER

PYTHON is an interpreter with `dlt[parquet]`. Prints the seconds without imports, and the rows of
both tables, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}

import dlt
from dlt.destinations import filesystem
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator


def main(base_url: str, date_from: str, date_to: str, folder: str) -> None:
    began = time.perf_counter()
    paginator = JSONResponseCursorPaginator(
        cursor_path="paging.next", cursor_body_path="paging.after"
    )
    client = RESTClient(
        base_url=base_url.rpartition("/")[0], paginator=paginator, data_selector="call_logs"
    )
    request = {"filter": {"date_from": date_from, "date_to": date_to}, "paging": {"after": ""}}

    @dlt.resource(name="calls", primary_key="id", write_disposition="replace")
    def calls() -> Iterator[Any]:
        yield from client.paginate(
            f"{base_url.rpartition('/')[2]}.Etelecom/ListCallLogs", method="POST", json=request
        )

    destination = filesystem(bucket_url=Path(folder, "out").as_uri())
    pipeline = dlt.pipeline(
        "calls",
        destination=destination,
        dataset_name="calls",
        pipelines_dir=str(Path(folder, "work")),
    )
    pipeline.run(calls(), loader_file_format="parquet")
    seconds = time.perf_counter() - began
    counts = (
        pipeline.last_trace.last_normalize_info.row_counts
        if pipeline.last_trace.last_normalize_info
        else {}
    )
    print(
        json.dumps(
            {
                "seconds": seconds,
                "calls": counts.get("calls"),
                "legs": counts.get("calls__call_targets"),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
