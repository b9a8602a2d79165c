"""Masks and pseudonyms hide all external phone numbers, and the key is never shown."""

import copy
import hashlib
import hmac
import json
import pickle
import stat
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.parsing.records import SetAside
from etelecom_analytics.phone_numbers import normalize, pseudonym
from etelecom_analytics.schema import CALL_SCHEMA

KEY = "a key of the tests, 0123456789"
OTHER_KEY = "another key of the tests, 0123456789"


def calls_with(*numbers: str | None) -> pl.DataFrame:
    legs = [[{"target_number": number}] if number else [] for number in numbers]
    rows = [
        {"caller": number, "callee": number, "call_targets": targets}
        for number, targets in zip(numbers, legs, strict=True)
    ]
    return pl.DataFrame(
        rows, schema={name: CALL_SCHEMA[name] for name in ("caller", "callee", "call_targets")}
    )


def numbers_of(calls: pl.DataFrame) -> list[str | None]:
    targets = calls["call_targets"].explode().struct.field("target_number").drop_nulls()
    return [*calls["caller"], *calls["callee"], *targets]


@pytest.fixture(scope="module")
def simulated(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.with_columns(note=pl.lit("rang from 0900000001"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("0900000001", "090*****01"),
        ("+84 900 000 001", "090*****01"),
        ("02473000123", "024******23"),
        ("19000123", "190***23"),
        ("+14155550100", "+14*******00"),
        ("1001", "1001"),
        ("*98", "*98"),
        ("anonymous", "anonymous"),
        ("", ""),
        (None, None),
        ("900001", "***"),
        ("Jane Doe", "***"),
        ("sip:0900000001@host", "090*****01"),
    ],
)
def test_mask_numbers_hides_numbers_but_not_extensions(number: str | None, masked: str | None):
    hidden = et.mask_numbers(calls_with(number))

    assert hidden["caller"].to_list() == [masked]
    assert set(numbers_of(hidden)) <= {masked}
    assert_frame_equal(et.mask_numbers(hidden), hidden)


def test_all_external_numbers_are_hidden(simulated: pl.DataFrame):
    external = {number for number in numbers_of(simulated) if number and len(number) > 5}
    assert len(external) > 100

    for hidden in (et.mask_numbers(simulated), et.pseudonymize(simulated, KEY)):
        assert not external & set(numbers_of(hidden))
        assert hidden.schema == simulated.schema
        is_extension = pl.col("caller", "callee").str.len_chars() <= 5
        assert (
            hidden.select(pl.col("caller", "callee").filter(is_extension).count()).rows()
            == simulated.select(pl.col("caller", "callee").filter(is_extension).count()).rows()
        )


@pytest.mark.slow
@given(numbers=st.lists(st.text("0123456789+ -", min_size=1, max_size=16), max_size=6))
def test_pseudonyms_are_unique_per_normalized_number(
    numbers: Sequence[str],
):
    hidden = et.pseudonymize(calls_with(*numbers), KEY)["caller"].to_list()
    pairs = {
        (normalize(number), word)
        for number, word in zip(numbers, hidden, strict=True)
        if word not in (number, "***")
    }

    assert len(pairs) == len({number for number, _ in pairs}) == len({word for _, word in pairs})
    assert all(word == pseudonym(number, KEY.encode()) for number, word in pairs)


@pytest.mark.parametrize(
    ("number", "word"),
    [
        ("0900000001", "x0idekecfjffamcfjddgll"),
        ("+84 900 000 001", "x0idekecfjffamcfjddgll"),
        ("19000123", "x0bpglmjhlfkfkaiplcaal"),
    ],
)
def test_pseudonyms_stay_the_same_across_versions(number: str, word: str):
    """They are computed here once more from their definition: 80 bits of HMAC-SHA256."""
    national = number if number == "19000123" else "0900000001"
    digest = hmac.new(KEY.encode(), f"number {national}".encode(), hashlib.sha256).hexdigest()
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:20])

    assert pseudonym(number, KEY.encode()) == word == f"x0{letters}"
    assert et.pseudonymize(calls_with(number), KEY)["caller"].item() == word


