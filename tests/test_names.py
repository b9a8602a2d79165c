"""with_names: names agree with SQL joins, no row is added or lost, and labels are unique."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import names
from etelecom_analytics.api.directory import fetch_extensions, fetch_hotlines, fetch_users
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import NAME_DIMENSIONS, Selection, facts
from etelecom_analytics.schema import (
    CALL_SCHEMA,
    CALL_TARGETS_SCHEMA,
    EXTENSIONS,
    HOTLINES,
    NAMES_SCHEMA,
    USERS,
    schema_of,
)
from etelecom_analytics.simulator import serve

JOINED = tuple(name for name in NAME_DIMENSIONS if name != "hotline_id")
"""The dimensions that lists add; `hotline_id` is from a fetch with labels."""

Lists = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def logs(calls: pl.DataFrame) -> et.CallLogs:
    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        return et.fetch_calls(client, progress=False)


@pytest.fixture(scope="module")
def lists(calls: pl.DataFrame) -> Lists:
    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        return fetch_extensions(client), fetch_users(client), fetch_hotlines(client)


@pytest.fixture(scope="module")
def named(logs: et.CallLogs, lists: Lists) -> et.CallLogs:
    return logs.with_names(*lists)


def extensions_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(schema_of(EXTENSIONS)))


def users_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(schema_of(USERS)))


def hotlines_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(schema_of(HOTLINES)))


def calls_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Calls with these values and nulls elsewhere; `targets` are the target numbers of the legs."""
    blank = {name: None for name in CALL_TARGETS_SCHEMA if name not in ("call_id", "target_index")}
    records = []
    for index, row in enumerate(rows):
        numbers = row.get("targets", [])
        legs = (
            None if numbers is None else [{**blank, "target_number": number} for number in numbers]
        )
        values = {name: value for name, value in row.items() if name != "targets"}
        records.append(
            {**dict.fromkeys(CALL_SCHEMA), "id": str(index), "call_targets": legs, **values}
        )
    return pl.DataFrame(records, schema=dict(CALL_SCHEMA))


def with_names(
    calls: pl.DataFrame, extensions: Any = None, users: Any = None, hotlines: Any = None
) -> pl.DataFrame:
    return names.with_names(calls, extensions=extensions, users=users, hotlines=hotlines)


# Rules.


