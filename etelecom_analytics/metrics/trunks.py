"""Trunks: with which SIP codes their legs failed, what each means, and on which side to look first.

How often they got through (asr, ner) and how soon it rang (post-dial delay) are measures like all
others: `summarize` by `trunk_name`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import polars as pl
from polars.datatypes import DataType

from ..errors import InputError
from ..frames import Frame, same_kind
from .options import MetricOptions
from .summary import summarize

__all__ = ["SIDES", "SIP_CLASSES", "SIP_CODES", "SipCode", "fail_codes", "sip_code"]

SIDES = ("none", "caller", "callee", "number", "pbx", "carrier", "unknown")
"""Where to look first. `number`: the number that was dialled; `pbx`: our PBX, its settings, or our account with the carrier; `none`:
nothing failed; `unknown`: the code does not tell."""

_SIDE = pl.Enum(SIDES)


@dataclass(frozen=True)
class SipCode:
    """What a SIP response code means: its reason phrase with plain words, and one of `SIDES`."""

    meaning: str
    side: str


SIP_CODES: Mapping[int, SipCode] = MappingProxyType(
    {
        0: SipCode("none", "none"),
        400: SipCode("Bad Request: malformed, it could not be understood", "pbx"),
        401: SipCode("Unauthorized: the user or the password was not accepted", "pbx"),
        402: SipCode("Payment Required: often an account without credit", "pbx"),
        403: SipCode(
            "Forbidden: refused; often a barred number, or a caller ID that is not ours", "pbx"
        ),
        404: SipCode("Not Found: there is no such number", "number"),
        405: SipCode("Method Not Allowed: this kind of request is not taken there", "pbx"),
        406: SipCode("Not Acceptable: no answer could be made that we would take", "pbx"),
        407: SipCode(
            "Proxy Authentication Required: the trunk's user or password was not accepted", "pbx"
        ),
        408: SipCode(
            "Request Timeout: no answer in time; where it rang, nobody picked up", "carrier"
        ),
        410: SipCode("Gone: the number was given up", "number"),
        413: SipCode("Request Entity Too Large: more than the other side takes", "pbx"),
        414: SipCode(
            "Request-URI Too Long: the address is longer than the other side takes", "pbx"
        ),
        415: SipCode("Unsupported Media Type: the other side does not read this format", "pbx"),
        416: SipCode(
            "Unsupported URI Scheme: the other side does not know this kind of address", "pbx"
        ),
        420: SipCode("Bad Extension: we asked for a feature that the other side lacks", "pbx"),
        421: SipCode(
            "Extension Required: the other side asks for a feature that we did not offer", "pbx"
        ),
        422: SipCode(
            "Session Interval Too Small: the session timer is shorter than allowed", "pbx"
        ),
        423: SipCode("Interval Too Brief: the registration is shorter than allowed", "pbx"),
        433: SipCode("Anonymity Disallowed: calls with a withheld number are refused", "caller"),
        480: SipCode(
            "Temporarily Unavailable: switched off, out of reach, or not to be disturbed", "callee"
        ),
        481: SipCode("Call/Transaction Does Not Exist: the other side has no such call", "pbx"),
        482: SipCode("Loop Detected: the call came back to where it had been", "pbx"),
        483: SipCode("Too Many Hops: the call was handed on too often", "pbx"),
        484: SipCode("Address Incomplete: digits are missing", "number"),
        485: SipCode("Ambiguous: the number may mean several", "number"),
        486: SipCode("Busy Here: busy, or rejected", "callee"),
        487: SipCode(
            "Request Terminated: the caller hung up, or the PBX stopped ringing", "caller"
        ),
        488: SipCode("Not Acceptable Here: no common codec, or no common encryption", "pbx"),
        491: SipCode("Request Pending: two changes of the call met", "pbx"),
        493: SipCode(
            "Undecipherable: encrypted with a key that the other side does not have", "pbx"
        ),
        500: SipCode("Server Internal Error: a server on the way failed", "carrier"),
        501: SipCode("Not Implemented: a server on the way cannot do this", "carrier"),
        502: SipCode("Bad Gateway: a gateway got nonsense from behind it", "carrier"),
        503: SipCode("Service Unavailable: overloaded, under repair, or no free line", "carrier"),
        504: SipCode("Server Time-out: a server behind the first one did not answer", "carrier"),
        505: SipCode("Version Not Supported: the server speaks another version of SIP", "carrier"),
        513: SipCode("Message Too Large: more than the server takes", "carrier"),
        580: SipCode(
            "Precondition Failure: the network could not reserve what the call needs", "carrier"
        ),
        600: SipCode("Busy Everywhere: busy, or rejected, on every phone", "callee"),
        603: SipCode("Decline: rejected", "callee"),
        604: SipCode("Does Not Exist Anywhere: there is no such number", "number"),
        606: SipCode("Not Acceptable: reached, but no common codec or bandwidth", "pbx"),
        607: SipCode("Unwanted: rejected as an unwanted call", "callee"),
        608: SipCode("Rejected: stopped on the way as an unwanted call", "carrier"),
    }
)
"""Codes that end a call, and 0 for none. RFC 3261, section 21; besides, 422: RFC 4028; 433: RFC 5079; 580: RFC 3312; 607: RFC 8197;
608: RFC 8688."""

SIP_CLASSES: Mapping[int, SipCode] = MappingProxyType(
    {
        1: SipCode("1xx, Provisional: on its way, not a failure", "none"),
        2: SipCode("2xx, Success: not a failure", "none"),
        3: SipCode("3xx, Redirection: to be tried elsewhere", "callee"),
        4: SipCode("4xx, Request Failure: refused as it was asked", "pbx"),
        5: SipCode("5xx, Server Failure: a server on the way failed", "carrier"),
        6: SipCode("6xx, Global Failure: refused wherever it could be tried", "callee"),
    }
)
"""What other codes mean, by their hundreds: one that is not known is taken for its class's x00 (RFC 3261, section 8.1.3.2)."""

