"""Extensions, users and hotlines of the simulated call center, as the API lists them. No I/O."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..schema import INBOUND_DIRECTIONS
from .call_center import FIRST_EXTENSIONS, HOTLINES, IVR, QUEUE, staff_ids
from .entities import Person
from .filters import Row, invalid, is_integer, part_of, text_of
from .rows import ZERO_TIME

__all__ = ["METHODS", "Directory", "directory_of", "directory_of_staff"]

METHODS = {
    "Etelecom/GetExtensions": "extensions",
    "Shop/GetAccountUsers": "account_users",
    "Etelecom/GetPartnerHotlineList": "hotlines",
    "Shop/GetHotlines": "hotlines",
}
"""The API methods that list them, and the keys of their rows."""

_MAX_ROWS = 100
_START = "."
_DEPARTMENT_SIZE = 8
_HOTLINE_ID, _DEPARTMENT_ID = 1_170_000_000_000_000_001, 1_180_000_000_000_000_001
_FAMILY_NAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ")
_MIDDLE_NAMES = ("Thị", "Văn", "Minh", "Ngọc", "Thanh", "Đức", "Thu")
_FIRST_NAMES = (
    "An",
    "Bình",
    "Chi",
    "Dũng",
    "Giang",
    "Hà",
    "Khánh",
    "Lan",
    "Nam",
    "Oanh",
    "Phúc",
    "Quyên",
    "Sơn",
    "Trang",
    "Uyên",
    "Yến",
    "Vy",
)


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Raw rows of the lists of extensions, users and hotlines.

    Attributes:
        extensions, account_users, hotlines: rows as the API writes them.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     lists = server.directory
        >>> len(lists.extensions), [row["hotline"] for row in lists.hotlines]
        (7, ['19000123', '02873000456'])
    """

    extensions: tuple[Row, ...] = ()
    account_users: tuple[Row, ...] = ()
    hotlines: tuple[Row, ...] = ()

    def answer(self, method: str, request: Mapping[str, Any]) -> bytes:
        """The body of the response to one of `METHODS`; raises `Refusal` for an invalid request."""
        paging = part_of(request, "paging")
        part_of(request, "filter")
        after, before, limit = (
            text_of(paging, "after", "paging"),
            text_of(paging, "before", "paging"),
            paging.get("limit") or 0,
        )
        if after and before:
            raise invalid("paging: after and before exclude each other")
        if not is_integer(limit) or limit < 0:
            raise invalid("paging.limit must be a number of at least 0")
        rows = getattr(self, METHODS[method])
        limit = min(limit or _MAX_ROWS, _MAX_ROWS)
        if before:
            end = len(rows) if before == _START else _index(before)
            begin = max(0, end - limit)
        else:
            begin = 0 if after in ("", _START) else _index(after)
            end = begin + limit
        page = rows[begin:end]
        page_info = {
            "after": after,
            "before": before,
            "limit": limit,
            "sort": "",
            "next": _cursor(begin + len(page)) if page else "",
            "prev": _cursor(begin) if page else "",
        }
        return json.dumps({METHODS[method]: page, "paging": page_info}).encode()


def directory_of(calls: Iterable[Row]) -> Directory:
    """The directory for these calls: all staff, two former users, and an unused extension."""
    numbers = sorted({int(number) for number in _numbers(calls) if number not in (IVR, QUEUE)})
    first = max(
        (first for first in FIRST_EXTENSIONS if numbers and first <= numbers[-1]),
        default=FIRST_EXTENSIONS[0],
    )
    indices = [number - first for number in numbers if number >= first]
    next_index = indices[-1] + 1 if indices else 0
    unused = {**_extension(first, next_index), "user_id": "0", "state": "inactive"}
    former = [{**_user(next_index + offset), "deleted": True} for offset in (1, 2)]
    return Directory(
        extensions=(*(_extension(first, index) for index in indices), unused),
        account_users=(*map(_user, indices), *former),
        hotlines=_hotlines(),
    )


def directory_of_staff(people: Sequence[Person]) -> Directory:
    """The directory of this staff, in the order in which they were hired.

    An extension that changed hands has two rows with the same number, one after the other.
    """
    extensions = []
    for index, person in enumerate(people):
        row = _extension(int(person.number) - index, index)
        if person.since is not None:
            row["created_at"] = _time(person.since)
        if person.until is not None:
            row |= {"expires_at": _time(person.until), "state": "inactive"}
        extensions.append(row)
    return Directory(
        extensions=tuple(extensions),
        account_users=tuple(
            {**_user(index), "deleted": person.until is not None}
            for index, person in enumerate(people)
        ),
        hotlines=_hotlines(),
    )


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")


def _hotlines() -> tuple[Row, ...]:
    names = ("Chăm sóc khách hàng", "Văn phòng")
    return tuple(
        {
            "id": str(_HOTLINE_ID + index),
            "hotline": number,
            "name": name,
            "network": network,
            "status": "active",
        }
        for index, (number, name, network) in enumerate(
            zip(HOTLINES, names, ("viettel", "other"), strict=True)
        )
    )


def _numbers(calls: Iterable[Row]) -> Iterator[str]:
    """Extension numbers in these calls: the targets of inbound calls, and the callers of others."""
    for call in calls:
        if not isinstance(call, dict):
            continue
        legs = (
            call.get("call_targets")
            if call.get("direction") in INBOUND_DIRECTIONS
            else [{"target_number": call.get("caller")}]
        )
        for leg in legs if isinstance(legs, list) else []:
            number = leg.get("target_number") if isinstance(leg, dict) else None
            if (
                isinstance(number, str)
                and number.isascii()
                and number.isdigit()
                and 3 <= len(number) <= 5
            ):
                yield number


def _extension(first: int, index: int) -> Row:
    extension_id, user_id = staff_ids(index)
    return {
        "id": extension_id,
        "extension_number": str(first + index),
        "extension_password": f"simulated-password-{first + index}",
        "hotline_id": str(_HOTLINE_ID + index % len(HOTLINES)),
        "user_id": user_id,
        "tenant_domain": "centre.example",
        "created_at": f"2026-0{1 + index % 9}-15T02:30:00Z",
        "expires_at": ZERO_TIME,
        "state": "active",
    }


def _user(index: int) -> Row:
    _, user_id = staff_ids(index)
    # The lengths have no common factor, so that all combinations occur before one is repeated.
    family = _FAMILY_NAMES[index % len(_FAMILY_NAMES)]
    middle = _MIDDLE_NAMES[index % len(_MIDDLE_NAMES)]
    first = _FIRST_NAMES[index % len(_FIRST_NAMES)]
    return {
        "user_id": user_id,
        "full_name": f"{family} {middle} {first}" if index % 13 != 5 else "",
        "short_name": f"{first} {index + 1}",
        "email": f"user{index + 1}@centre.example",
        "phone": f"0900{index + 1:06d}",
        "department_id": str(_DEPARTMENT_ID + index // _DEPARTMENT_SIZE)
        if index % 11 != 7
        else "0",
        "position": "",
        "roles": ["telecom_customerservice"] if index % 9 else ["owner", "telecom_customerservice"],
        "deleted": False,
    }


def _cursor(index: int) -> str:
    return base64.urlsafe_b64encode(f"row {index}".encode()).decode()


def _index(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("row "))
    except (binascii.Error, ValueError):
        raise invalid("paging: malformed cursor") from None
