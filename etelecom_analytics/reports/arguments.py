"""Checks of arguments that the functions for pages and reports share."""

import os
from pathlib import Path

from ..errors import InputError
from ..language import tr
from ..phone_numbers import describe
from ..query import CallQuery

__all__ = ["checked_path", "checked_query", "checked_title"]

_MAX_TITLE = 200


def checked_path(value: object, name: str) -> Path:
    """The path; `InputError` with the name of the argument if the value is something else."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str) or not path:
        raise InputError(f"{name} must be a path, as text or Path; got {describe(value)}.")
    return Path(path)


def checked_title(value: object) -> str:
    """The title on one line, or "" for None; `InputError` if the value is something else."""
    title = "" if value is None else value
    if not isinstance(title, str) or len(title) > _MAX_TITLE:
        raise InputError(tr("The title is a text of at most {n} characters.", n=_MAX_TITLE))
    return " ".join(title.split())


def checked_query(value: object) -> CallQuery:
    """The query; `InputError` if the value is something else."""
    if not isinstance(value, CallQuery):
        raise InputError(
            "query must be a CallQuery, such as logs.query or et.CallQuery(...); "
            f"got {describe(value)}."
        )
    return value
