"""Who works in the simulated call centre: extensions, users and hotlines as the API lists them, passwords too. No I/O."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .centre import FIRST_NUMBERS, HOTLINES, IVR, QUEUE, ids_of_place
from .filters import Row, invalid, is_integer, part_of, text_of
from .rows import ZERO_TIME

__all__ = ["METHODS", "Directory", "directory_of"]

METHODS = {
    "Etelecom/GetExtensions": "extensions",
    "Shop/GetAccountUsers": "account_users",
    "Etelecom/GetPartnerHotlineList": "hotlines",
}
"""The methods that list them, and the keys of their rows."""

_MOST_ROWS = 100
_BEGINNING = "."
_TEAM = 8
_HOTLINE_ID, _DEPARTMENT_ID = 1_170_000_000_000_000_001, 1_180_000_000_000_000_001
_FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ")
_MIDDLES = ("Thị", "Văn", "Minh", "Ngọc", "Thanh", "Đức", "Thu")
_GIVEN = (
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
    """The raw rows of each list."""

    extensions: tuple[Row, ...] = ()
    account_users: tuple[Row, ...] = ()
    hotlines: tuple[Row, ...] = ()

    def answer(self, method: str, request: Mapping[str, Any]) -> bytes:
        """The body of the answer to one of `METHODS`; `Refusal` where the request is wrong."""
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
            raise invalid("paging.limit must be a number, and not negative")
        rows = getattr(self, METHODS[method])
        limit = min(limit or _MOST_ROWS, _MOST_ROWS)
        end = len(rows) if before == _BEGINNING else _place(before) if before else 0
        begin = max(0, end - limit) if before else 0 if after in ("", _BEGINNING) else _place(after)
        page = rows[begin : end if before else begin + limit]
        told = {"after": after, "before": before, "limit": limit, "sort": ""}
        told |= (
            {"next": _cursor(begin + len(page)), "prev": _cursor(begin)}
            if page
            else {"next": "", "prev": ""}
        )
        return json.dumps({METHODS[method]: page, "paging": told}).encode()


def directory_of(calls: Iterable[Row]) -> Directory:
    """The people of the simulated centre who can have rung or called in these calls, two who have left, and a spare extension."""
    numbers = sorted({int(number) for number in _numbers(calls) if number not in (IVR, QUEUE)})
    first = max(
        (first for first in FIRST_NUMBERS if numbers and first <= numbers[-1]),
        default=FIRST_NUMBERS[0],
    )
    places = [number - first for number in numbers if number >= first]
    after = places[-1] + 1 if places else 0
    spare = {**_extension(first, after), "user_id": "0", "state": "inactive"}
    gone = [{**_user(after + place), "deleted": True} for place in (1, 2)]
    return Directory(
        extensions=(*(_extension(first, place) for place in places), spare),
        account_users=(*map(_user, places), *gone),
        hotlines=tuple(
            {
                "id": str(_HOTLINE_ID + place),
                "hotline": number,
                "name": name,
                "network": network,
                "status": "active",
            }
            for place, (number, name, network) in enumerate(
                zip(
                    HOTLINES,
                    ("Chăm sóc khách hàng", "Văn phòng"),
                    ("viettel", "other"),
                    strict=True,
                )
            )
        ),
    )


def _numbers(calls: Iterable[Row]) -> Iterator[str]:
    """The extension numbers that occur: who was rung by a call that came in, and who made one that went out."""
    for call in calls:
        if not isinstance(call, dict):
            continue
        legs = (
            call.get("call_targets")
            if call.get("direction") in ("in", "ext", "ext_in")
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


def _extension(first: int, place: int) -> Row:
    extension_id, user_id = ids_of_place(place)
    return {
        "id": extension_id,
        "extension_number": str(first + place),
        "extension_password": f"simulated-password-{first + place}",
        "hotline_id": str(_HOTLINE_ID + place % len(HOTLINES)),
        "user_id": user_id,
        "tenant_domain": "centre.example",
        "created_at": f"2026-0{1 + place % 9}-15T02:30:00Z",
        "expires_at": ZERO_TIME,
        "state": "active",
    }


def _user(place: int) -> Row:
    _, user_id = ids_of_place(place)
    given = _GIVEN[place % len(_GIVEN)]
    # Lengths without a common factor: no name comes twice before all were used.
    full_name = f"{_FAMILIES[place % len(_FAMILIES)]} {_MIDDLES[place % len(_MIDDLES)]} {given}"
    return {
        "user_id": user_id,
        "full_name": full_name if place % 13 != 5 else "",
        "short_name": f"{given} {place + 1}",
        "email": f"user{place + 1}@centre.example",
        "phone": f"0900{place + 1:06d}",
        "department_id": str(_DEPARTMENT_ID + place // _TEAM) if place % 11 != 7 else "0",
        "position": "",
        "roles": ["telecom_customerservice"] if place % 9 else ["owner", "telecom_customerservice"],
        "deleted": False,
    }


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"row {place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("row "))
    except (binascii.Error, ValueError):
        raise invalid("paging: malformed cursor") from None
