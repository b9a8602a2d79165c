"""The errors of this package for the errors of the HTTP library and the operating system.

No message contains a value of the environment: the address of a proxy may contain a password.
"""

import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies, select_proxy

from ..errors import BadCertificate, EtelecomError, NoAnswer, SettingError
from ..phone_numbers import printable
from .credentials import ADDRESS_VARIABLE

__all__ = ["ca_bundle", "transport_error"]

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables with a file of certificates, in the order in which the HTTP library reads them."""

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

_NO_TLS = ("WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "HTTP_REQUEST")


def ca_bundle() -> tuple[str, str]:
    """The variable that names a file of certificates, and its value; both empty if none is set."""
    return next(((name, value) for name in _BUNDLES if (value := os.environ.get(name))), ("", ""))


def transport_error(
    error: BaseException, url: str, *, timeouts_s: tuple[float, float], outer: BaseException | None
) -> EtelecomError:
    """The error to raise instead of `error`.

    Args:
        error: the error of the HTTP library.
        url: the address of the request.
        timeouts_s: seconds for a connection, and for each part of a response.
        outer: the exception that the caller was handling before the request; it is not read,
            because it belongs to the caller.
    """
    chain = tuple(_causes(error, outer))
    if setting := _setting_problem(error, chain, url):
        return SettingError(setting)
    texts = " ".join(str(each) for each in chain)
    if "CERTIFICATE_VERIFY_FAILED" in texts:
        return BadCertificate(_certificate_message(chain))
    if any(isinstance(each, ssl.SSLError) for each in chain) and any(
        reason in texts for reason in _NO_TLS
    ):
        failure = NoAnswer(
            "the server does not speak a supported version of SSL/TLS at this address"
        )
        failure.transient = False
        return failure
    if isinstance(error, requests.ConnectTimeout):
        return NoAnswer(f"no connection within {timeouts_s[0]:.0f} s")
    if isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError | TimeoutError):
        return NoAnswer(f"no further data within {timeouts_s[1]:.0f} s")
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return NoAnswer("the connection was closed in the middle of the response")
    return NoAnswer(_system_message(chain[-1]))


def _causes(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that the HTTP library wrapped in it, the innermost last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and current is not outer and id(current) not in seen:
        seen.add(id(current))
        yield current
        reason = getattr(current, "reason", None)
        current = (
            reason
            if isinstance(reason, BaseException)
            else current.__cause__ or current.__context__
        )


def _setting_problem(error: BaseException, chain: tuple[BaseException, ...], url: str) -> str:
    """What is wrong with a setting, as a sentence that names the variable; empty if nothing is."""
    proxy = select_proxy(url, get_environ_proxies(url))
    variable = _proxy_variable(url) if proxy else ""
    if proxy and not _is_proxy_address(proxy):
        return (
            f"{variable} is not a valid address of a proxy: write http://user:password@host:port, "
            "with special characters of the user name or the password percent-encoded, such as "
            "%23 for # or %5B for [."
        )
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return (
            f"{variable} names a SOCKS proxy, which needs another package: "
            'pip install "requests[socks]".'
        )
    if any("407" in str(each) for each in chain if isinstance(each, OSError)) and proxy:
        return f"The proxy did not accept the user name and password in {variable} (407)."
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return f"base_url is not a valid address: check {ADDRESS_VARIABLE}."
    bundle, path = ca_bundle()
    if bundle and _is_bundle_problem(chain, path):
        return (
            f"{bundle} does not name a file with certificates in the PEM format: "
            "correct it, or remove it to use the usual certificates."
        )
    return ""


def _is_bundle_problem(chain: tuple[BaseException, ...], path: str) -> bool:
    if any("CA certificate bundle" in str(each) for each in chain):
        return True
    if not any(isinstance(each, OSError) for each in chain):
        return False
    try:
        context = ssl.create_default_context()
        folder = Path(path).is_dir()
        context.load_verify_locations(
            cafile=None if folder else path, capath=path if folder else None
        )
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return True
    return False


def _proxy_variable(url: str) -> str:
    """The name of the variable that the address of the proxy was read from."""
    scheme = urlsplit(url).scheme
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if os.environ.get(variable):
                return variable
    return "The setting of the proxy"


def _is_proxy_address(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        port = parts.port
    except ValueError:
        return False
    return bool(
        parts.hostname
        and (port is None or port > 0)
        and parts.path in ("", "/")
        and not parts.query
        and not parts.fragment
        and parts.scheme in _PROXY_SCHEMES
        and ("://" in proxy or "@" not in proxy)  # requests reads a user name as the scheme
        and re.fullmatch(r"[!-\[\]-~]+", proxy)  # visible ASCII without the backslash
    )


def _certificate_message(chain: tuple[BaseException, ...]) -> str:
    message = _system_message(chain[-1])
    bundle, _ = ca_bundle()
    if bundle:
        return f"{message}; the certificates are those of {bundle}"
    if os.environ.get("SSL_CERT_FILE"):
        return f"{message}; SSL_CERT_FILE is not read, use REQUESTS_CA_BUNDLE instead"
    return message


def _system_message(error: BaseException) -> str:
    """The message of the operating system, on one line."""
    return printable(str(getattr(error, "strerror", None) or error or type(error).__name__))
