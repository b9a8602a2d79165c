"""Costs: the vectors, carriers by prefix, and the same sums by Decimal and by DuckDB."""

from decimal import Decimal
from math import ceil
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.call_cases import call, frame
from support.random_calls import random_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics.carriers import carrier_of

MIXED = et.Tariff(per_second={"viettel": "7.5", "default": "13.4"}, per_minute={"mobifone": 450})

GROUPS = {
    "mobifone": "089 090 093 070 076 077 078 079",
    "vinaphone": "088 091 094 081 082 083 084 085",
    "viettel": "086 096 097 098 032 033 034 035 036 037 038 039",
    "other": "087 055 052 056 058 092 059 099 031 071 075 080 095 024 028 019",
}


def outgoing(
    call_id: str, callee: str | None = "0912345678", seconds: int | None = 61, **more: Any
):
    state = more.pop("state", "answered")
    record = call(call_id, state=state, direction="out", ended=9, duration=seconds)
    return record | {"callee": callee} | more


@pytest.mark.parametrize(
    ("prices", "seconds", "vnd"),
    [
        ({"per_second": {"default": 7.5}}, 61, 458),
        ({"per_second": {"default": "13.4"}}, 61, 818),
        ({"per_second": {"default": Decimal("7.5")}}, 1, 8),
        ({"per_second": {"default": 13.4}}, 1, 14),
        ({"per_minute": {"default": 450}}, 61, 900),
        ({"per_minute": {"default": 800}}, 61, 1600),
        ({"per_minute": {"default": 450}}, 1, 450),
        ({"per_minute": {"default": 800}}, 1, 800),
        # 60 * 13.4 is 804.0000000000001 in floats.
        ({"per_second": {"default": 13.4}}, 60, 804),
        ({"per_second": {"default": 7.5}}, 0, 0),
        ({"per_minute": {"default": 450}}, 60, 450),
    ],
)
def test_vectors(prices, seconds, vnd):
    tariff = et.Tariff(**prices)
    for argument in (tariff, prices):
        table = et.metrics.call_costs(frame(outgoing("1", seconds=seconds)), argument)
        assert table["cost_vnd"].to_list() == [vnd]
    assert tariff.fee("vinaphone", seconds) == vnd


def test_carriers_by_prefix():
    for carrier, prefixes in GROUPS.items():
        for prefix in prefixes.split():
            numbers = pl.Series("n", [f"{prefix}1234567", f"+84 {prefix[1:]} 123 4567"])
            assert (
                numbers.to_frame().select(carrier_of(pl.col("n")))["n"].to_list() == [carrier] * 2
            ), prefix


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("01681234567", "viettel"),  # 0168 became 038
        ("0901", "other"),
        ("+14155550100", "other"),
        (None, None),
        ("", None),
        (et.mask_numbers(frame(outgoing("1")))["callee"][0], None),
    ],
)
def test_carriers_of_other_numbers(number, carrier):
    table = pl.DataFrame({"n": [number]}, schema={"n": pl.String})
    assert table.select(carrier_of(pl.col("n"))).item() == carrier


def test_what_is_charged():
    calls = frame(
        outgoing("P"),
        outgoing("N", state="not_answered"),
        outgoing("null", call_status=None),
        outgoing("nobody", callee=None),
        outgoing("no duration", seconds=None),
        outgoing("negative", seconds=-1),
        call("in", state="answered", ended=9, duration=61),
    )
    table = et.metrics.call_costs(calls, MIXED)

    assert table.select("call_id", "charged", "cost_vnd").rows() == [
        ("P", True, 818),
        ("N", False, 0),
        ("null", False, 0),
        ("nobody", True, None),
        ("no duration", True, None),
        ("negative", True, None),
    ]
    assert et.metrics.cost(calls, MIXED).row(0) == (6, 4, 3, 61, 818, 818.0)


def test_free_hotlines_cost_nothing():
    calls = frame(outgoing("1"), outgoing("2"), outgoing("3"))
    tariff = et.Tariff(per_minute={"default": 450}, free_hotlines=["19001000"])
    named = calls.with_columns(hotline=pl.Series(["19001000", "19002000", None]))

    table = et.metrics.cost(named, tariff, "hotline")
    assert table.select("hotline", "charged_calls", "cost_vnd").rows() == [
        ("19001000", 0, 0),
        ("19002000", 1, 900),
        (None, 1, 900),
    ]
    with pytest.raises(InputError, match="carry no hotline"):
        et.metrics.cost(calls, tariff)
    assert "19001000" not in repr(tariff)


def test_no_calls_and_all_groups():
    empty = et.metrics.cost(frame(), MIXED)
    assert empty.rows() == [(0, 0, 0, 0, 0, None)]
    assert et.metrics.cost(frame(), MIXED, ["carrier", "day"]).is_empty()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "no price for viettel, mobifone, vinaphone, other"),
        ({"per_second": {"viettel": 1}}, "no price for mobifone, vinaphone, other"),
        ({"per_second": {"default": 1}, "per_minute": {"default": 1}}, "default has a price in"),
        ({"per_second": {"default": -1}}, "from 0 to 100,000"),
        ({"per_second": {"default": "7,5"}}, "from 0 to 100,000"),
        ({"per_second": {"default": float("nan")}}, "from 0 to 100,000"),
        ({"per_second": {"default": "inf"}}, "from 0 to 100,000"),
        ({"per_second": {"default": True}}, "from 0 to 100,000"),
        ({"per_second": {"default": None}}, "from 0 to 100,000"),
        ({"per_second": {"default": "7.12345"}}, "at most 4 decimals"),
        ({"per_second": 7.5}, "per_second is a mapping"),
        ({"per_second": {"default": 1}, "free_hotlines": "1900"}, "free_hotlines is a list"),
    ],
)
def test_wrong_tariffs_are_refused_in_one_sentence(arguments, words):
    for make in (lambda: et.Tariff(**arguments), lambda: et.metrics.cost(frame(), arguments)):
        with pytest.raises(InputError, match=words) as caught:
            make()
        assert "\n" not in str(caught.value)


