"""Exceptions of this package, grouped by what the user can do next.

Every exception derives from `EtelecomError`, and its `str()` says what happened and what to do:
try again (`NoAnswer`, `Unavailable`, `Unreadable`), correct the key (`Unauthenticated`,
`PermissionDenied`), the address (`BadRoute`) or the request (`BadRequest`, `InputError`), use
another measure (`MeasureUnavailable`), or report the problem (`PagingError`). Details are
attributes. No message contains an API key or a phone number.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches

__all__ = [
    "ApiError",
    "ArchiveBusy",
    "ArchiveError",
    "BadCertificate",
    "BadRequest",
    "BadRoute",
    "DataLossError",
    "EtelecomError",
    "InputError",
    "MeasureUnavailable",
    "NoAnswer",
    "PagingError",
    "PermissionDenied",
    "QueryError",
    "RateLimited",
    "ReportError",
    "SettingError",
    "SnapshotError",
    "Stopped",
    "Unauthenticated",
    "Unavailable",
    "UnknownName",
    "Unreadable",
]

_MAX_NAMES, _MAX_DAYS = 40, 5
"""How many valid names or days a message lists."""
_MAX_WAIT_S = 86_400


class EtelecomError(Exception):
    """Base class of all exceptions of this package."""


class ApiError(EtelecomError):
    """A request to the API failed.

    Attributes:
        message: the message of the server or the network, on one line, without keys and numbers.
        status: HTTP status; 0 if there was no response.
        code: the error code of the API, such as `unauthenticated`.
        url: the address of the request.
        attempts: the number of attempts.
        retry_after: seconds that the server asks to wait, or None.
        key_source: where the API key was read from, such as the name of a variable.
    """

    transient = False
    """Whether a new attempt may succeed."""

    summary = "The call-log service could not be used"
    _advice = ""

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.code = message, status, code
        self.url, self.key_source, self.attempts = "", "", 1
        self.retry_after = retry_after

    def __str__(self) -> str:
        url = f" at {self.url}" if self.url else ""
        attempts = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        codes = " ".join(str(part) for part in (self.status or "", self.code) if part)
        details = ": ".join(part for part in (codes, self.message) if part)
        details = f" ({details})" if details else ""
        return f"{self.summary}{url}{attempts}{details}. {self.advice}".strip()

    @property
    def advice(self) -> str:
        """What to do next, as a sentence."""
        return self._advice.format(key_source=self.key_source or "the request")


class NoAnswer(ApiError):
    """No complete response: no connection, a timeout, or a truncated body."""

    transient = True
    summary = "The server returned no complete response"
    _advice = "Check the network and the address (ETELECOM_BASE_URL), then try again."


class BadCertificate(NoAnswer):
    """The certificate of the server is not valid; no request was sent."""

    transient = False
    summary = "The server's certificate could not be verified"
    _advice = (
        "Certificates are always checked. Check the address and the clock of this machine. "
        "In a network with a TLS proxy, set REQUESTS_CA_BUNDLE to its certificate file."
    )


class Unavailable(ApiError):
    """The server is temporarily unavailable (408, 500, 502, 503, 504)."""

    transient = True
    summary = "The server is temporarily unavailable"

    @property
    def advice(self) -> str:
        """When to try again."""
        if self.retry_after:
            wait_s = math.ceil(min(self.retry_after, _MAX_WAIT_S))
            return f"The server asks to wait {wait_s} s: try again after that."
        return "Try again in a few minutes."


class RateLimited(Unavailable):
    """The client sent too many requests (429)."""

    summary = "The server received too many requests"


class Unreadable(ApiError):
    """The response is not a page of the API, for example HTML of a gateway or an empty body."""

    transient = True
    summary = "The response is not a valid response of this API"
    _advice = (
        "A proxy or gateway may have answered instead. Check the address (ETELECOM_BASE_URL) and "
        "try again; report the error if it persists."
    )


class Unauthenticated(ApiError):
    """The API key is missing or wrong (401)."""

    summary = "The server does not accept this API key"
    _advice = "Check the key in {key_source}: shops use api_key, partners the shop_key of a shop."


class PermissionDenied(ApiError):
    """The API key is valid but has no permission for this request (403)."""

    summary = "This API key has no permission to read call logs"
    _advice = "Ask eTelecom to enable call history for the key in {key_source}."


class BadRoute(ApiError):
    """The address does not exist (404) or redirects (3xx)."""

    summary = "There is no call-log service"
    _advice = (
        "Check base_url (ETELECOM_BASE_URL): the client appends '.Etelecom/ListCallLogs' to it. "
        "Some deployments use '.ETelecom/ListCallLogs'."
    )


class BadRequest(ApiError):
    """The server rejected the request (400 and similar)."""

    summary = "The server rejected the request"
    _advice = "Change the query; the same request will fail again."


class PagingError(ApiError):
    """The chain of cursors does not end.

    Attributes:
        cursor: the last cursor.
        pages: the number of pages read.
    """

    summary = "The server's pages do not end"
    _advice = "Fetch a shorter range of dates, and report the cursor to eTelecom."

    def __init__(self, message: str = "", *, cursor: str = "", pages: int = 0) -> None:
        super().__init__(message)
        self.cursor, self.pages = cursor, pages


class InputError(EtelecomError, ValueError):
    """An argument is not valid; no request was sent."""


class SettingError(InputError):
    """An address or API key is missing or malformed; the message has its name, not its value."""


class QueryError(InputError):
    """A field of a query is not valid.

    Attributes:
        field: the name of the field.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message, field)
        self.field = field

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownName(InputError):
    """A measure, dimension or option does not exist; the message suggests valid names."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        self.kind, self.name, self.known = kind, str(name), tuple(known)
        super().__init__(self.kind, self.name, self.known)

    def __str__(self) -> str:
        by_lower = {name.lower(): name for name in self.known}
        matches = get_close_matches(self.name.lower(), by_lower, n=3, cutoff=0.5)
        if matches:
            hint = f"Did you mean {' or '.join(by_lower[match] for match in matches)}?"
        else:
            more = ", ..." if len(self.known) > _MAX_NAMES else ""
            hint = f"Available: {', '.join(self.known[:_MAX_NAMES])}{more}."
        name = re.sub(r"\d{6,}", "…", self.name)  # may be a phone number
        return f"There is no {self.kind} {name!r}. {hint}"


class MeasureUnavailable(InputError):
    """A measure cannot be computed from call logs; the message suggests an alternative.

    Attributes:
        name: the name of the measure.
        reason: why it is not available, and what to use instead.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name} cannot be computed from call logs. {self.reason}"