def test_pseudonym_is_the_same_in_all_columns_and_depends_on_the_key():
    one = et.pseudonymize(calls_with("0900000001", "+84900000001"), KEY)
    other = et.pseudonymize(calls_with("0900000001"), OTHER_KEY.encode())

    assert len(set(numbers_of(one))) == 1
    assert not set(numbers_of(one)) & set(numbers_of(other))
    assert et.pseudonymize(calls_with("Jane Doe"), KEY)["caller"].to_list() == ["***"]
    assert et.mask_numbers(one)["caller"].to_list() == ["***", "***"]


@pytest.mark.slow
def test_pseudonyms_do_not_change_measures(
    simulated: pl.DataFrame, simulation: et.simulator.Simulation
):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    hidden = et.Privacy(numbers="pseudonymized", key=KEY).apply(simulated)
    names = [
        "offered",
        "answer_rate",
        "asa_s",
        "recording_coverage",
        "offers",
        "fair_answer_rate",
        "busy_offers",
    ]

    assert_frame_equal(
        et.summarize(hidden, measures=names, options=options),
        et.summarize(simulated, measures=names, options=options),
    )
    masked = et.mask_numbers(simulated)
    assert_frame_equal(
        et.metrics.legs(masked, options=options).select("kind"),
        et.metrics.legs(simulated, options=options).select("kind"),
    )
    assert_frame_equal(et.metrics.repeat_rate(hidden), et.metrics.repeat_rate(simulated))
    ledger, expected = (
        et.metrics.missed_ledger(calls).drop("caller", "callee", "number")
        for calls in (hidden, simulated)
    )
    assert_frame_equal(ledger, expected, check_row_order=False)


def test_keep_applies_to_all_notations():
    calls = calls_with("19000123", "8419000123", "0900000001")

    for hidden in (
        et.mask_numbers(calls, keep=["19000123"]),
        et.pseudonymize(calls, KEY, keep=["19000123"]),
    ):
        assert hidden["caller"].to_list()[:2] == ["19000123", "8419000123"]
        assert "0900000001" not in numbers_of(hidden)


@pytest.mark.slow
def test_lazy_empty_and_other_frames_are_supported(simulated: pl.DataFrame):
    for hide in (et.mask_numbers, lambda calls: et.pseudonymize(calls, KEY), et.Privacy().apply):
        assert_frame_equal(hide(simulated.lazy()).collect(), hide(simulated))
        assert hide(simulated.clear()).schema == simulated.schema
    legs = et.call_targets(simulated)
    for hide in (et.mask_numbers, lambda calls: et.pseudonymize(calls, KEY)):
        assert_frame_equal(hide(legs), et.call_targets(hide(simulated)))
        assert_frame_equal(hide(simulated.select("id")), simulated.select("id"))


def test_notes_and_recordings_are_kept_or_dropped(simulated: pl.DataFrame):
    unchanged = et.Privacy(numbers="kept", notes="kept", recordings="kept")
    dropped = et.Privacy(numbers="kept").apply(simulated)

    assert_frame_equal(unchanged.apply(simulated), simulated)
    assert dropped["note"].null_count() == dropped.height
    assert set(dropped["recording_urls"].explode().drop_nulls()) == {"withheld"}
    assert_frame_equal(
        dropped.drop("note", "recording_urls"), simulated.drop("note", "recording_urls")
    )


@pytest.mark.parametrize(
    ("links", "kept"),
    [
        ([""], [""]),
        ([None], [None]),
        ([], []),
        (None, None),
        (["", "https://example.com/1.mp3", None], ["", "withheld", None]),
        (["https://example.com/1.mp3"], ["withheld"]),
    ],
)
def test_a_blank_recording_link_does_not_become_withheld(
    links: list[str | None] | None, kept: list[str | None] | None
):
    """A call without a recording must not look as if it had one."""
    answered = et.sample_logs().calls.filter(call_state="answered", direction="out").head(1)
    calls = answered.with_columns(recording_urls=pl.lit(links, pl.List(pl.String)))
    hidden = et.Privacy().apply(calls)

    assert hidden["recording_urls"].to_list() == [kept]
    coverage = [
        et.summarize(table, measures=["recording_coverage"]).item() for table in (hidden, calls)
    ]
    assert coverage == [float("https://example.com/1.mp3" in (links or []))] * 2