def sql(query: str, folder: Path, **tables: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The result of DuckDB for this query of these tables."""
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
        query = query.replace(f"{{{name}}}", f"'{folder / name}.parquet'")
    return duckdb.connect().execute(query).fetchall()


@pytest.mark.slow
def test_names_of_simulated_calls_agree_with_sql(
    logs: et.CallLogs, lists: Lists, named: et.CallLogs, tmp_path: Path
):
    """Also with every row of the lists repeated and shuffled: repetitions must not add calls."""
    extensions, users, hotlines = lists
    query = """
        WITH people AS (
            SELECT
                user_id,
                department_id,
                coalesce(nullif(trim(full_name), ''), nullif(trim(short_name), '')) AS name
            FROM {users}
        ), rung AS (
            SELECT place, string_agg(DISTINCT department_id, ' / ' ORDER BY department_id) AS ids
            FROM {legs} JOIN people ON people.user_id = legs.owner_id
            WHERE department_id IS NOT NULL
            GROUP BY place
        )
        SELECT
            e.extension_number,
            p.name,
            CASE
                WHEN c.direction IN ('in', 'ext', 'ext_in') AND c.call_state = 'not_answered'
                THEN coalesce(rung.ids, p.department_id)
                WHEN coalesce(c.user_id, e.user_id) IS NULL THEN rung.ids
                ELSE p.department_id
            END,
            h.hotline
        FROM {calls} c
        LEFT JOIN {extensions} e ON c.extension_id = e.id
        LEFT JOIN people p ON coalesce(c.user_id, e.user_id) = p.user_id
        LEFT JOIN {hotlines} h ON h.id = e.hotline_id
        LEFT JOIN rung ON rung.place = c.place
        ORDER BY c.place
    """
    columns = ("extension_id", "user_id", "direction", "call_state")
    calls = logs.calls.select(*columns).with_row_index("place")
    rang = pl.col("leg").struct.field("ring_time").is_not_null()
    rang |= (pl.col("leg").struct.field("ring_duration") > 0).fill_null(value=False)
    legs = (
        named.calls.select(leg="call_targets", owner="target_owners")
        .with_row_index("place")
        .explode("leg", "owner", empty_as_null=False, keep_nulls=False)
        .filter(rang)
        .select("place", owner_id=pl.col("owner").struct.field("user_id"))
    )
    tables = {"calls": calls, "extensions": extensions, "users": users, "hotlines": hotlines}
    expected = sql(query.replace("{legs}", "{legs} legs"), tmp_path, legs=legs, **tables)

    assert named.calls.select(JOINED).rows() == expected
    doubled = [
        pl.concat([table, table]).sample(fraction=1, shuffle=True, seed=3) for table in lists
    ]
    assert logs.with_names(*doubled).calls.select(JOINED).rows() == expected
    assert (
        named.calls["user"].null_count()
        == named.calls["extension_id"].null_count()
        < named.calls.height
    )
    missed = named.calls.filter(call_state="not_answered").select(JOINED)
    bare = missed.drop("department_id")
    assert bare.null_count().row(0) == (missed.height,) * bare.width
    assert missed["department_id"].null_count() < missed.height


@pytest.mark.slow
def test_each_target_has_the_name_of_the_user_of_its_extension(
    lists: Lists, named: et.CallLogs, simulation: Any
):
    extensions, users, _ = lists
    owner = extensions.join(users, on="user_id").select(
        target_number="extension_number", expected=pl.coalesce("full_name", "short_name")
    )
    legs = named.call_targets.join(owner, on="target_number", how="left", maintain_order="left")

    assert_frame_equal(legs["user"].to_frame(), legs.select(user="expected"))
    inbound = legs.join(
        named.calls.filter(pl.col("direction").cast(pl.String) != "out"),
        left_on="call_id",
        right_on="id",
        how="semi",
    )
    assert inbound.filter(pl.col("user").is_null())[
        "target_number"
    ].unique().sort().to_list() == sorted(simulation.truth.ivr_numbers)


@pytest.mark.slow
def test_other_columns_query_and_report_do_not_change(logs: et.CallLogs, named: et.CallLogs):
    added = {name: dtype for name, dtype in NAMES_SCHEMA.items() if name != "hotline_id"}
    assert named.calls.columns == [*CALL_SCHEMA, *added]
    assert named.calls.select(added.keys()).schema == pl.Schema(added)
    assert_frame_equal(named.calls.select(CALL_SCHEMA.keys()), logs.calls)
    assert_frame_equal(named.call_targets.drop("user"), logs.call_targets)
    assert (named.query, named.report) == (logs.query, logs.report)
    assert "user" not in logs.calls.columns
    assert "user" not in logs.call_targets.columns


def test_user_is_that_of_the_call_or_else_of_its_extension():
    calls = calls_of(
        {"extension_id": "1", "user_id": "8"},
        {"extension_id": "1"},
        {"user_id": "8"},
        {"extension_id": "1", "user_id": "404"},
        {},
    )
    extensions = extensions_of({"id": "1", "extension_number": "101", "user_id": "7"})
    users = users_of(
        {"user_id": "7", "full_name": "An", "department_id": "70"},
        {"user_id": "8", "full_name": "  ", "short_name": " Bình ", "department_id": "80"},
    )

    assert with_names(calls, extensions, users).select(
        "extension_number", "user", "department_id"
    ).rows() == [
        ("101", "Bình", "80"),
        ("101", "An", "70"),
        (None, "Bình", "80"),
        ("101", None, None),
        (None, None, None),
    ]
    assert with_names(calls, users=users)["user"].to_list() == ["Bình", None, "Bình", None, None]


def test_hotline_is_its_number_or_else_its_name():
    extensions = extensions_of(*({"id": each, "hotline_id": each} for each in "123"), {"id": "4"})
    hotlines = hotlines_of(
        {"id": "1", "hotline": "19000123", "name": "Main"},
        {"id": "2", "name": "Side"},
        {"id": "3", "hotline": "", "name": None},
    )

    named = with_names(
        calls_of(*({"extension_id": each} for each in "1234")), extensions, hotlines=hotlines
    )
    assert named["hotline"].to_list() == ["19000123", "Side", None, None]


def test_shared_number_has_the_names_of_all_its_users():
    extensions = extensions_of(
        {"id": "1", "extension_number": "101", "user_id": "8", "tenant_domain": "a"},
        {"id": "2", "extension_number": "101", "user_id": "7", "tenant_domain": "b"},
        {"id": "3", "extension_number": "102", "user_id": "7"},
        {"id": "4", "extension_number": "102", "user_id": "7"},
        {"id": "5", "extension_number": "103", "user_id": "7"},
        {"id": "6", "extension_number": "103"},
        {"id": "7", "extension_number": "104"},
        {"id": "8", "user_id": "7"},
    )
    users = users_of({"user_id": "7", "full_name": "An"}, {"user_id": "8", "full_name": "Bình"})
    calls = calls_of(
        {"targets": ["101", "102", "103"]},
        {"targets": ["104", None, "0900000001"]},
        {"targets": []},
        {"targets": None},
    )

    for table in (extensions, extensions.reverse()):
        assert with_names(calls, table, users)["target_names"].to_list() == [
            ["An / Bình", "An", "An / (unknown)"],
            [None, None, None],
            [],
            None,
        ]


def test_users_with_equal_names_have_different_labels():
    users = users_of(
        {"user_id": "7", "full_name": "An"},
        {"user_id": "8", "short_name": "An"},
        {"user_id": "9"},
        {"user_id": "10"},
    )

    named = with_names(
        calls_of(*({"user_id": each} for each in ("7", "8", "9", "10"))), users=users
    )
    assert named["user"].to_list() == ["An (7)", "An (8)", None, None]


def test_repeated_id_has_the_preferred_row():
    """Rows that are not deleted are preferred, then the newest `created_at`, then the last row."""
    moments = pl.Series(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]).str.to_datetime(
        time_unit="us", time_zone="UTC"
    )
    extensions = extensions_of(
        {"id": "1", "extension_number": "new", "created_at": moments[1]},
        {"id": "1", "extension_number": "old", "created_at": moments[0]},
        {"id": "1", "extension_number": "undated"},
        {"id": "2", "extension_number": "first"},
        {"id": "2", "extension_number": "last"},
        {"id": None, "extension_number": "nobody"},
    )
    users = users_of(
        {"user_id": "5", "full_name": "gone", "deleted": True},
        {"user_id": "5", "full_name": "here", "deleted": None},
        {"user_id": "5", "full_name": "gone again", "deleted": True},
        {"user_id": "6", "full_name": "left", "deleted": True},
    )
    calls = calls_of(
        {"extension_id": "1", "user_id": "5"}, {"extension_id": "2", "user_id": "6"}, {}
    )

    assert with_names(calls, extensions, users).select("extension_number", "user").rows() == [
        ("new", "here"),
        ("last", "left"),
        (None, None),
    ]


_ids = st.sampled_from(["1", "2", "3", None])
_texts = st.sampled_from(["101", "102", "An", "Bình", "", " ", "A (1)", " / ", "<b>", None])
_extension_rows = st.lists(
    st.fixed_dictionaries(
        {"id": _ids, "extension_number": _texts, "hotline_id": _ids, "user_id": _ids}
    ),
    max_size=6,
)
_user_rows = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": _ids,
            "full_name": _texts,
            "short_name": _texts,
            "department_id": _ids,
            "deleted": st.sampled_from([True, False, None]),
        }
    ),
    max_size=6,
)
_hotline_rows = st.lists(
    st.fixed_dictionaries({"id": _ids, "hotline": _texts, "name": _texts}), max_size=6
)
_call_rows = st.lists(
    st.fixed_dictionaries(
        {"extension_id": _ids, "user_id": _ids, "targets": st.lists(_texts, max_size=3)}
    ),
    max_size=6,
)


@pytest.mark.slow
@examples(80)
@given(calls=_call_rows, extensions=_extension_rows, users=_user_rows, hotlines=_hotline_rows)
def test_rows_are_unchanged_and_names_are_those_of_the_lists(
    calls: Any, extensions: Any, users: Any, hotlines: Any
):
    table = calls_of(*calls)
    named = with_names(table, extensions_of(*extensions), users_of(*users), hotlines_of(*hotlines))

    assert_frame_equal(named.select(table.columns), table)
    assert named["target_names"].list.len().to_list() == table["call_targets"].list.len().to_list()
    people = {
        text.strip()
        for row in users
        for text in (row["full_name"], row["short_name"])
        if text and text.strip()
    }
    for name in named["user"].drop_nulls():
        assert name in people or name.rsplit(" (", 1)[0] in people
    legs = names.call_targets_with_users(named)
    assert_frame_equal(legs.drop("user"), et.call_targets(table))
    # A number has the same name in all its rows.
    assert legs.select("target_number", "user").unique()["target_number"].is_unique().all()


@pytest.mark.slow
@examples(80)
@given(calls=_call_rows, extensions=_extension_rows, users=_user_rows)
def test_labels_are_unique_and_do_not_depend_on_the_order(calls: Any, extensions: Any, users: Any):
    named = with_names(calls_of(*calls), extensions_of(*extensions), users_of(*users))

    for by in ("extension_id", "extension_number", "user_id", "target_number"):
        labels = names.labels(named, by)
        assert len(set(labels.values())) == len(labels)
        assert labels == names.labels(named.lazy().reverse(), by)


def test_labels_consist_of_users_and_number():
    calls = calls_of(
        *(
            {"extension_id": each}
            for each in ("1", "1", "2", "3", "4", "5", "5", "5", "5", "6", "7")
        )
    )
    named = calls.with_columns(
        extension_number=pl.Series(
            ["101", "101", "102", None, None, "105", "105", "105", "105", "106", "106"]
        ),
        user=pl.Series(["Bình", "An", None, "Chi", None, "D", "C", "B", "A", "E", "E"]),
    )
    expected = {
        "1": "An / Bình (101)",
        "2": "102",
        "3": "Chi",
        "5": "A / B / C / … (105)",
        "6": "E (106) [6]",
        "7": "E (106) [7]",
    }

    assert names.labels(named, "extension_id") == expected
    assert names.labels(named.reverse().lazy(), "extension_id") == expected
    assert names.labels(named.drop("user"), "extension_id")["5"] == "105"
    assert names.labels(named.drop("extension_number"), "extension_id")["1"] == "An / Bình"
    assert names.labels(named, "extension_number")["105"] == "A / B / C / … (105)"
    assert "102" not in names.labels(named, "extension_number")
    assert (
        names.labels(calls, "extension_id")
        == names.labels(named, "callee")
        == names.labels(named, "target_number")
        == {}
    )


# Optional and invalid arguments.


def rung_leg(number: str, **times: Any) -> dict[str, Any]:
    leg = {name: None for name in CALL_TARGETS_SCHEMA if name not in ("call_id", "target_index")}
    return {**leg, "target_number": number, "ring_duration": 20, **times}


@pytest.mark.parametrize(
    ("call", "department"),
    [
        ({"rung": ["101"]}, "70"),
        ({"rung": ["101", "102", "101"]}, "70"),
        ({"rung": ["103", "101"]}, "70 / 80"),
        ({"rung": ["104"]}, None),
        ({"rung": ["104", "103"]}, "80"),
        ({"rung": []}, None),
        # The extension of a call that nobody answered is one of those that did.
        ({"rung": ["101"], "extension_id": "3", "user_id": "9"}, "70"),
        ({"rung": [], "extension_id": "3", "user_id": "9"}, "80"),
        ({"rung": ["103"], "call_state": "answered", "user_id": "7"}, "70"),
        ({"rung": ["103"], "call_state": "answered", "user_id": "11"}, None),
        # An IVR answered, but nobody did.
        ({"rung": ["103"], "call_state": "answered"}, "80"),
        ({"rung": ["103"], "call_state": None}, "80"),
        ({"rung": ["103"], "direction": "ext_in"}, "80"),
        ({"rung": ["103"], "direction": "ext_out", "user_id": "7"}, "70"),
        ({"rung": ["103"], "direction": "out", "user_id": "7"}, "70"),
        ({"silent": ["103"]}, None),
    ],
)
def test_department_of_a_missed_call_is_that_of_the_extensions_that_rang(
    call: dict[str, Any], department: str | None
):
    extensions = extensions_of(
        *(
            {"id": str(index), "extension_number": f"{100 + index}", "user_id": user}
            for index, user in enumerate(("7", "8", "9", "11"), 1)
        )
    )
    users = users_of(
        {"user_id": "7", "full_name": "An", "department_id": "70"},
        {"user_id": "8", "full_name": "Chi", "department_id": "70"},
        {"user_id": "9", "full_name": "Dung", "department_id": "80"},
        {"user_id": "11", "full_name": "Ha"},
    )
    legs = [rung_leg(number) for number in call.pop("rung", [])]
    legs += [rung_leg(number, ring_duration=0) for number in call.pop("silent", [])]
    row = {"direction": "in", "call_state": "not_answered", "call_targets": legs, **call}
    calls = calls_of({}).with_columns(
        pl.lit(value, dtype=CALL_SCHEMA[name]).alias(name)
        for name, value in row.items()
        if name != "call_targets"
    )
    calls = calls.with_columns(pl.Series("call_targets", [legs], CALL_SCHEMA["call_targets"]))

    assert with_names(calls, extensions, users)["department_id"].to_list() == [department]


def test_each_list_adds_its_own_columns(logs: et.CallLogs, lists: Lists, named: et.CallLogs):
    extensions, users, hotlines = lists
    added = {
        ("extension_number", "target_owners"): logs.with_names(extensions),
        ("user", "department_id"): logs.with_names(users=users),
        ("extension_number", "hotline", "target_owners"): logs.with_names(
            extensions, hotlines=hotlines
        ),
        ("extension_number", "user", "department_id", "target_names", "target_owners"): (
            logs.with_names(extensions, users)
        ),
        (): logs.with_names(),
    }

    for columns, some in added.items():
        assert some.calls.columns == [*CALL_SCHEMA, *columns]
        # The owners have names only with users, and departments of missed calls need both lists.
        other = ["target_owners", *(() if "target_names" in columns else ["department_id"])]
        expected = named.calls.select(some.calls.columns)
        assert_frame_equal(some.calls.drop(other, strict=False), expected.drop(other, strict=False))


def test_with_names_replaces_only_the_columns_of_the_passed_lists(
    logs: et.CallLogs, lists: Lists, named: et.CallLogs
):
    extensions, users, hotlines = lists
    renamed = named.with_names(
        users=users.with_columns(full_name=pl.lit("Ai"), short_name=pl.lit("Ai")).head(1)
    )

    assert renamed.calls.columns == named.calls.columns
    assert renamed.calls["user"].drop_nulls().unique().to_list() == ["Ai"]
    assert_frame_equal(
        renamed.calls.drop("user", "department_id"), named.calls.drop("user", "department_id")
    )
    assert_frame_equal(named.with_names(extensions, users, hotlines).calls, named.calls)
    assert_frame_equal(
        logs.with_names(users=users).with_names(extensions, users, hotlines).calls, named.calls
    )


def test_lists_may_have_integer_ids():
    extensions = pl.DataFrame(
        {"id": [1], "extension_number": [101], "hotline_id": [None], "user_id": [7]}
    )
    users = pl.DataFrame(
        {"user_id": [7], "full_name": ["An"], "short_name": [None], "department_id": [70]}
    )

    named = with_names(calls_of({"extension_id": "1", "targets": ["101"]}), extensions, users)
    assert named.select(NAMES_SCHEMA.keys() - {"hotline_id", "hotline"}).schema["user"] == pl.String
    assert named.select("extension_number", "user", "department_id", "target_names").row(0) == (
        "101",
        "An",
        "70",
        ["An"],
    )


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (
            {"extensions": "list"},
            r"extensions must be a table such as et\.fetch_extensions\(client\) returns; got str",
        ),
        ({"users": pl.LazyFrame({"user_id": ["1"]})}, "got LazyFrame"),
        (
            {"users": pl.DataFrame({"user_id": ["1"]})},
            "no column full_name, short_name, department_id",
        ),
        ({"extensions": users_of()}, "no column id, extension_number, hotline_id"),
        (
            {"extensions": extensions_of().with_columns(id=pl.lit(1.5))},
            "its column id is Float64, not text",
        ),
        ({"hotlines": hotlines_of()}, r"pass extensions too, from et\.fetch_extensions"),
    ],
)
def test_invalid_list_is_an_error(lists: dict[str, Any], message: str, logs: et.CallLogs):
    with pytest.raises(InputError, match=message):
        logs.with_names(**lists)


# Snapshots.


def test_snapshot_contains_the_names(named: et.CallLogs, tmp_path: Path):
    restored = et.read_snapshot(et.write_snapshot(named, tmp_path / "week"))

    assert_frame_equal(restored.calls, named.calls)
    assert_frame_equal(restored.call_targets, named.call_targets)
    assert repr(restored) == repr(named)


def test_names_add_one_file_to_a_snapshot(logs: et.CallLogs, named: et.CallLogs, tmp_path: Path):
    """So a version of this package without names can read it."""
    bare, full = (
        et.write_snapshot(logs, tmp_path / "bare"),
        et.write_snapshot(named, tmp_path / "full"),
    )

    assert {path.name for path in full.iterdir()} - {path.name for path in bare.iterdir()} == {
        "names.parquet"
    }
    for name in ("calls.parquet", "call_targets.parquet"):
        assert (full / name).read_bytes() == (bare / name).read_bytes()
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (bare, full)]
    assert manifests[0]["schema_version"] == manifests[1]["schema_version"]
    assert "names" not in json.dumps(manifests[0]["files"])
    assert manifests[1]["rows"]["names"] == named.calls.height


def test_modified_names_file_is_an_error(named: et.CallLogs, tmp_path: Path):
    folder = et.write_snapshot(named, tmp_path / "week")
    named.calls.select("user").head(3).write_parquet(folder / "names.parquet")

    with pytest.raises(et.errors.SnapshotError, match=r"names\.parquet was modified"):
        et.read_snapshot(folder)
    (folder / "names.parquet").unlink()
    with pytest.raises(et.errors.SnapshotError, match=r"names\.parquet is missing"):
        et.read_snapshot(folder)


def test_snapshot_may_contain_some_of_the_names(logs: et.CallLogs, lists: Lists, tmp_path: Path):
    some = logs.with_names(users=lists[1])

    assert_frame_equal(
        et.read_snapshot(et.write_snapshot(some, tmp_path / "week")).calls, some.calls
    )


# Measures by name.


@pytest.mark.slow
@pytest.mark.parametrize("by", JOINED)
def test_call_measures_by_name_agree_with_sql(by: str, named: et.CallLogs, tmp_path: Path):
    table = et.summarize(named.calls, [by], ["calls", "offered", "answered"])
    call_facts = facts(named.calls)
    query = f"""
        SELECT {by}, count(*) FILTER (calls), count(*) FILTER (offered), count(*) FILTER (answered)
        FROM {{call_facts}} GROUP BY {by} ORDER BY {by} NULLS LAST
    """  # noqa: S608

    assert table.rows() == sql(query, tmp_path, call_facts=call_facts)
    assert call_facts.height == named.calls.height
    assert table["calls"].sum() == named.calls.height - call_facts["internal_twice"].sum()


@pytest.mark.parametrize("by", ["extension_number", "user", "department_id"])
def test_offers_by_name_are_those_of_their_owner(by: str, named: et.CallLogs):
    table = et.summarize(named.calls, [by], "offers")
    owners = (
        named.calls.select(call_id="id", owner="target_owners")
        .with_columns(target_index=pl.int_ranges(pl.col("owner").list.len(), dtype=pl.Int32))
        .explode("owner", "target_index", empty_as_null=False, keep_nulls=False)
        .unnest("owner")
    )
    offers = (
        et.metrics.offers(named.calls)
        .filter(pl.col("kind") == "person", pl.col("outcome") != "in_progress")
        .join(owners, on=["call_id", "target_index"], how="left")
    )
    expected = offers.group_by(by).agg(offers=pl.len().cast(pl.Int64))

    assert expected[by].drop_nulls().len() > 0
    assert_frame_equal(table.filter(pl.col("offers") > 0), expected.sort(by, nulls_last=True))


def test_lazy_calls_and_selections_have_names(named: et.CallLogs):
    expected = et.summarize(named.calls, ["user", "hour"], ["offered", "offers"])

    assert_frame_equal(
        et.summarize(named.calls.lazy(), ["user", "hour"], ["offered", "offers"]).collect(),
        expected,
    )
    assert_frame_equal(
        et.summarize(Selection(named.calls), ["user", "hour"], ["offered", "offers"])
        .lazy()
        .collect(),
        expected,
    )


@pytest.mark.parametrize("by", JOINED)
def test_error_without_names_suggests_with_names(by: str, logs: et.CallLogs):
    for calls in (logs.calls, logs.calls.lazy(), Selection(logs.calls)):
        with pytest.raises(
            InputError,
            match=rf"carry no {by}: join it with logs\.with_names\(extensions, users, hotlines\)",
        ):
            et.summarize(calls, [by], ["offered"])


def test_misspelled_name_dimension_has_a_suggestion(named: et.CallLogs):
    with pytest.raises(UnknownName, match="extension_number"):
        et.summarize(named.calls, ["extension_numbers"], ["offered"])


def test_documentation_lists_the_name_dimensions():
    page = Path(__file__).parent.parent / "docs" / "measures.md"
    section = page.read_text(encoding="utf-8").split("## Dimensions")[1].split("\n## ")[0]

    assert all(f"`{name}`" in section for name in NAME_DIMENSIONS)


def test_with_names_does_not_modify_the_logs(named: et.CallLogs, lists: Lists):
    with pytest.raises(dataclasses.FrozenInstanceError):
        named.calls = named.calls.head(1)  # type: ignore[misc]
    before = named.calls.clone()
    named.with_names(lists[0].head(1), lists[1].head(1))
    assert_frame_equal(named.calls, before)
