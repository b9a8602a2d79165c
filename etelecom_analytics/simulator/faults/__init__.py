"""Faults that a server applies to its answers, such as `server.misbehave(late(0.05))`.

A fault is an `Answer` that replaces the correct one, a function that computes it from the request
and the correct answer, or a `Reading`: a wrong reading of the filter. Faults that change pages
leave all other answers unchanged.
"""

from .base import Answer, Fault, Reading, Request, Transform, on_page, then
from .envelopes import (
    error_in_page,
    error_with_200,
    extra_keys,
    not_an_object,
    repeated_rows,
    rows_under,
    without_rows,
)
from .paging import cycle, empty_page, offset_cursors
from .raw_json import (
    bad_number,
    deep_nesting,
    encoded,
    half_surrogate,
    long_number,
    raw_newline,
    raw_value,
    trailing_nuls,
)
from .readings import dates_as_utc, exclusive_dates, ignoring, shifted_dates
from .rows import duplicate_rows, extra_records, null_list, unexpected_values
from .statuses import ECHOES, echo, empty, error_status, html, too_many
from .transport import (
    cut,
    drip_chunk_size,
    drip_headers,
    drip_status_line,
    empty_gzip,
    endless_continue,
    inflating_gzip,
    interrupt,
    late,
    reset,
    slow_body,
    wrong_content_type,
)

__all__ = [
    "ECHOES",
    "bad_number",
    "cut",
    "cycle",
    "dates_as_utc",
    "deep_nesting",
    "drip_chunk_size",
    "drip_headers",
    "drip_status_line",
    "duplicate_rows",
    "echo",
    "empty",
    "empty_gzip",
    "empty_page",
    "encoded",
    "endless_continue",
    "error_in_page",
    "error_status",
    "error_with_200",
    "exclusive_dates",
    "extra_keys",
    "extra_records",
    "half_surrogate",
    "html",
    "ignoring",
    "inflating_gzip",
    "interrupt",
    "late",
    "long_number",
    "not_an_object",
    "null_list",
    "offset_cursors",
    "on_page",
    "raw_newline",
    "raw_value",
    "reset",
    "repeated_rows",
    "rows_under",
    "shifted_dates",
    "slow_body",
    "then",
    "too_many",
    "trailing_nuls",
    "unexpected_values",
    "without_rows",
    "wrong_content_type",
    "Answer",
    "Fault",
    "Reading",
    "Request",
    "Transform",
]


def __dir__() -> list[str]:
    return sorted(__all__)