@pytest.mark.parametrize("key", ["", "short", b"short", 17, None])
def test_short_key_is_an_error(key: object):
    with pytest.raises(InputError, match=r"[Kk]ey"):
        et.Privacy(numbers="pseudonymized", key=key)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="token_hex"):
        et.pseudonymize(calls_with("0900000001"), key)  # type: ignore[arg-type]


def test_invalid_options_are_errors():
    with pytest.raises(UnknownName, match="masked"):
        et.Privacy(numbers="mask")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="only then"):
        et.Privacy(key=KEY)
    with pytest.raises(InputError, match="own_numbers"):
        et.Privacy(own_numbers="19000123")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="keep"):
        et.mask_numbers(calls_with(), keep="19000123")


def test_key_is_never_shown():
    privacy = et.Privacy(numbers="pseudonymized", key=KEY)

    assert KEY not in repr(privacy) + str(privacy) + json.dumps(privacy.to_dict())
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(privacy)
    assert copy.deepcopy(privacy) == copy.copy(privacy) == privacy
    try:
        et.pseudonymize(None, KEY)  # type: ignore[type-var]
    except InputError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [
            frame
            for frame in trace.stack
            if "etelecom_analytics/" in frame.filename and "tests/" not in frame.filename
        ]
        assert frames
        assert not any(KEY in value for frame in frames for value in (frame.locals or {}).values())


# Snapshots.


@pytest.fixture
def logs(client: et.Client) -> et.CallLogs:
    return et.fetch_calls(client, et.CallQuery(date_from="2026-11-03", date_to="2026-11-05"))


@pytest.mark.parametrize("numbers", ["masked", "pseudonymized"])
def test_private_snapshot_has_no_number_note_link_or_key(
    numbers: str, logs: et.CallLogs, tmp_path: Path
):
    caller = max(logs.calls["caller"].drop_nulls(), key=len)
    logs = replace(
        logs,
        query=replace(logs.query, call_number=caller),
        calls=logs.calls.with_columns(note=pl.lit("a secret")),
        report=replace(logs.report, set_aside=(SetAside(0, 3, {"caller": caller}),)),
    )
    privacy = et.Privacy(numbers=numbers, key=KEY if numbers == "pseudonymized" else None)  # type: ignore[arg-type]
    folder = et.write_snapshot(logs, tmp_path / "week", privacy=privacy)
    restored = et.read_snapshot(folder)
    manifest = json.loads((folder / "manifest.json").read_text())

    external = {number for number in numbers_of(logs.calls) if number and len(number) > 5}
    assert not external & {*numbers_of(restored.calls), *restored.call_targets["target_number"]}
    assert not any(number in (folder / "manifest.json").read_text() for number in external)
    assert not [path for path in folder.iterdir() if KEY.encode() in path.read_bytes()]
    assert (
        restored.calls.filter(restored.query.to_expr()).height
        == logs.calls.filter(logs.query.to_expr()).height
        > 0
    )
    assert restored.report.set_aside[0].record == "withheld"
    assert (
        manifest["privacy"]["numbers"],
        manifest["privacy"]["notes"],
        manifest["privacy"]["recordings"],
    ) == (numbers, "dropped", "dropped")
    assert ("key_id" in manifest["privacy"]) == (numbers == "pseudonymized")


def test_snapshots_with_the_same_key_can_be_joined(logs: et.CallLogs, tmp_path: Path):
    privacy = et.Privacy(numbers="pseudonymized", key=KEY)
    folders = [et.write_snapshot(logs, tmp_path / name, privacy=privacy) for name in ("one", "two")]
    options = [json.loads((folder / "manifest.json").read_text())["privacy"] for folder in folders]

    assert options[0] == options[1]
    assert_frame_equal(*(et.read_snapshot(folder).calls for folder in folders))
    assert (
        et.Privacy(numbers="pseudonymized", key=OTHER_KEY).to_dict()["key_id"]
        != options[0]["key_id"]
    )


def test_snapshot_files_are_private_and_manifest_has_no_privacy_by_default(
    logs: et.CallLogs, tmp_path: Path
):
    folder = et.write_snapshot(logs, tmp_path / "week")

    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert json.loads((folder / "manifest.json").read_text())["privacy"] is None
