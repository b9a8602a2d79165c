"""The fragment of a report that lists what stands out."""

import html
from dataclasses import replace

from .. import metrics
from ..language import Language, in_language
from ..locale.display import Display
from ..locale.findings_text import finding_text, findings_headline
from ..logs import CallLogs, checked_logs
from ..metrics import MetricOptions
from ..query import CallQuery
from .arguments import checked_query
from .fragments import Fragment

__all__ = ["findings"]

_LIMIT = 5


@in_language
def findings(
    logs: CallLogs,
    query: CallQuery,
    *,
    options: MetricOptions = MetricOptions(),
    limit: int = _LIMIT,
    language: Language | None = None,
) -> Fragment:
    """What stands out in the matching calls, compared with all other days, as a list of sentences.

    The findings are those of `et.metrics.findings`, with all calls of `logs` that match the query
    without its dates as history. Days that were not fetched completely are left out. External
    phone numbers are masked. Without findings, the fragment is one sentence: nothing stands out,
    or the history is too short.

    Args:
        logs: the calls of the period, and of the weeks before it.
        query: which calls.
        options: the options of the measures.
        limit: the number of findings, the most calls affected first.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: an argument has another type.

    Examples:
        >>> logs = et.sample_logs()
        >>> et.reports.findings(logs, logs.query)
        Cannot tell yet: 0 days of history. Three other weeks are enough.
    """
    checked_logs(logs, "findings")
    checked_query(query)
    undated = replace(query, date_from=None, date_to=None)
    calls, history = (logs.calls.filter(each.to_expr()) for each in (query, undated))
    has_other_days = history.height > calls.height
    result = metrics.findings(
        calls,
        history=history if has_other_days else None,
        limit=limit,
        options=options,
        coverage=logs.report,
    )
    display = Display(options=options)
    if result.table.is_empty():
        text = findings_headline(result, display)
        return Fragment(f"<p>{html.escape(text)}</p>", text)
    texts = [finding_text(row, display) for row in result.table.iter_rows(named=True)]
    items = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return Fragment(f"<ul>{items}</ul>", "\n".join(texts))
