"""What a first page shows of calls or of extensions, and the page as a fragment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..language import mark
from ..query import CallQuery
from .fragments import Fragment
from .overview_text import overview_text
from .page import render_template

__all__ = [
    "LOST",
    "OVERVIEW_MIME",
    "Content",
    "Overview",
    "Subject",
    "content_of",
    "overview_markup",
]

OVERVIEW_MIME = "application/vnd.etelecom-analytics.overview+json"
"""The type of a first page as data: a report makes its markup, so that all its text is escaped."""

Subject = Literal["calls", "extensions"]

Json = dict[str, Any]


LOST = "calls were"
"""The context of the names of what was lost, and of what was not."""
_MISSED = mark("missed", context="calls were")
_NOT_ANSWERED = mark("not answered", context="calls were")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a first page shows. Its texts are English: `tr` translates them.

    Attributes:
        noun: the name of the calls.
        measures: the measures of the cards.
        leads: the measures of the headline; the first that has a value.
        share: the share of the chart by day.
        lost_word: the name of what is not in the share.
        counted_noun: the name of what the share counts, if not the calls.
        has_callers: whether callers may wait for a call back.
    """

    noun: str
    measures: tuple[str, ...]
    leads: tuple[str, ...]
    share: str = "answer_rate"
    lost_word: str = _MISSED
    counted_noun: str = ""
    has_callers: bool = False

    @property
    def counted(self) -> str:
        """The name of what the share counts."""
        return self.counted_noun or self.noun


_INBOUND = Content(
    noun=mark("inbound calls"),
    measures=(
        *("offered", "answer_rate", "service_level"),
        *("asa_s", "abandon_rate", "agent_talk_avg_s"),
    ),
    leads=("service_level", "answer_rate", "offered"),
    has_callers=True,
)
_OTHER = Content(
    noun=mark("calls"),
    measures=("offered", "answered", "missed", "answer_rate", "agent_talk_avg_s", "agent_talk_s"),
    leads=("answer_rate", "offered"),
    lost_word=_NOT_ANSWERED,
)
_EXTENSIONS = Content(
    noun=mark("calls to extensions"),
    measures=(
        "offers",
        "fair_answer_rate",
        "rna_rate",
        "ring_avg_s",
        "ring_wasted_s",
        "leg_talk_s",
    ),
    leads=("fair_answer_rate", "offers"),
    share="fair_answer_rate",
    lost_word=_NOT_ANSWERED,
    counted_noun=mark("offers that could be taken (an offer is one ring of one person)"),
)
_NOUNS = {
    "out": mark("outbound calls"),
    "ext": mark("calls of direction ext"),
    "ext_in": mark("calls of direction ext_in"),
    "ext_out": mark("calls of direction ext_out"),
    "unknown": mark("calls of direction unknown"),
    None: mark("calls of all directions"),
}


class Overview(Fragment):
    """A first page: data in reports, HTML in notebooks, text elsewhere."""

    def __init__(self, data: Json) -> None:
        super().__init__(overview_markup(data, is_in_notebook=True), overview_text(data), data)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {OVERVIEW_MIME: self.data}


def overview_markup(data: Mapping[str, Any], *, is_in_notebook: bool = False) -> str:
    """The markup of a first page; all its text is escaped."""
    return render_template("overview.html.j2", page=data, is_in_notebook=is_in_notebook)


def content_of(query: CallQuery, subject: Subject) -> Content:
    """What to show of the calls of a query."""
    if subject == "extensions":
        return _EXTENSIONS
    if query.direction == "in":
        return _INBOUND
    return replace(_OTHER, noun=_NOUNS[query.direction], has_callers=query.direction is None)
