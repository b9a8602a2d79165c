"""The options of an object store, and messages without its credentials."""

import os
import re
from collections.abc import Mapping
from urllib.parse import quote

from ..errors import InputError
from ..phone_numbers import describe, printable

__all__ = [
    "CLIENT_NAMES",
    "STORE_NAMES",
    "StorageOptions",
    "StoreError",
    "checked_options",
    "object_reason",
    "without_secrets",
]

StorageOptions = tuple[tuple[str, str], ...]
"""The options as pairs, sorted by name, in lower case and with the prefix aws_."""

_SECRETS = frozenset(
    f"aws_{name}" for name in ("access_key_id", "secret_access_key", "session_token", "token")
)
STORE_NAMES = frozenset(
    f"aws_{name}"
    for name in (
        "region", "default_region", "endpoint", "endpoint_url", "virtual_hosted_style_request",
        "unsigned_payload", "skip_signature", "request_payer", "imdsv1_fallback",
        "metadata_endpoint", "disable_tagging", "container_credentials_relative_uri",
        "container_credentials_full_uri", "container_authorization_token_file",
        "web_identity_token_file", "role_arn", "role_session_name", "endpoint_url_sts",
    )
) | _SECRETS  # fmt: skip
CLIENT_NAMES = frozenset(
    f"aws_{name}" for name in ("allow_http", "allow_invalid_certificates", "connect_timeout",
    "timeout", "pool_idle_timeout", "pool_max_idle_per_host", "user_agent")
)  # fmt: skip
_UNSAFE = frozenset(
    f"aws_{name}"
    for name in ("s3_allow_unsafe_rename", "conditional_put", "copy_if_not_exists")
) | {"aws_s3_locking_provider"}  # fmt: skip
"""Options of deltalake with which two writers may overwrite each other's commits."""

_HIDDEN = "***"
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_ANSWERED_KEY = re.compile(r"(?<=<AWSAccessKeyId>)[^<]*")
"""The key in the answer of Amazon S3 to a key that it does not know."""
_STATUS = re.compile(r"\b([45]\d\d) ([A-Z][A-Za-z ]+?)(?:\s*[:\n]|\s*$)", re.MULTILINE)
_KEY_CODES = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken"}
_NO_CREDENTIALS = re.compile(r"169\.254\.\d|(?i:no credential|credential provider)")
"""Without a key, the role of the machine is requested from the address 169.254.169.254."""
_NO_ANSWER = re.compile(r"(?i)error sending request|connect|timed? ?out|HTTP error")


class StoreError(OSError):
    """An object store refused a request or did not answer; its text states why."""


def checked_options(options: Mapping[str, str] | None) -> StorageOptions:
    """The options, checked; no message shows a value.

    Raises:
        InputError: they are no texts, one is unknown, or one would let two writers overwrite each
            other.
    """
    if options is None:
        return ()
    if not isinstance(options, Mapping) or not all(
        isinstance(each, str) for pair in options.items() for each in pair
    ):
        raise InputError(
            'storage_options is a dictionary of texts, such as {"AWS_REGION": "ap-southeast-1"}.'
        )
    checked: dict[str, str] = {}
    for name, value in options.items():
        key = name.lower() if name.lower().startswith("aws_") else f"aws_{name.lower()}"
        if key in _UNSAFE:
            raise InputError(
                f"storage_options cannot have {describe(name)}: an archive relies on conditional "
                "writes, without which two writers overwrite each other's days."
            )
        known = STORE_NAMES | CLIENT_NAMES
        if key not in known:
            raise InputError(
                f"storage_options has an unknown option {describe(name)}. Known are, with or "
                "without AWS_: "
                + ", ".join(sorted(each.removeprefix("aws_") for each in known))
                + "."
            )
        if "endpoint" in key and "@" in value:
            raise InputError(f"{describe(name)} is an address without a user name or a password.")
        checked[key] = value
    return tuple(sorted(checked.items()))


def without_secrets(text: str, options: StorageOptions) -> str:
    """The text without the credentials in the options, in the environment and in answers."""
    secrets = {value for name, value in options if name in _SECRETS}
    secrets |= {os.environ.get(name.upper(), "") for name in _SECRETS}
    text = _ANSWERED_KEY.sub(_HIDDEN, text)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, _HIDDEN)
    return text


def object_reason(error: BaseException, options: StorageOptions) -> str:
    """The cause of an error of an object store on one line, and what to do; never its credentials.

    Only the code in the server's answer is shown, because some servers repeat the request in it.
    """
    if isinstance(error, StoreError):
        return str(error)
    text = without_secrets(_ESCAPE.sub("", str(error)), options)  # before it is shortened
    status, code = _STATUS.search(text), _CODE.search(text)
    if _NO_CREDENTIALS.search(text):
        cause = (
            "there are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in "
            "storage_options or in the environment"
        )
    elif status or code:
        answer = " ".join(
            [*([status[1], status[2].strip()] if status else []), *([code[1]] if code else [])]
        )
        cause = f"the server refused the request ({answer})"
        if (code and code[1] in _KEY_CODES) or (status and status[1] in ("401", "403")):
            cause += (
                ". Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in storage_options or in the "
                "environment, and what they may do"
            )
        elif code and code[1] == "NoSuchBucket":
            cause += ". Create the bucket first"
    elif _NO_ANSWER.search(text):
        cause = (
            "the server does not answer. Check AWS_ENDPOINT_URL, and AWS_ALLOW_HTTP=true if its "
            "address begins with http://"
        )
    else:
        lines = [line.strip(" \u21b3") for line in text.splitlines() if line.strip()]
        cause = printable(lines[0] if lines else type(error).__name__).rstrip(".")
    return cause
