"""The filters of a query as text, in the current language."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import local_time
from .language import mark, tr
from .phone_numbers import mask
from .readable_dates import period_text

if TYPE_CHECKING:
    from .query import CallQuery

__all__ = ["filter_texts", "id_text", "readable_text"]

_MAX_PHONE_DIGITS = 15
"""The longest phone number of ITU-T E.164; longer ids are shown in full."""
_DIRECTION_TEXTS = {
    "in": mark("inbound direction"),
    "out": mark("outbound direction"),
    "ext": mark("direction ext"),
    "ext_in": mark("direction ext_in"),
    "ext_out": mark("direction ext_out"),
    "unknown": mark("direction unknown"),
}
_STATE_TEXTS = {
    "answered": mark("call state answered"),
    "not_answered": mark("call state not_answered"),
    "unknown": mark("call state unknown"),
}
_DURATION_TEXTS = {
    "less_than": mark("duration less than {seconds} s"),
    "less_than_or_equal_to": mark("duration less than or equal to {seconds} s"),
    "greater_than": mark("duration greater than {seconds} s"),
    "greater_than_or_equal_to": mark("duration greater than or equal to {seconds} s"),
    "equal_to": mark("duration equal to {seconds} s"),
}


def filter_texts(query: "CallQuery") -> Iterator[str]:
    """The text of each filter of a query, in the current language."""
    if query.direction:
        yield tr(_DIRECTION_TEXTS[query.direction])
    if query.call_state:
        yield tr(_STATE_TEXTS[query.call_state])
    if query.call_number:
        yield tr("number {number}", number=mask(query.call_number))
    if query.duration:
        comparison, seconds = query.duration
        yield tr(_DURATION_TEXTS[comparison], seconds=str(seconds))
    if query.extension_ids:
        yield tr("extension {ids}", ids=_ids_text(query.extension_ids))
    if query.user_id:
        yield tr("user {ids}", ids=id_text(query.user_id))
    if query.hotline_ids:
        yield tr("hotline {ids}", ids=_ids_text(query.hotline_ids))
    if query.department_id:
        yield tr("department {ids}", ids=id_text(query.department_id))
    if query.external_id:
        yield tr("external id {ids}", ids=mask(query.external_id))
    if query.external_session_id:
        yield tr("external session {ids}", ids=mask(query.external_session_id))
    if query.date_from:
        yield tr("from {moment}", moment=local_time.edge_text(query.date_from, query.time_zone))
    if query.date_to:
        yield tr("before {moment}", moment=local_time.edge_text(query.date_to, query.time_zone))


def readable_text(query: "CallQuery") -> str:
    """The filters and the days of a query, as reports and panels write dates.

    Examples:
        >>> from etelecom_analytics.query_text import readable_text
        >>> readable_text(et.CallQuery(date_from="2026-11-02", date_to="2026-11-09"))
        '2–8 Nov 2026 (Asia/Ho_Chi_Minh)'
    """
    filters = list(filter_texts(replace(query, date_from=None, date_to=None)))
    dates = period_text(query.date_from, query.date_to, query.time_zone)
    texts = [*filters, *([dates] if dates else [])]
    return f"{', '.join(texts) or tr('all calls')} ({query.time_zone})"


def id_text(value: str) -> str:
    """An id as it is shown: masked if it is short enough to be a phone number by mistake."""
    return mask(value) if len(value) <= _MAX_PHONE_DIGITS else value


def _ids_text(values: Sequence[str]) -> str:
    return f" {tr('or')} ".join(map(id_text, values))