class Stopped(EtelecomError):
    """The user stopped the operation."""


class SnapshotError(EtelecomError):
    """A snapshot cannot be read (missing, modified, too new) or written (the path is in use)."""


class ArchiveError(EtelecomError):
    """An archive cannot be read or written, or does not have the requested version."""


class ArchiveBusy(ArchiveError):
    """Another process is writing to the archive."""


class DataLossError(ArchiveError):
    """The server has lost many calls of some days: these were not changed, all others were synced.

    Attributes:
        losses: for each such day, the number of stored calls and how many of them the server no
            longer has.
        report: the report of the sync.
    """

    def __init__(self, losses: Mapping[date, tuple[int, int]], report: object) -> None:
        super().__init__(losses, report)
        self.losses, self.report = dict(losses), report

    def __str__(self) -> str:
        days = ", ".join(
            f"{day} ({lost:,} of {stored:,} calls)"
            for day, (stored, lost) in sorted(self.losses.items())[:_MAX_DAYS]
        )
        more = len(self.losses) - _MAX_DAYS
        days += f" and {more} more" if more > 0 else ""
        cause = ""
        if all(stored == lost for stored, lost in self.losses.values()):
            cause = (
                "The server has none of the stored calls of these days: it may be empty, or the "
                "key may be another shop's key. "
            )
        return (
            f"The server no longer has calls that the archive contains: {days}. {cause}These days "
            "were not changed. To remove the calls from the archive, sync with accept_loss=True "
            "(etelecom: --accept-loss)."
        )


class ReportError(EtelecomError):
    """A report cannot be created, for example because a cell of its notebook failed.

    Attributes:
        cell: the number of the cell that failed, from 1, or None.
        kind: the type of the exception in that cell, such as "ColumnNotFoundError".
        message: the message of that exception, without phone numbers.
    """

    def __init__(
        self, text: str, *, cell: int | None = None, kind: str = "", message: str = ""
    ) -> None:
        super().__init__(text)
        self.cell = cell
        self.kind = kind
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the attributes when the exception is pickled."""
        state = {"cell": self.cell, "kind": self.kind, "message": self.message}
        return type(self), self.args, state
