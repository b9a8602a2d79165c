"""The preset "full" is reproducible, covers what it promises, and its truth follows from the logs.

The rules with which the truth is compared are implemented here in plain Python, independently of
the package.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.errors import UnknownName
from etelecom_analytics.phone_numbers import normalize
from etelecom_analytics.simulator import Simulation, serve, simulate_calls
from etelecom_analytics.simulator.truth import ENDINGS, KINDS, VISIT_OUTCOMES

TOLERANCE = timedelta(seconds=2)
NOBODY = {"anonymous", "Restricted", "0", "00", "-1", "+266696687", "999", "1080"}
FRAMES = ("legs", "offers", "calls", "leg_owners", "endings", "queue_visits")
Row = dict[str, Any]


@pytest.fixture(scope="module")
def week() -> Simulation:
    return simulate_calls(2_500, seed=3, preset="full")


@pytest.fixture(scope="module")
def calls(week: Simulation) -> pl.DataFrame:
    """Calls joined with their truth."""
    truth = week.truth
    return week.calls.join(
        truth.calls.join(truth.endings, on="call_id"), left_on="id", right_on="call_id"
    )


@pytest.fixture(scope="module")
def legs(week: Simulation) -> pl.DataFrame:
    """Legs joined with their truth and with columns of their call."""
    return (
        et.call_targets(week.calls)
        .join(week.truth.legs, on=["call_id", "target_index"])
        .join(week.truth.leg_owners, on=["call_id", "target_index"])
        .join(
            week.calls.select("direction", "started_at", "ended_at", "user_id", call_id="id"),
            on="call_id",
            suffix="_of_call",
        )
        .sort("call_id", "target_index")
    )


def test_same_seed_gives_the_same_calls_and_truth():
    one, again, other = (simulate_calls(300, seed=seed, preset="full") for seed in (5, 5, 6))

    assert one.calls.equals(again.calls)
    assert one.directory == again.directory
    for name in FRAMES:
        assert getattr(one.truth, name).equals(getattr(again.truth, name))
    assert not one.calls.equals(other.calls)
    assert not one.calls.equals(simulate_calls(300, seed=5).calls)


@pytest.mark.parametrize(("n", "days"), [(0, 7), (1, 1), (2, 1), (50, 7), (999, 1), (1_001, 31)])
def test_simulation_has_n_call_logs(n: int, days: int):
    simulation = simulate_calls(n, days=days, preset="full")

    assert simulation.calls.height == simulation.truth.endings.height == n
    assert simulation.calls.schema == simulate_calls(1).calls.schema


def test_unknown_preset_is_an_error():
    with pytest.raises(UnknownName, match="full"):
        simulate_calls(10, preset="ful")


def test_truth_of_the_basic_preset_has_the_same_tables(simulation: Simulation, week: Simulation):
    for name in FRAMES:
        basic, full = getattr(simulation.truth, name), getattr(week.truth, name)
        assert basic.schema == full.schema
    assert set(simulation.truth.leg_owners["kind"]) == {"ivr", "customer", "person"}
    inbound = simulation.calls.filter(pl.col("direction") == "in")["id"].implode()
    endings = simulation.truth.endings.filter(pl.col("call_id").is_in(inbound))["ending"]
    assert set(endings.drop_nulls()) <= {"abandoned", "end_unknown"}


def test_everything_promised_occurs(week: Simulation, calls: pl.DataFrame, legs: pl.DataFrame):
    """All kinds, endings and outcomes; transfers, forwards, pickups, reasons, and single logs."""
    inbound = calls.filter(pl.col("direction") == "in")
    picked_up = legs.filter(
        pl.col("kind") == "person",
        pl.col("answered_time").is_not_null(),
        pl.col("ring_time").is_null(),
    )
    inside = (
        legs.filter(pl.col("kind") == "person", pl.col("answered_time").is_not_null())
        .group_by("call_id")
        .len()
        .filter(pl.col("len") == 2)
    )

    assert set(legs["kind"]) == set(KINDS)
    assert set(inbound["ending"].drop_nulls()) == set(ENDINGS)
    assert set(week.truth.queue_visits["outcome"].drop_nulls()) == set(VISIT_OUTCOMES)
    assert set(week.truth.queue_visits["queue"]) == set(week.truth.queue_numbers)
    assert min(calls["transfers"].sum(), calls["forwards"].sum()) > 20
    assert min(picked_up.height, inside.height) > 20
    assert set(calls.filter("answered")["who_hung_up"]) == {"caller", "agent", None}
    assert set(calls["direction"]) == {"in", "out", "ext", "ext_in", "ext_out"}
    assert {"OFFICE_CLOSED", "MENU_TIMEOUT", "QUEUE_TIMEOUT", "OVERFLOW"} <= set(legs["end_reason"])


def test_talks_of_a_number_do_not_overlap(legs: pl.DataFrame):
    """Those of an extension or a mobile phone that was called."""
    talks = legs.filter(
        pl.col("answered_time").is_not_null(),
        pl.col("kind").is_in(["person", "external"]),
        pl.col("direction") != "ext_out",
    ).sort("answered_time")
    earlier = pl.col("ended_time").shift(1).cum_max().over("target_number")

    assert talks.height > 1_000
    assert talks.filter(pl.col("answered_time") < earlier).is_empty()


def test_nobody_answers_outside_opening_hours(calls: pl.DataFrame):
    local = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh")
    night = calls.filter(
        pl.col("direction") == "in",
        (local.dt.weekday() == 7) | ~local.dt.hour().is_between(8, 18),
        ~pl.col("running"),
    )

    assert night.height > 30
    assert not night["answered"].any()
    assert {"abandoned", "ended_by_pbx"} == set(night["ending"])


def test_numbers_are_shared_hidden_and_written_in_many_forms(calls: pl.DataFrame):
    inbound = calls.filter(pl.col("direction") == "in")
    known = inbound.filter(pl.col("caller_number").is_not_null())
    hidden = inbound.filter(pl.col("caller_number").is_null())
    per_number = known.group_by("caller_number").agg(pl.col("caller", "customer").n_unique())
    mobile = known.filter(pl.col("caller_number").str.len_chars() == 10)["caller"]

    assert [normalize(caller) for caller in known["caller"]] == known["caller_number"].to_list()
    assert per_number["customer"].max() > 2
    assert per_number["caller"].max() > 1
    for form in ("sip:", "tel:", "+0", "+84", "0084"):
        assert mobile.str.starts_with(form).any()
    assert mobile.str.contains(r"^[35789]\d{8}$").any()
    written = {caller.partition("@")[0] for caller in hidden["caller"].drop_nulls()}
    assert written == NOBODY
    assert hidden["caller"].null_count() > 0
    assert hidden["customer"].n_unique() > hidden["caller"].n_unique()


def test_internal_calls_in_two_logs_begin_within_2_s(calls: pl.DataFrame):
    pairs = (
        calls.filter(pl.col("direction").cast(pl.String).str.starts_with("ext_"))
        .group_by("external_session_id")
        .agg(
            pl.col("caller", "callee").n_unique(),
            pl.col("internal_twice").sum(),
            pl.len(),
            apart=pl.col("started_at").max() - pl.col("started_at").min(),
        )
    )

    assert pairs.height > 50
    assert pairs.select("caller", "callee", "internal_twice", "len").unique().rows() == [
        (1, 1, 1, 2)
    ]
    assert pairs["apart"].is_between(timedelta(0), TOLERANCE).all()
    assert pairs["apart"].n_unique() > 10
    assert calls["internal_twice"].sum() == pairs.height


def test_kinds_follow_from_numbers(week: Simulation, legs: pl.DataFrame):
    """Prefixes of voicemail, lists of IVR and queues, and the length of other numbers."""
    truth = week.truth
    for number, kind, direction in legs.select("target_number", "kind", "direction").iter_rows():
        if number in truth.ivr_numbers:
            expected = "ivr"
        elif number in truth.queue_numbers:
            expected = "queue"
        elif number.startswith("*98"):
            expected = "voicemail"
        elif len(number) >= 8:
            expected = "customer" if direction == "out" else "external"
        else:
            expected = "person"
        assert kind == expected


def test_owners_are_those_of_the_directory(week: Simulation, legs: pl.DataFrame):
    """One extension changes hands: it has two rows, one after the other, and both owners talk."""
    rows = week.directory.extensions
    numbers = [row["extension_number"] for row in rows]
    changed = {number for number in numbers if numbers.count(number) == 2}
    periods: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for row in rows:
        begin, end = (
            datetime.fromisoformat(row[name]).astimezone(UTC)
            if not row[name].startswith("0001")
            else datetime(9999, 1, 1, tzinfo=UTC)
            for name in ("created_at", "expires_at")
        )
        periods.setdefault(row["extension_number"], []).append((begin, end, row["user_id"]))
    for leg in legs.iter_rows(named=True):
        owners = [
            user_id
            for begin, end, user_id in periods.get(leg["target_number"], [])
            if begin <= leg["add_time"] < end
        ]
        assert [leg["user_id"]] == (owners or [None])
        assert (leg["user_id"] is None) == (leg["kind"] != "person")

    shared = legs.filter(pl.col("target_number").is_in(list(changed)))
    talked = shared.filter(pl.col("user_id") == pl.col("user_id_of_call"))
    assert len(changed) == 1
    assert shared["user_id"].n_unique() == talked["user_id"].n_unique() == 2
    former = {row["user_id"] for row in week.directory.account_users if row["deleted"]}
    assert len(former & set(shared["user_id"])) == 1


def _ending(call: Row, legs: list[Row]) -> str:
    """Who ended a missed call, from the first rule that applies."""
    last = [
        leg
        for leg in legs
        if leg["ended_time"] is not None and abs(leg["ended_time"] - call["ended_at"]) <= TOLERANCE
    ]
    answered = [leg for leg in legs if leg["answered_time"] is not None]
    reasons = [(leg["end_reason"] or "").lower() for leg in last]
    if any(leg["kind"] == "voicemail" for leg in (*last, *answered)):
        return "ended_by_pbx"
    if any(reason.startswith("caller_disconnect") for reason in reasons):
        return "abandoned"
    if any(
        word in reason for reason in reasons for word in ("timeout", "overflow", "closed")
    ) or any(
        leg["kind"] == "ivr" and reason.startswith("callee_disconnect")
        for leg, reason in zip(last, reasons, strict=True)
    ):
        return "ended_by_pbx"
    if any(
        leg["fail_code"] == 487 or reason in ("cancelled", "canceled")
        for leg, reason in zip(last, reasons, strict=True)
    ):
        return "abandoned"
    by_network = ("busy_or_rejected", "unreachable", "network")
    if last and all(
        leg["cause"] in by_network
        or (leg["cause"] == "rna_timeout" and leg["fail_code"] in (408, 480))
        for leg in last
    ):
        return "ended_by_pbx"
    return "end_unknown"


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_endings_follow_from_the_rules(seed: int):
    """Also of outbound and internal calls."""
    simulation = simulate_calls(1_500, seed=seed, preset="full")
    truth = simulation.truth
    legs = (
        et.call_targets(simulation.calls)
        .join(truth.legs, on=["call_id", "target_index"])
        .join(truth.leg_owners, on=["call_id", "target_index"])
        .rows_by_key("call_id", named=True)
    )
    missed = simulation.calls.join(
        truth.endings.drop_nulls("ending"), left_on="id", right_on="call_id"
    )

    assert missed.height > 400
    for call in missed.iter_rows(named=True):
        assert _ending(call, legs.get(call["id"], [])) == call["ending"], call["id"]


def test_who_hung_up_and_outside_talks_follow_from_the_legs(
    calls: pl.DataFrame, legs: pl.DataFrame
):
    by_call = legs.filter(pl.col("answered_time").is_not_null()).rows_by_key("call_id", named=True)
    for call in calls.filter("answered").iter_rows(named=True):
        answered = sorted(by_call[call["id"]], key=lambda leg: leg["answered_time"])
        reason = answered[-1]["end_reason"] or ""
        names = {"CALLER_DISCONNECTED": "caller", "CALLEE_DISCONNECTED": "agent"}
        kinds = [leg["kind"] for leg in answered]
        outside = kinds.count("external")
        after_a_person = outside if "person" in kinds else 0

        assert call["who_hung_up"] == names.get(reason)
        assert (call["transfers"], call["forwards"]) == (after_a_person, outside - after_a_person)


def test_queue_visits_are_the_legs_of_queues(week: Simulation, legs: pl.DataFrame):
    """From the first leg to a queue to the end of the last; an overflow leads to the next queue."""
    visits = week.truth.queue_visits.sort("call_id", "entered_at")
    in_queues = legs.filter(pl.col("kind") == "queue")
    expected = in_queues.group_by("call_id", queue="target_number").agg(
        entered_at=pl.col("add_time").min(), left_at=pl.col("ended_time").max()
    )
    pause = (pl.col("add_time") - pl.col("ended_time").shift(1)).over("call_id", "target_number")

    assert visits.drop("outcome").equals(expected.sort("call_id", "entered_at"))
    assert in_queues.height > visits.height + 20
    assert (
        in_queues.select(pause).to_series().drop_nulls().is_between(timedelta(0), TOLERANCE).all()
    )
    following = visits.with_columns(following=pl.col("queue").shift(-1).over("call_id"))
    overflowed = following.filter(pl.col("outcome") == "overflowed")
    assert set(overflowed["following"]) == {"8300"}
    others = following.filter(pl.col("outcome") != "overflowed")
    assert others["following"].null_count() == others.height


@pytest.mark.slow
def test_served_calls_are_read_without_drift(week: Simulation):
    """All columns arrive as they are, and the lists of people name the owners."""
    with serve(week.calls) as server:
        server.directory = week.directory
        with et.Client(server.base_url, server.api_key) as client:
            query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
            logs = et.fetch_calls(client, query, progress=False)
            extensions, users = et.fetch_extensions(client), et.fetch_users(client)

    assert logs.report.drift == ()
    assert logs.calls.equals(week.calls)
    assert extensions.height == users.height == len(week.directory.extensions)
    assert extensions["expires_at"].is_not_null().sum() == 1
