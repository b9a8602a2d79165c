"""Posting alarms as JSON to an address, with the retries of the API's requests."""

import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
import urllib3

from .. import __version__
from ..api.credentials import is_loopback
from ..api.failures import ca_bundle, transport_error
from ..api.retry import RateLimiter, Retry, run_with_retries
from ..api.transport import BoundedAdapter, deadline
from ..api.wire import retry_after_s
from ..errors import ApiError, EtelecomError, PostError

__all__ = ["post_json"]

_RETRY = Retry(attempts=4, total_s=60)
_TIMEOUTS_S = (10.0, 30.0)
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


def post_json(address: str, document: Mapping[str, object], *, retry: Retry = _RETRY) -> None:
    """Post a document; any status from 200 to 299 is a success. Redirects are not followed.

    Args:
        address: an https address; http for this machine only.
        document: what to post.
        retry: the policy. Errors of the network and the statuses 408, 425, 429, 500, 502, 503 and
            504 are tried again.

    Raises:
        PostError: the last attempt failed.
    """
    body = json.dumps(document, ensure_ascii=False).encode()
    limiter = RateLimiter(retry.requests_per_s, sleep=time.sleep, clock=time.monotonic)
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, BoundedAdapter())
        # As for the API: a request to this machine needs no proxy.
        session.trust_env = not is_loopback(address)
        if not session.trust_env:
            session.verify = ca_bundle()[1] or True
        run_with_retries(
            retry, lambda seconds_left: _post(session, address, body, seconds_left), limiter=limiter
        )


def _post(session: requests.Session, address: str, body: bytes, seconds_left: float) -> None:
    end = time.monotonic() + seconds_left
    left_s = max(seconds_left, 0.001)
    timeouts_s = min(_TIMEOUTS_S[0], left_s), min(_TIMEOUTS_S[1], left_s)
    failure: PostError
    try:
        with (
            deadline(lambda: end - time.monotonic()),
            session.post(
                address,
                data=body,
                headers={
                    "Content-Type": "application/json",
                    "User-Agent": f"etelecom_analytics/{__version__}",
                },
                timeout=timeouts_s,
                allow_redirects=False,
                stream=True,  # the body of the response is of no use
            ) as response,
        ):
            if 200 <= response.status_code < 300:
                return
            failure = PostError(
                status=response.status_code, retry_after=retry_after_s(response.headers)
            )
            failure.transient = response.status_code in _TRANSIENT
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        failure = _without_response(error, address)
    failure.url = urlsplit(address).hostname or ""
    # Outside of the handler: the error of the HTTP library has the whole address.
    raise failure


def _without_response(error: Exception, address: str) -> PostError:
    cause: EtelecomError = transport_error(error, address, timeouts_s=_TIMEOUTS_S, outer=None)
    if isinstance(cause, ApiError):
        failure = PostError(cause.message)
        failure.transient = cause.transient
    else:
        failure = PostError(str(cause).rstrip("."))
    parts = urlsplit(address)
    if any(secret and secret in failure.message for secret in (parts.path.strip("/"), parts.query)):
        failure.message = type(error).__name__
    return failure
