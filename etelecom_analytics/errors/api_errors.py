"""Exceptions of requests to the API; each says what to do next."""

import math

from .base import EtelecomError

__all__ = [
    "ApiError",
    "NoAnswer",
    "BadCertificate",
    "Unavailable",
    "RateLimited",
    "Unreadable",
    "Unauthenticated",
    "PermissionDenied",
    "BadRoute",
    "BadRequest",
    "PagingError",
    "PostError",
]

_MAX_WAIT_S = 86_400


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


class PostError(ApiError):
    """Alarms could not be posted. `url` is the host only, because an address may hold a secret."""

    summary = "The alarms could not be posted"
    _advice = "Check watch.address in the site file. The next run posts them again."
