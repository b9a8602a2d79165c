"""What an Explorer states about internal calls that the PBX logged twice."""

from collections.abc import Iterable

from ...language import ntr, tr
from ...metrics import MetricOptions, Selection
from ..panel_state import PanelState
from .group_filters import with_filters

__all__ = ["second_log_facts"]


def second_log_facts(
    calls: Selection, state: PanelState, options: MetricOptions
) -> Iterable[tuple[str, str]]:
    """How many of the matching logs another log counts, as a (label, text) pair; none if none.

    A query selects logs, so these are among the matching calls. A filter on a group selects the
    calls that its measures count, so they are not.

    Args:
        calls: the matching calls.
        state: the filters.
        options: the options of the measures.
    """
    left_out = calls.without_second_logs().left_out()
    count = with_filters(left_out, state, options).height if left_out.height else 0
    if state.group_filters or state.offer_filters:
        text = ntr(
            "{n} second log of an internal call is left out, since another log counts the call.",
            "{n} second logs of internal calls are left out, since other logs count the calls.",
            count,
        )
    else:
        text = ntr(
            "{n} of these calls is the second log of an internal call, which measures count once.",
            "{n} of these calls are second logs of internal calls, which measures count once.",
            count,
        )
    if count:
        yield tr("internal calls", context="fact"), text
