"""What a fetch without a result says, and what it leaves for the next one."""

import inspect

from ..language import ntr, tr
from ..logs import CallLogs, Fetch
from .status import error_text

__all__ = ["can_resume", "failure_status", "failure_text", "partial_of"]


def can_resume(fetch: Fetch) -> bool:
    """Whether the function has the argument `resume`; many of a user do not."""
    try:
        return "resume" in inspect.signature(fetch).parameters
    except (TypeError, ValueError):  # a callable without a signature
        return False


def partial_of(outcome: object) -> CallLogs | None:
    """The calls that were received before an error."""
    received = getattr(outcome, "partial", None)
    return received if isinstance(received, CallLogs) else None


def failure_text(outcome: object) -> str:
    """Why there is no result."""
    if not isinstance(outcome, BaseException):
        return tr("fetch returned {kind}, not CallLogs.", kind=type(outcome).__name__)
    if partial_of(outcome) is not None:
        # The message of the error itself names arguments of functions.
        cause = getattr(outcome, "cause", None)
        return error_text(cause if isinstance(cause, BaseException) else outcome)
    return error_text(outcome)


def failure_status(*, is_stopped: bool, has_result: bool, partial: CallLogs | None) -> str:
    """The status after a fetch that was stopped or failed.

    Args:
        is_stopped: whether the user stopped it.
        has_result: whether an earlier fetch had a result.
        partial: what it received, if the next fetch can continue it.
    """
    if is_stopped:
        status = tr("cancelled; the result is unchanged") if has_result else tr("cancelled")
    elif has_result:
        status = tr("the fetch failed; the result is unchanged")
    else:
        status = tr("the fetch failed")
    if partial is None:
        return status
    kept = ntr(
        "{n} call was received before that: Apply fetches the rest.",
        "{n} calls were received before that: Apply fetches the rest.",
        partial.calls.height,
    )
    return f"{status}. {kept}"
