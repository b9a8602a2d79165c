"""A simulated PBX with three hotlines and four departments, and the truth about its calls."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.simulator import CallLogServer, Directory, serve
from etelecom_analytics.simulator.directory import directory_of
from etelecom_analytics.simulator.rows import wire_rows

__all__ = ["HOTLINES", "Pbx", "pbx_of"]

HOTLINES = {"9001": "19001111", "9002": "19002222", "9003": ""}
"""The numbers of the hotlines by id; the last has none, only a name."""

DEPARTMENTS = ("801", "802", "803", "804")


@dataclass(frozen=True, kw_only=True)
class Pbx:
    """Calls, the lists of the PBX, and what it knows about each call.

    Attributes:
        calls: one row per call.
        directory: its lists.
        hotlines: the hotline of each inbound and outbound call, by id.
        departments: the department of each user.
    """

    calls: pl.DataFrame
    directory: Directory
    hotlines: Mapping[str, str]
    departments: Mapping[str, str]

    @property
    def missed(self) -> pl.DataFrame:
        """The inbound calls that were not answered."""
        return self.calls.filter(direction="in", call_state="not_answered")

    def serve(self, **options: Any) -> CallLogServer:
        """A started server of these calls."""
        server = serve(self.calls, **{"hotlines": self.hotlines, **options})
        server.directory = self.directory
        return server


def pbx_of(n: int = 900, *, seed: int = 4, days: int = 5) -> Pbx:
    """A PBX with about `n` calls; more than a third of the inbound ones are missed."""
    calls = et.simulate_calls(n, seed=seed, start="2024-01-01", days=days).calls
    rng = Random(seed)
    # An answer of an IVR would hide who rang, and the simulated agents are too good.
    is_lost = pl.Series([rng.random() < 0.35 for _ in range(calls.height)])
    is_lost &= calls["direction"].cast(pl.String) == "in"
    calls = calls.with_columns(
        call_state=pl.when(is_lost).then(pl.lit("not_answered")).otherwise("call_state"),
        extension_id=pl.when(~is_lost).then("extension_id"),
        user_id=pl.when(~is_lost).then("user_id"),
    ).cast({"call_state": calls.schema["call_state"]})
    lists = directory_of(wire_rows(calls))
    users = tuple(
        {**user, "department_id": DEPARTMENTS[index % 4]}
        for index, user in enumerate(lists.account_users)
    )
    extensions = tuple(
        {**extension, "hotline_id": [*HOTLINES][index % 3]}
        for index, extension in enumerate(lists.extensions)
    )
    of_extension = {row["id"]: row["hotline_id"] for row in extensions}
    hotlines = {}
    for call in calls.select("id", "direction", "extension_id").iter_rows(named=True):
        if call["extension_id"]:
            hotlines[call["id"]] = of_extension[call["extension_id"]]
        elif call["direction"] in ("in", "out"):
            hotlines[call["id"]] = rng.choices([*HOTLINES], (6, 3, 1))[0]
    rows = tuple(
        {
            "id": key,
            "hotline": number,
            "name": f"Line {key}",
            "network": "other",
            "status": "active",
        }
        for key, number in HOTLINES.items()
    )
    return Pbx(
        calls=calls,
        directory=replace(lists, extensions=extensions, account_users=users, hotlines=rows),
        hotlines=hotlines,
        departments={user["user_id"]: user["department_id"] for user in users},
    )
