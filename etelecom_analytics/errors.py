"""The error tree, by what the reader does next.

Every error of this package is an `EtelecomError`, and `str()` of it is a sentence to act on. The
branches say what to do: try again (`NoAnswer`, `Unavailable`, `Unreadable`), mend the key
(`Unauthenticated`, `PermissionDenied`), the address (`BadRoute`) or the request (`BadRequest`,
`InputError`), ask for something else (`MeasureUnavailable`), or report it (`PagingError`). Facts
are attributes; no message holds a key or a phone number.
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
    "EtelecomError",
    "InputError",
    "DataLossError",
    "NoAnswer",
    "MeasureUnavailable",
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


_MOST_NAMES = 40
"""A list of names longer than this helps nobody."""
_MOST_LOSSES = 5


class EtelecomError(Exception):
    """Whatever this package refuses or cannot do."""


class ApiError(EtelecomError):
    """Something went wrong between us and the server.

    Attributes:
        said: what the server, or the network, said; cut to a line, without keys and numbers.
        status: HTTP status, 0 when none came.
        code: the API's own word for it, such as `unauthenticated`.
        url: the address that was asked.
        attempts: how many times it was asked.
        retry_after: seconds that the server asked us to wait, if it did.
    """

    passing = False
    """Whether asking again may help."""

    happened = "The call-log service could not be used"
    advice = ""

    def __init__(
        self, said: str = "", *, status: int = 0, code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(said)
        self.said = said
        self.status = status
        self.code = code
        self.url = ""
        self.attempts = 1
        self.retry_after = retry_after
        self.key_from = ""

    def __str__(self) -> str:
        where = f" at {self.url}" if self.url else ""
        tries = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        facts = " ".join(str(fact) for fact in (self.status or "", self.code) if fact)
        said = ": ".join(part for part in (facts, self.said) if part)
        return (
            f"{self.happened}{where}{tries}{f' ({said})' if said else ''}. {self.advised()}".strip()
        )

    def advised(self) -> str:
        """What to do next, as a sentence."""
        return self.advice


class NoAnswer(ApiError):
    """Nothing usable came back: no connection, a time-out, or a body cut short."""

    passing = True
    happened = "No complete answer came from the server"
    advice = "Check the network and the address (ETELECOM_BASE_URL), then try again."


class BadCertificate(NoAnswer):
    """The server could not prove who it is; nothing was sent to it."""

    passing = False
    happened = "The server's certificate could not be verified"
    advice = (
        "Certificates are always checked. Check the address and this machine's clock; "
        "behind a company's proxy, set REQUESTS_CA_BUNDLE to the file of its certificates."
    )


class Unavailable(ApiError):
    """The server says that it cannot answer now (408, 500, 502, 503, 504)."""

    passing = True
    happened = "The server could not answer for now"

    def advised(self) -> str:
        """When to come back, if the server said so."""
        if self.retry_after:
            return f"It asks to wait {math.ceil(min(self.retry_after, 86_400))} s: try again after that."
        return "Try again in a few minutes."


class RateLimited(Unavailable):
    """Too many requests (429)."""

    happened = "The server says that we ask too often"


class Unreadable(ApiError):
    """An answer came that is no page of the API: a gateway's HTML, an empty body, half a document."""

    passing = True
    happened = "The answer is not what the API promises"
    advice = "Often a proxy or a gateway stands between: check the address (ETELECOM_BASE_URL), try again, and report it if it stays."


class Unauthenticated(ApiError):
    """The key is missing or wrong (401)."""

    happened = "The server does not know this API key"

    def advised(self) -> str:
        """Where the key came from, never its value."""
        return f"Check the key given in {self.key_from or 'the request'}: a shop uses its api_key, a partner the shop's shop_key."


class PermissionDenied(ApiError):
    """The key is known, and may not do this (403)."""

    happened = "This API key may not read call logs"

    def advised(self) -> str:
        """Whom to ask."""
        return f"Ask eTelecom to allow call history for the key given in {self.key_from or 'the request'}."


