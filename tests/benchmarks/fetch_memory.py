"""The peak memory of a fetch, in a process that does nothing else.

    python tests/benchmarks/fetch_memory.py BASE_URL DATE_FROM DATE_TO WORKERS

Prints JSON: the peak after the imports, the peak after the fetch and the size of both frames in
bytes, and the numbers of calls and legs.
"""

import json
import resource
import sys
from pathlib import Path

import etelecom_analytics as et


def peak_bytes() -> int:
    """The peak memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, ru_maxrss includes the parent process before exec
        return 1024 * next(
            int(line.split()[1])
            for line in status.read_text().splitlines()
            if line.startswith("VmHWM")
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(base_url: str, date_from: str, date_to: str, workers: str) -> None:
    query = et.CallQuery(date_from=date_from, date_to=date_to)
    client = et.Client(base_url, "benchmark")
    fetch = et.fetch_calls  # loads what a fetch needs
    imported = peak_bytes()
    logs = fetch(client, query, workers=int(workers), progress=False)
    legs = logs.call_targets
    result = {
        "imported": imported,
        "peak": peak_bytes(),
        "frames": logs.calls.estimated_size() + legs.estimated_size(),
        "calls": logs.calls.height,
        "legs": legs.height,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