_NO_SIP_CODE = SipCode("not a SIP code", "unknown")
_NOT_TOLD = SipCode("not told", "unknown")


def sip_code(code: int | None) -> SipCode:
    """What a fail code means: by `SIP_CODES`, else by `SIP_CLASSES`; whatever it is, there is an answer."""
    if code is None:
        return _NOT_TOLD
    return SIP_CODES.get(code) or SIP_CLASSES.get(code // 100) or _NO_SIP_CODE


def fail_codes(
    calls: Frame,
    by: Sequence[str] = ("trunk_name",),
    *,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """One row a trunk and fail code: how many legs ended with it, and what it means. LazyFrame in, LazyFrame out.

    Of the legs that `asr` counts, answered ones too (mostly of code 0, "none"). Columns, after
    those of `by`: `fail_code`; `legs`; `share`, of the group's legs; `meaning`, the reason phrase
    and plain words; `side`, one of `SIDES`. Sorted by group, nulls last, then the most legs first.

    A code says what came over the wire, and a leg's outcome what it means in its call: 487 is the
    caller who hung up as well as the PBX whose ring timed out, 408 a network without an answer as
    well as a phone that nobody picked up. `by=["trunk_name", "outcome"]` tells.

    Args:
        calls: calls of any direction.
        by: dimensions of legs, as in `summarize`; `[]` for all trunks together.
        options: what outcomes and local time depend on.

    Raises:
        UnknownName: a dimension that does not exist; the message lists the nearest.
        InputError: `fail_code` is among them, or a dimension of names that these calls do not
            carry.
    """
    if isinstance(by, str):
        raise InputError('by is a list of names, such as by=["trunk_name"].')
    if "fail_code" in by:
        raise InputError("fail_codes has a row for each fail_code anyway: leave it out of by.")
    groups: list[str] = list(dict.fromkeys(by))
    table = summarize(calls, [*groups, "fail_code"], ["trunk_legs"], options=options)
    of_group = pl.col("legs").sum().over(groups) if groups else pl.col("legs").sum()
    told = (
        table.lazy()
        .rename({"trunk_legs": "legs"})
        .with_columns(
            share=pl.col("legs") / of_group,
            meaning=_said("meaning", pl.String()),
            side=_said("side", _SIDE),
        )
        .select(*groups, "fail_code", "legs", "share", "meaning", "side")
        .sort(
            *groups,
            "legs",
            "fail_code",
            descending=[*(False for _ in groups), True, False],
            nulls_last=True,
        )
    )
    return same_kind(table, told)


def _said(field: Literal["meaning", "side"], dtype: DataType) -> pl.Expr:
    """What `sip_code` says of each fail code."""
    every = {code: getattr(sip_code(code), field) for code in (0, *range(100, 700))}
    said = pl.col("fail_code").replace_strict(
        every, default=getattr(_NO_SIP_CODE, field), return_dtype=pl.String
    )
    return (
        pl.when(pl.col("fail_code").is_null())
        .then(pl.lit(getattr(_NOT_TOLD, field)))
        .otherwise(said)
        .cast(dtype)
    )
