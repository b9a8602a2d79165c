"""Exceptions of this package, grouped by what the user can do next.

Every exception derives from `EtelecomError`, and its `str()` says what happened and what to do:
try again (`NoAnswer`, `Unavailable`, `Unreadable`), correct the key (`Unauthenticated`,
`PermissionDenied`), the address (`BadRoute`) or the request (`BadRequest`, `InputError`), use
another measure (`MeasureUnavailable`), or report the problem (`PagingError`). Details are
attributes. No message contains an API key or a phone number.

A fetch or a sync that ends early raises `IncompleteFetch` or `IncompleteSync`, which hold what was
received. They are defined with what they hold, and can be imported from here as well.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .api_errors import (
    ApiError,
    BadCertificate,
    BadRequest,
    BadRoute,
    NoAnswer,
    PagingError,
    PermissionDenied,
    PostError,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unreadable,
)
from .base import EtelecomError, Stopped
from .file_errors import (
    ArchiveBusy,
    ArchiveError,
    DataLossError,
    ForgetError,
    ReportError,
    SnapshotError,
    StoreDown,
)
from .input_errors import InputError, MeasureUnavailable, QueryError, SettingError, UnknownName

if TYPE_CHECKING:
    from ..api.incomplete import FetchStopped, IncompleteFetch
    from ..archive.log import DamagedLog
    from ..archive.sync_report import IncompleteSync, SyncStopped

__all__ = [
    "ApiError",
    "ArchiveBusy",
    "ArchiveError",
    "BadCertificate",
    "BadRequest",
    "BadRoute",
    "DamagedLog",
    "DataLossError",
    "EtelecomError",
    "FetchStopped",
    "ForgetError",
    "IncompleteFetch",
    "IncompleteSync",
    "InputError",
    "MeasureUnavailable",
    "NoAnswer",
    "PagingError",
    "PermissionDenied",
    "PostError",
    "QueryError",
    "RateLimited",
    "ReportError",
    "SettingError",
    "SnapshotError",
    "Stopped",
    "StoreDown",
    "SyncStopped",
    "Unauthenticated",
    "Unavailable",
    "UnknownName",
    "Unreadable",
]

_MODULE_OF = {
    "DamagedLog": "archive.log",
    "FetchStopped": "api.incomplete",
    "IncompleteFetch": "api.incomplete",
    "IncompleteSync": "archive.sync_report",
    "SyncStopped": "archive.sync_report",
}
"""The modules of the exceptions that are defined elsewhere; each loads on first use."""


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"..{_MODULE_OF[name]}", __package__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
