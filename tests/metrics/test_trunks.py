"""Leg measures match hand-written cases and SQL, and every fail code has a meaning and a side."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle as sql
from support.call_cases import call, frame, leg, talk
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MEASURES, summarize
from etelecom_analytics.metrics.trunks import SIDES, SIP_CLASSES, SIP_CODES, fail_codes, sip_code

LEG_MEASURES = [name for name, measure in MEASURES.items() if measure.grain == "legs"]

OUT = "0900000002"
TEN_LEGS = (
    # Trunk A fails within 1 s. B rings after 2 s and is answered.
    call(
        "failover",
        leg(OUT, 0, code=503, ended=1, trunk="A"),
        leg(OUT, 1, 3, 8, 60, status="ANSWERED", trunk="B"),
        state="answered",
        ended=60,
    ),
    # 486: the other side was reached, with or without a ring. It rang after 4 s.
    call("busy", leg(OUT, 0, 4, None, 5, code=486, trunk="B"), ended=5),
    # 480 without a ring was reached, 404 was not. 480 after a ring is a ring no answer.
    call(
        "off",
        leg(OUT, 0, code=480, ended=2, trunk="A"),
        leg(OUT, 3, code=404, ended=4, trunk="A"),
        ended=30,
    ),
    call("rang off", leg(OUT, 0, 1, None, 20, rings=19, code=480, trunk="A"), ended=30),
    # The caller hangs up, during the ring (clocks differ by 1 s) and before it.
    call("gave up", leg(OUT, 1, 0, None, 9, code=487, trunk="A"), ended=9),
    call("early", leg(OUT, 0, code=487, ended=3, trunk="B"), ended=3),
    # 408 without a ring is a network failure. Without a code, the outcome is other.
    call(
        "lost",
        leg(OUT, 0, code=408, ended=3, trunk="A"),
        leg(OUT, 0, code=None, ended=3, trunk="A"),
        ended=30,
    ),
    # These do not count: a leg to a phone, and a running call.
    call("in", talk("101", 0, 5, 30), state="answered", ended=30, duration=25),
    call("now", leg(OUT, 0, 1, 2, None, trunk="A")),
)

TEN_LEGS_BY_TRUNK: dict[str, dict[str, float | None]] = {
    # Of 503, 480, 404, 480 after a ring, 487, 408 and no code, both 480 and 487 were reached.
    "A": {
        "trunk_legs": 7,
        "asr": 0,
        "abr": 0,
        "aloc_s": None,
        "ner": 3 / 7,
        "post_dial_delay_avg_s": 1,
        "post_dial_delay_p90_s": 1,
    },
    # Answered, busy, caller gave up. Two legs rang, after 2 s and 4 s.
    "B": {
        "trunk_legs": 3,
        "asr": 1 / 3,
        "abr": 1 / 3,
        "aloc_s": 52,
        "ner": 1,
        "post_dial_delay_avg_s": 3,
        "post_dial_delay_p90_s": 3.8,
    },
}


def approximately(rows: dict[str, dict[str, float | None]]) -> dict[str, Any]:
    return {name: pytest.approx(row) for name, row in rows.items()}


def by_trunk(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row.pop("trunk_name"): row for row in rows}


def test_leg_measures_of_ten_legs():
    assert by_trunk(
        summarize(frame(*TEN_LEGS), ["trunk_name"], LEG_MEASURES).to_dicts()
    ) == approximately(TEN_LEGS_BY_TRUNK)


def test_leg_measures_match_sql(tmp_path: Path):
    frame(*TEN_LEGS).write_parquet(tmp_path / "calls.parquet")

    assert by_trunk(sql.leg_measures(tmp_path / "calls.parquet", "trunk_name")) == approximately(
        TEN_LEGS_BY_TRUNK
    )


def test_trunk_legs_by_outcome():
    table = summarize(frame(*TEN_LEGS), ["outcome"], ["trunk_legs", "ner"])

    assert table.rows() == [
        ("answered", 1, 1),
        ("busy_or_rejected", 1, 1),
        ("caller_gave_up", 2, 1),
        ("rna_timeout", 1, 1),
        ("unreachable", 2, 0.5),
        ("network", 2, 0),
        ("other", 1, 0),
    ]


def test_no_legs_give_zero_counts_and_null_rates():
    expected = (0, *[None] * (len(LEG_MEASURES) - 1))

    assert LEG_MEASURES[0] == "trunk_legs"
    assert summarize(frame(), measures=LEG_MEASURES).row(0) == expected
    no_trunk = frame(TEN_LEGS[-1], TEN_LEGS[-2])
    assert summarize(no_trunk, measures=LEG_MEASURES).row(0) == expected


def test_offers_count_on_their_last_trunk_and_legs_on_each():
    """The call that moved from A to B is one offer, of B, and one leg of each trunk."""
    table = summarize(
        frame(*TEN_LEGS), ["trunk_name"], ["offers", "answered_offers", "trunk_legs", "asr"]
    )

    assert table.rows() == [
        ("A", 0, 0, 7, 0),
        ("B", 0, 0, 3, pytest.approx(1 / 3)),
        (None, 1, 1, 0, None),
    ]


def test_call_measures_cannot_be_grouped_by_trunk():
    with pytest.raises(InputError, match="asr"):
        summarize(frame(*TEN_LEGS), ["trunk_name"], ["calls", "asr"])


def test_a_share_of_legs_has_an_interval():
    row = summarize(frame(*TEN_LEGS), measures=["ner"], confidence=True).row(0, named=True)

    assert (row["ner_num"], row["ner_den"], row["ner"]) == (6, 10, 0.6)
    assert 0.3 < row["ner_low"] < 0.6 < row["ner_high"] < 0.9


@pytest.mark.slow
@examples(25)
@given(positions=st.lists(st.integers(0, 1499), unique=True, max_size=120))
def test_asr_is_at_most_ner(positions: list[int], calls: pl.DataFrame):
    some = calls[positions]
    table = summarize(some, ["trunk_name"], ["trunk_legs", "asr", "ner"])
    whole = summarize(some, measures=["trunk_legs"]).item()

    assert table.filter(pl.col("asr") > pl.col("ner")).is_empty()
    assert table["trunk_legs"].sum() == whole
    ended = et.call_targets(some.filter(pl.col("ended_at").is_not_null()))
    assert whole == ended["trunk_name"].count()


# Fail codes.


def test_fail_codes_of_ten_legs_by_trunk():
    table = fail_codes(frame(*TEN_LEGS))

    assert table.columns == [
        *("trunk_name", "fail_code", "legs"),
        *("share", "share_num", "share_den", "share_low", "share_high"),
        *("meaning", "side"),
    ]
    assert table.select("trunk_name", "fail_code", "legs", "side").rows() == [
        ("A", 480, 2, "callee"),
        ("A", 404, 1, "number"),
        ("A", 408, 1, "carrier"),
        ("A", 487, 1, "caller"),
        ("A", 503, 1, "carrier"),
        ("A", None, 1, "unknown"),
        ("B", 0, 1, "none"),
        ("B", 486, 1, "callee"),
        ("B", 487, 1, "caller"),
    ]
    assert table["share"].to_list() == [
        pytest.approx(legs / total)
        for legs, total in zip(table["legs"], [7] * 6 + [3] * 3, strict=True)
    ]
    assert table["meaning"][0].startswith("Temporarily Unavailable: ")
    assert table.filter(fail_code=0)["meaning"].item() == "none"
    assert table.filter(pl.col("fail_code").is_null())["meaning"].item() == "not reported"


def test_fail_codes_of_all_trunks_match_a_python_count(calls: pl.DataFrame):
    legs = et.call_targets(calls.filter(pl.col("ended_at").is_not_null())).filter(
        pl.col("trunk_name").is_not_null()
    )
    table = fail_codes(calls, [])

    assert dict(table.select("fail_code", "legs").iter_rows()) == Counter(legs["fail_code"])
    assert table["legs"].is_sorted(descending=True)
    assert table["share"].sum() == pytest.approx(1)
    for code, meaning, side in table.select("fail_code", "meaning", "side").iter_rows():
        assert (meaning, side) == (sip_code(code).meaning, sip_code(code).side)


def test_fail_codes_by_outcome():
    table = fail_codes(frame(*TEN_LEGS), ["trunk_name", "outcome"])

    assert table.filter(trunk_name="A", fail_code=480).select(
        "outcome", "legs", "share"
    ).rows() == [
        ("rna_timeout", 1, 1),
        ("unreachable", 1, 0.5),
    ]


def test_fail_codes_of_lazy_frames_and_other_row_orders(calls: pl.DataFrame):
    expected = fail_codes(calls, ["trunk_name", "hour"])

    lazy = fail_codes(calls.lazy(), ["trunk_name", "hour"])
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), expected)
    assert_frame_equal(lazy.collect(engine="streaming"), expected)
    assert_frame_equal(fail_codes(calls.reverse(), ["trunk_name", "hour"]), expected)


def test_no_calls_have_no_codes_but_the_same_schema(calls: pl.DataFrame):
    for empty in (calls.clear(), calls.clear(2)):
        assert fail_codes(empty).is_empty()
        assert fail_codes(empty).schema == fail_codes(calls).schema


@pytest.mark.parametrize(
    ("by", "error", "message"),
    [
        (3, InputError, "by is a name"),
        (["trunk"], UnknownName, "trunk_name"),
        (["fail_code"], InputError, "leave it out"),
        (["hotline"], InputError, "with_names"),
    ],
)
def test_invalid_dimensions_raise_helpful_errors(
    by: Any, error: type[Exception], message: str, calls: pl.DataFrame
):
    with pytest.raises(error, match=message):
        fail_codes(calls, by)


def test_every_code_of_rfc_3261_has_its_reason_phrase():
    """All 4xx, 5xx and 6xx codes of section 25.1."""
    phrases = {
        400: "Bad Request",
        401: "Unauthorized",
        402: "Payment Required",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        406: "Not Acceptable",
        407: "Proxy Authentication Required",
        408: "Request Timeout",
        410: "Gone",
        413: "Request Entity Too Large",
        414: "Request-URI Too Long",
        415: "Unsupported Media Type",
        416: "Unsupported URI Scheme",
        420: "Bad Extension",
        421: "Extension Required",
        423: "Interval Too Brief",
        480: "Temporarily Unavailable",
        481: "Call/Transaction Does Not Exist",
        482: "Loop Detected",
        483: "Too Many Hops",
        484: "Address Incomplete",
        485: "Ambiguous",
        486: "Busy Here",
        487: "Request Terminated",
        488: "Not Acceptable Here",
        491: "Request Pending",
        493: "Undecipherable",
        500: "Server Internal Error",
        501: "Not Implemented",
        502: "Bad Gateway",
        503: "Service Unavailable",
        504: "Server Time-out",
        505: "Version Not Supported",
        513: "Message Too Large",
        600: "Busy Everywhere",
        603: "Decline",
        604: "Does Not Exist Anywhere",
        606: "Not Acceptable",
    }

    assert {code: sip_code(code).meaning.split(": ")[0] for code in phrases} == phrases


@pytest.mark.slow
@given(code=st.none() | st.integers(-1000, 2000))
def test_every_code_has_a_meaning_and_a_side(code: int | None):
    sip = sip_code(code)

    assert sip.meaning
    assert sip.side in SIDES
    (row,) = fail_codes(
        frame(call("1", leg(OUT, 0, code=code, ended=1, trunk="A"), ended=2)), []
    ).to_dicts()
    assert (row["meaning"], row["side"]) == (sip.meaning, sip.side)


def test_every_meaning_fits_on_one_line_of_a_chart():
    codes = [*SIP_CODES.values(), *SIP_CLASSES.values(), sip_code(None), sip_code(1000)]

    assert max(len(f"{code.side}: {code.meaning}") for code in codes) <= 85


def test_sides_match_outcomes():
    """Busy or rejected is the callee's side, a server failure the carrier's."""
    assert {SIP_CODES[code].side for code in (486, 600, 603)} == {"callee"}
    assert {sip_code(code).side for code in range(500, 600)} == {"carrier"}
    assert sip_code(499) == SIP_CLASSES[4]
    assert sip_code(699) == SIP_CLASSES[6]
    assert sip_code(17).side == "unknown"
