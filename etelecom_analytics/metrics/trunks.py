"""Trunks: the SIP codes with which their legs failed, their meanings, and where to look first.

Answer-seizure ratio (asr), network effectiveness ratio (ner) and post-dial delay are measures: use
`summarize` by `trunk_name`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, overload

import polars as pl
from polars.datatypes import DataType

from ..errors import InputError
from ..phone_numbers import describe
from .dimensions import Names, as_names
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .selection import Calls, Selection, calls_frame, like_input
from .summary import summarize

__all__ = ["SIDES", "SIP_CLASSES", "SIP_CODES", "SipCode", "fail_codes", "sip_code"]

SIDES = ("none", "caller", "callee", "number", "pbx", "carrier", "unknown")
"""Where to look first. number: the dialled number; pbx: our PBX, its settings, or our account with
the carrier; none: nothing failed; unknown: the code does not say."""

_SIDE = pl.Enum(SIDES)


@dataclass(frozen=True)
class SipCode:
    """The meaning of a SIP response code, and where to look first.

    Attributes:
        meaning: the reason phrase, with an explanation.
        side: one of `SIDES`.

    Examples:
        >>> et.metrics.sip_code(503).side
        'carrier'
    """

    meaning: str
    side: str


SIP_CODES: Mapping[int, SipCode] = MappingProxyType(
    {
        0: SipCode("none", "none"),
        400: SipCode("Bad Request: malformed, it could not be parsed", "pbx"),
        401: SipCode("Unauthorized: the user or the password was not accepted", "pbx"),
        402: SipCode("Payment Required: often an account without credit", "pbx"),
        403: SipCode(
            "Forbidden: refused; often a barred number, or a caller ID that is not ours", "pbx"
        ),
        404: SipCode("Not Found: there is no such number", "number"),
        405: SipCode(
            "Method Not Allowed: the other side does not accept this kind of request", "pbx"
        ),
        406: SipCode("Not Acceptable: no response that we accept was possible", "pbx"),
        407: SipCode(
            "Proxy Authentication Required: the trunk's user or password was not accepted", "pbx"
        ),
        408: SipCode("Request Timeout: no answer in time; if it rang, nobody picked up", "carrier"),
        410: SipCode("Gone: the number is no longer in use", "number"),
        413: SipCode("Request Entity Too Large: larger than the other side accepts", "pbx"),
        414: SipCode(
            "Request-URI Too Long: the address is longer than the other side accepts", "pbx"
        ),
        415: SipCode("Unsupported Media Type: the other side does not support this format", "pbx"),
        416: SipCode(
            "Unsupported URI Scheme: the other side does not support this kind of address", "pbx"
        ),
        420: SipCode("Bad Extension: we requested a feature that the other side lacks", "pbx"),
        421: SipCode(
            "Extension Required: the other side needs a feature that we did not offer", "pbx"
        ),
        422: SipCode(
            "Session Interval Too Small: the session timer is shorter than allowed", "pbx"
        ),
        423: SipCode("Interval Too Brief: the registration is shorter than allowed", "pbx"),
        433: SipCode("Anonymity Disallowed: calls with a withheld number are refused", "caller"),
        480: SipCode(
            "Temporarily Unavailable: switched off, unreachable, or do not disturb", "callee"
        ),
        481: SipCode("Call/Transaction Does Not Exist: the other side has no such call", "pbx"),
        482: SipCode("Loop Detected: the call returned to a server that it had passed", "pbx"),
        483: SipCode("Too Many Hops: the call was forwarded too often", "pbx"),
        484: SipCode("Address Incomplete: digits are missing", "number"),
        485: SipCode("Ambiguous: the number matches several destinations", "number"),
        486: SipCode("Busy Here: busy, or rejected", "callee"),
        487: SipCode(
            "Request Terminated: the caller hung up, or the PBX stopped ringing", "caller"
        ),
        488: SipCode("Not Acceptable Here: no common codec, or no common encryption", "pbx"),
        491: SipCode("Request Pending: two changes of the call collided", "pbx"),
        493: SipCode(
            "Undecipherable: encrypted with a key that the other side does not have", "pbx"
        ),
        500: SipCode("Server Internal Error: a server on the way failed", "carrier"),
        501: SipCode("Not Implemented: a server on the way cannot do this", "carrier"),
        502: SipCode("Bad Gateway: a gateway received an invalid response", "carrier"),
        503: SipCode("Service Unavailable: overloaded, in maintenance, or no free line", "carrier"),
        504: SipCode("Server Time-out: a server further on did not answer", "carrier"),
        505: SipCode("Version Not Supported: the server uses another version of SIP", "carrier"),
        513: SipCode("Message Too Large: larger than the server accepts", "carrier"),
        580: SipCode(
            "Precondition Failure: the network could not reserve what the call needs", "carrier"
        ),
        600: SipCode("Busy Everywhere: busy, or rejected, on every phone", "callee"),
        603: SipCode("Decline: rejected", "callee"),
        604: SipCode("Does Not Exist Anywhere: there is no such number", "number"),
        606: SipCode("Not Acceptable: reached, but no common codec or bandwidth", "pbx"),
        607: SipCode("Unwanted: rejected as an unwanted call", "callee"),
        608: SipCode("Rejected: blocked on the way as an unwanted call", "carrier"),
    }
)
"""The codes that end a call, and 0 for none: RFC 3261, section 21; RFC 4028 (422), 5079 (433), 3312
(580), 8197 (607) and 8688 (608)."""

SIP_CLASSES: Mapping[int, SipCode] = MappingProxyType(
    {
        1: SipCode("1xx, Provisional: in progress, not a failure", "none"),
        2: SipCode("2xx, Success: not a failure", "none"),
        3: SipCode("3xx, Redirection: try another address", "callee"),
        4: SipCode("4xx, Request Failure: this request was refused", "pbx"),
        5: SipCode("5xx, Server Failure: a server on the way failed", "carrier"),
        6: SipCode("6xx, Global Failure: refused everywhere", "callee"),
    }
)
"""The meanings of other codes by class. An unknown code counts as the x00 of its class (RFC 3261,
section 8.1.3.2)."""

_INVALID = SipCode("not a SIP code", "unknown")
_MISSING = SipCode("not reported", "unknown")


def sip_code(code: int | None) -> SipCode:
    """The meaning of any fail code: by `SIP_CODES`, else by its class.

    Args:
        code: a value of the column `fail_code`.

    Raises:
        InputError: `code` is neither an integer nor None.

    Examples:
        >>> et.metrics.sip_code(486)
        SipCode(meaning='Busy Here: busy, or rejected', side='callee')
    """
    if code is None:
        return _MISSING
    if isinstance(code, bool) or not isinstance(code, int):
        raise InputError(f"code is a SIP code such as 486, or None; got {describe(code)}.")
    return SIP_CODES.get(code) or SIP_CLASSES.get(code // 100) or _INVALID


@overload
def fail_codes(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def fail_codes(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def fail_codes(
    calls: Calls,
    by: Names = "trunk_name",
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The number of legs per trunk and fail code, with the meaning of each code.

    The legs are those of the measure `asr`, including answered legs (usually code 0, "none").
    Columns, after those of `by`: `fail_code`; `legs`; `share` of the group's legs, its counts
    `share_num` and `share_den`, and `share_low` and `share_high`, Wilson's interval; `meaning`, the
    reason phrase and an explanation; `side`, one of `SIDES`. Sorted by group, nulls last, then by
    the number of legs, descending. LazyFrame in, LazyFrame out.

    A code alone may be ambiguous. 487 is a caller who hung up, or a ring timeout of the PBX; 408 is
    a network without an answer, or a phone that nobody picked up. `by=["trunk_name", "outcome"]`
    separates these cases.

    Args:
        calls: calls of any direction.
        by: dimensions of legs, as in `summarize`; `[]` pools all trunks.
        options: what outcomes and local time depend on.
        confidence: False leaves the interval out; True is 95 %; or a level such as 0.9.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest.
        InputError: `by` contains `fail_code`, or a dimension of names that these calls do not
            carry.

    Examples:
        >>> codes = et.metrics.fail_codes(et.sample_logs().calls, by=[])
        >>> codes.select("fail_code", "legs", "side").head(3).rows()
        [(0, 61, 'none'), (408, 8, 'carrier'), (503, 6, 'carrier')]
    """
    options = checked_options(options)
    groups = as_names(by, "by")
    if "fail_code" in groups:
        raise InputError("fail_codes always groups by fail_code: leave it out of by.")
    rows = calls if isinstance(calls, Selection) else calls_frame(calls)
    table = summarize(rows, [*groups, "fail_code"], ["trunk_legs"], options=options)
    group_legs = pl.col("legs").sum().over(groups) if groups else pl.col("legs").sum()
    codes = (
        table.lazy()
        .rename({"trunk_legs": "legs"})
        .select(
            *groups,
            "fail_code",
            "legs",
            **wide_ratio("share", pl.col("legs"), group_legs, confidence=confidence),
            meaning=_lookup("meaning", pl.String()),
            side=_lookup("side", _SIDE),
        )
        .sort(
            *groups,
            "legs",
            "fail_code",
            descending=[*(False for _ in groups), True, False],
            nulls_last=True,
        )
    )
    return like_input(calls, codes)


def _lookup(field: Literal["meaning", "side"], dtype: DataType) -> pl.Expr:
    """A field of `sip_code` for each value of the column fail_code."""
    values = {code: getattr(sip_code(code), field) for code in (0, *range(100, 700))}
    text = pl.col("fail_code").replace_strict(
        values, default=getattr(_INVALID, field), return_dtype=pl.String
    )
    return (
        pl.when(pl.col("fail_code").is_null())
        .then(pl.lit(getattr(_MISSING, field)))
        .otherwise(text)
        .cast(dtype)
    )
