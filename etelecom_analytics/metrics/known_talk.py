"""Which talk to show: that with agents, or the duration of calls whose legs have no talk."""

from collections.abc import Sequence

from .options import MetricOptions
from .registry import DEFAULT_MEASURES
from .selection import Calls
from .summary import summarize

__all__ = ["with_known_talk"]

_AGENT_TALK, _TALK = "agent_talk_avg_s", "talk_avg_s"


def with_known_talk(
    calls: Calls, measures: Sequence[str] = DEFAULT_MEASURES, *, options: MetricOptions
) -> list[str]:
    """The measures, with `talk_avg_s` in place of `agent_talk_avg_s` if no leg has talk."""
    names = list(measures)
    if _AGENT_TALK not in names or _TALK in names:
        return names
    table = summarize(calls, (), [_AGENT_TALK, _TALK], options=options).lazy().collect()
    agent_talk, talk = table.row(0)
    if agent_talk is not None or talk is None:
        return names
    return [_TALK if name == _AGENT_TALK else name for name in names]