def test_unknown_names():
    with pytest.raises(UnknownName, match="viettel"):
        et.Tariff(per_second={"vietel": 1, "default": 1})
    with pytest.raises(UnknownName, match="per_second"):
        et.metrics.cost(frame(), {"per_secund": {"default": 1}})
    with pytest.raises(InputError, match="tariff is a Tariff"):
        et.metrics.cost(frame(), 7.5)
    with pytest.raises(UnknownName):
        et.metrics.cost(frame(), MIXED, "carriers")


def test_a_tariff_is_a_value():
    namespace: dict[str, Any] = {"et": et}
    exec(MIXED.code(), namespace)  # noqa: S102  # our own code
    assert namespace["tariff"] == MIXED == et.Tariff(**MIXED.to_dict())
    assert et.Tariff(per_minute={"default": "1e3"}).to_dict() == {"per_minute": {"default": "1000"}}


PRICES = st.decimals(0, 100_000, places=4, allow_nan=False)


@given(
    seconds=st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 200), min_size=1, max_size=5),
    price=PRICES,
    unit=st.sampled_from([1, 60]),
)
def test_any_price_and_duration_as_by_decimal(seconds, price, unit):
    name = {1: "per_second", 60: "per_minute"}[unit]
    tariff = et.Tariff(**{name: {"default": price}})
    calls = frame(*(outgoing(str(n), seconds=each) for n, each in enumerate(seconds)))
    expected = [ceil(Decimal(ceil(Decimal(each) / unit)) * price) for each in seconds]

    assert et.metrics.call_costs(calls, tariff)["cost_vnd"].to_list() == expected
    assert [tariff.fee("other", each) for each in seconds] == expected
    assert et.metrics.cost(calls, tariff)["cost_vnd"].item() == sum(expected)


@pytest.mark.parametrize("by", [[], ["carrier"], ["extension_id", "carrier"], ["day", "user_id"]])
def test_sums_as_by_duckdb(by):
    parts = (random_calls(300, seed=5), et.simulate_calls(400, preset="full").calls)
    columns = [name for name in parts[0].columns if name in parts[1].columns]
    calls = pl.concat([part.select(columns) for part in parts])
    flat = calls.select(
        "direction", "call_status", "duration", "extension_id", "user_id", "started_at",
        n=et.normalize_phone_number(pl.col("callee")), raw="callee",
    ).with_columns(pl.col("direction", "call_status").cast(pl.String))  # fmt: skip
    keys = ", ".join(by) or "1"
    prefixes = {name: "|".join(GROUPS[name].split()) for name in GROUPS}
    expected = duckdb.sql(f"""
        WITH priced AS (
            SELECT *, CAST(timezone('Asia/Ho_Chi_Minh', started_at) AS DATE) AS day,
                CASE
                    WHEN trim(raw) = '' OR raw IS NULL THEN NULL
                    WHEN regexp_full_match(n, '({prefixes["viettel"]})[0-9]{{7}}') THEN 'viettel'
                    WHEN regexp_full_match(n, '({prefixes["mobifone"]})[0-9]{{7}}') THEN 'mobifone'
                    WHEN regexp_full_match(n, '({prefixes["vinaphone"]})[0-9]{{7}}')
                        THEN 'vinaphone'
                    ELSE 'other'
                END AS carrier
            FROM flat WHERE direction = 'out'
        ), costs AS (
            SELECT *, CASE
                WHEN carrier IS NULL OR duration IS NULL OR duration < 0 THEN NULL
                WHEN carrier = 'viettel' THEN ceil(duration * 7.5::DECIMAL(18, 4))
                WHEN carrier = 'mobifone' THEN ((duration + 59) // 60) * 450
                ELSE ceil(duration * 13.4::DECIMAL(18, 4))
            END AS vnd
            FROM priced
        )
        SELECT {keys}, count(*), count(*) FILTER (call_status = 'P'),
            count(*) FILTER (call_status = 'P' AND vnd IS NULL),
            coalesce(sum(vnd) FILTER (call_status = 'P'), 0)::BIGINT
        FROM costs GROUP BY {keys}
    """).fetchall()  # noqa: S608  # our own names
    columns = ["calls", "charged_calls", "unpriced_calls", "cost_vnd"]
    table = et.metrics.cost(calls, MIXED, by).select(*by, *columns)

    assert flat.height >= 700
    assert sorted(map(str, table.rows())) == sorted(str(row if by else row[1:]) for row in expected)


def test_lazy_calls_and_selections():
    calls = et.sample_logs().calls
    expected = et.metrics.cost(calls, MIXED, ["carrier", "hour"])

    assert expected["calls"].sum() == (calls["direction"] == "out").sum()
    for table in (calls.lazy(), et.metrics.Selection(calls)):
        assert_frame_equal(
            et.metrics.cost(table, MIXED, ["carrier", "hour"]).lazy().collect(), expected
        )
