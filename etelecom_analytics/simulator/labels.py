"""The department and the hotline of each call, which a PBX knows and call logs do not contain."""

from collections.abc import Callable, Mapping
from typing import Any

from .directory import Directory
from .filters import Labels, Row

__all__ = ["labels_of"]


def labels_of(
    directory: Callable[[], Directory],
    *,
    departments: Mapping[str, str] | None = None,
    hotlines: Mapping[str, str] | None = None,
) -> Labels:
    """The departments and hotlines of calls, by id in the mappings or else from the directory.

    The hotline of an inbound call is the number that was called, even if no extension answered.
    That of an outbound call is the hotline of the extension. The department of a call is that of
    its user.

    Args:
        directory: returns the current directory.
        departments: department id by call id, for all calls that have one.
        hotlines: hotline id by call id, for all calls that have one.
    """

    def hotline_of(row: Row) -> str:
        lists = directory()
        if row.get("direction") == "in":
            return _field_where(lists.hotlines, "hotline", row.get("callee"), "id")
        if row.get("direction") == "out":
            return _field_where(lists.extensions, "id", row.get("extension_id"), "hotline_id")
        return ""

    def department_of(row: Row) -> str:
        return _field_where(
            directory().account_users, "user_id", row.get("user_id"), "department_id"
        )

    return Labels(
        department_of=_by_call(departments) if departments is not None else department_of,
        hotline_of=_by_call(hotlines) if hotlines is not None else hotline_of,
    )


def _by_call(ids: Mapping[str, str]) -> Callable[[Row], str]:
    return lambda row: ids.get(str(row.get("id")), "")


def _field_where(rows: tuple[Row, ...], key: str, value: Any, field: str) -> str:
    """A field of the first row with this value under the key; "" if there is none."""
    for row in rows:
        if isinstance(row, dict) and value and row.get(key) == value:
            return str(row.get(field) or "")
    return ""
