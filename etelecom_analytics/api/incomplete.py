"""IncompleteFetch: the error of a fetch that ended early, with the calls received before."""

from ..errors import EtelecomError, Stopped
from ..fetch_report import Window
from ..logs import CallLogs

__all__ = ["FetchStopped", "IncompleteFetch", "incomplete_fetch"]


class IncompleteFetch(EtelecomError):
    """A fetch ended early; the calls received before are kept, and the fetch can be resumed.

    The raised error is also of the class of its cause: `except NoAnswer` catches a server that
    failed during a fetch, too.

    Attributes:
        partial: the received calls, with a report that shows which parts of the range are complete.
            `fetch_calls(..., resume=partial)` fetches the rest. It can be saved as a snapshot.
        cause: the error that ended the fetch.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     server.misbehave(et.simulator.Answer(status=400), when=lambda request: request.page)
        ...     client = et.Client(server.base_url, server.api_key)
        ...     try:
        ...         logs = et.fetch_calls(client, progress=False)
        ...     except et.IncompleteFetch as error:
        ...         partial = error.partial
        ...     server.forget()
        ...     logs = et.fetch_calls(client, resume=partial, progress=False)
        >>> partial.calls.height, logs.calls.height
        (100, 400)
    """

    def __init__(self, cause: BaseException, partial: CallLogs) -> None:
        # Not super().__init__, which is the constructor of the class of the cause.
        Exception.__init__(self, cause, partial)
        vars(self).update(vars(cause))
        self.cause, self.partial = cause, partial

    @property
    def missing(self) -> tuple[Window, ...]:
        """The windows that were not read to their end."""
        return tuple(window for window in self.partial.report.windows if not window.whole)

    @property
    def reason(self) -> str:
        """What ended the fetch."""
        if isinstance(self.cause, KeyboardInterrupt):
            return "The fetch was stopped."
        if isinstance(self.cause, EtelecomError):
            return str(self.cause)
        return f"{type(self.cause).__name__}: {self.cause}."

    def __str__(self) -> str:
        return (
            f"{self.reason} {self.partial.calls.height:,} calls were received before that: see "
            "the error's .partial. "
            "fetch_calls(client, query, resume=error.partial) fetches the rest."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return incomplete_fetch, (self.cause, self.partial)


class FetchStopped(IncompleteFetch, Stopped, KeyboardInterrupt):
    """The user stopped the fetch with Ctrl-C, a notebook's stop button, or a panel's Cancel.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     server.latency_s = 0.05
        ...     fetch = et.fetcher(et.Client(server.base_url, server.api_key), workers=1)
        ...     received = []
        ...     try:
        ...         logs = fetch(
        ...             et.CallQuery(),
        ...             lambda calls, reached: received.append(calls),
        ...             lambda: sum(received) > 0,
        ...         )
        ...     except et.FetchStopped as error:
        ...         print(error.partial.calls.height > 0, error.partial.report.complete)
        True False
    """


def incomplete_fetch(cause: BaseException, partial: CallLogs) -> IncompleteFetch:
    """The error for a cause; it is also of the class of the cause, if Python allows that."""
    if isinstance(cause, Stopped | KeyboardInterrupt):
        return FetchStopped(cause, partial)
    kind = type(cause)
    try:
        combined = type(
            f"Incomplete{kind.__name__}", (IncompleteFetch, kind), {"__doc__": kind.__doc__}
        )
    except TypeError:  # a class that cannot be combined with others
        combined = IncompleteFetch
    error: IncompleteFetch = combined(cause, partial)
    return error