class BadRoute(ApiError):
    """No such address (404), or one that sends us elsewhere (3xx)."""

    happened = "There is no call-log service"
    advice = (
        "Check base_url (ETELECOM_BASE_URL): '.Etelecom/ListCallLogs' is joined to it with a dot. "
        "Some deployments write '.ETelecom/ListCallLogs'."
    )


class BadRequest(ApiError):
    """The server refuses the request itself (400 and its kin)."""

    happened = "The server refuses the request"
    advice = "Change the query; asking again as it is will not help."


class PagingError(ApiError):
    """The chain of cursors cannot be followed to its end.

    Attributes:
        cursor: the cursor that leads nowhere.
        pages: pages read until then.
    """

    happened = "The server's pages do not come to an end"
    advice = "Fetch a shorter range of dates, and report the cursor to eTelecom."

    def __init__(self, said: str = "", *, cursor: str = "", pages: int = 0) -> None:
        super().__init__(said)
        self.cursor = cursor
        self.pages = pages


class InputError(EtelecomError, ValueError):
    """What was given cannot be used; nothing was sent."""


class SettingError(InputError):
    """An address or a key is missing or malformed; the message names the setting, never its value."""


class QueryError(InputError):
    """A field of a query is wrong.

    Attributes:
        field: its name.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message, field)
        self.field = field

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownName(InputError):
    """A measure, dimension or option that does not exist; the message lists the nearest names."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        name = str(name)
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(kind, name, self.known)

    def __str__(self) -> str:
        by_lower = {name.lower(): name for name in self.known}
        near = [
            by_lower[name]
            for name in get_close_matches(self.name.lower(), by_lower, n=3, cutoff=0.5)
        ]
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"There are: {', '.join(self.known[:_MOST_NAMES])}{', ...' if len(self.known) > _MOST_NAMES else ''}."
        )
        asked = re.sub(r"\d{6,}", "…", self.name)  # a number put in the wrong place
        return f"There is no {self.kind} {asked!r}. {hint}"


class MeasureUnavailable(InputError):
    """What call logs do not hold, and so nobody can reckon from them; the message says why, and what to use instead.

    Attributes:
        name: what was asked for.
        reason: why it cannot be had, and what can.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name} is not in the record. {self.reason}"


class Stopped(EtelecomError):
    """Somebody stopped it."""


class SnapshotError(EtelecomError):
    """A snapshot cannot be read or written: it is missing, incomplete, changed, in the way, or newer than this package."""


class ArchiveError(EtelecomError):
    """An archive cannot be read or written: it is missing, was made otherwise, has no room, or lacks the version asked for."""


class ArchiveBusy(ArchiveError):
    """Another process writes to the archive at this moment."""


class DataLossError(ArchiveError):
    """Days of which the server has much less than the archive were left as they are; all others are in step.

    Attributes:
        losses: for each such day how many calls are stored, and how many of them the server does
            not have any more.
        report: what became of all days.
    """

    def __init__(self, losses: Mapping[date, tuple[int, int]], report: object) -> None:
        super().__init__(losses, report)
        self.losses, self.report = dict(losses), report

    def __str__(self) -> str:
        days = ", ".join(
            f"{day} ({gone:,} of {stored:,} calls)"
            for day, (stored, gone) in sorted(self.losses.items())[:_MOST_LOSSES]
        )
        more = (
            f" and {len(self.losses) - _MOST_LOSSES} more"
            if len(self.losses) > _MOST_LOSSES
            else ""
        )
        return (
            f"The server has lost calls that the archive holds: {days}{more}. These days were left as they are. If the calls are to go, "
            "sync with accept_loss=True (etelecom: --accept-loss)."
        )


class ReportError(EtelecomError):
    """A report cannot be made: a cell of its notebook failed, a package is missing, or the file cannot be written.

    Attributes:
        cell: which cell of the notebook failed, counted from 1; None where it is not about a cell.
        kind: the name of that cell's own error, such as "ColumnNotFoundError".
        said: its message, without numbers.
    """

    def __init__(
        self, message: str, *, cell: int | None = None, kind: str = "", said: str = ""
    ) -> None:
        super().__init__(message)
        self.cell = cell
        self.kind = kind
        self.said = said

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the attributes over pickling, too."""
        return type(self), self.args, {"cell": self.cell, "kind": self.kind, "said": self.said}
