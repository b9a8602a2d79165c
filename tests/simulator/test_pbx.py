"""The simulated call centre: it is repeatable, it obeys itself, and everything that the record can hold occurs in it.

The rules by which truth is checked are written here in plain Python, and are none of the package's.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any

import polars as pl
import pytest

from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.phone_numbers import normalize
from etelecom_analytics.schema import CALL_SCHEMA, LEG_OUTCOMES
from etelecom_analytics.simulator import Simulation, simulate_calls

NEAR = timedelta(seconds=2)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def week() -> Simulation:
    return simulate_calls(6_000, seed=3)


@pytest.fixture(scope="module")
def known(week: Simulation) -> pl.DataFrame:
    """Calls beside their truth."""
    return week.calls.join(
        week.truth.calls, left_on="id", right_on="call_id", maintain_order="left"
    )


@pytest.fixture(scope="module")
def legs(week: Simulation) -> pl.DataFrame:
    """Legs beside their cause and the call that they belong to."""
    flat = (
        week.calls.select(
            pl.col("id").alias("call_id"),
            "direction",
            "started_at",
            "ended_at",
            "duration",
            "call_targets",
        )
        .explode("call_targets", empty_as_null=False)
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int32).over("call_id").alias("target_index"))
        .unnest("call_targets")
    )
    return flat.join(week.truth.legs, on=["call_id", "target_index"], maintain_order="left")


def _is_answered(leg: Row) -> bool:
    return leg["status"].upper() == "ANSWERED" or leg["answered_time"] is not None


def _rang(leg: Row) -> bool:
    return leg["ring_time"] is not None or leg["ring_duration"] > 0


def _outcome(call: Row, leg: Row, ivr: tuple[str, ...]) -> str:
    """The first rule that holds, read from the table of outcomes."""
    code, ended, reason = leg["fail_code"], leg["ended_time"], (leg["end_reason"] or "").lower()
    if call["ended_at"] is None:
        return "in_progress"
    if _is_answered(leg):
        return "answered"
    if code in (486, 600, 603):
        return "busy_or_rejected"
    if 500 <= code <= 599 or (code == 408 and not _rang(leg)):
        return "network"
    if code in (404, 410, 480, 484, 604) and not _rang(leg):
        return "unreachable"
    winners = (
        other
        for other in call["call_targets"]
        if other is not leg and _is_answered(other) and other["target_number"] not in ivr
    )
    if any(
        leg["add_time"] <= won["answered_time"] <= ended + NEAR and won["add_time"] < ended
        for won in winners
    ):
        return "answered_elsewhere"
    gone = (
        code == 487 or reason.startswith("caller_disconnect") or reason in ("cancelled", "canceled")
    )
    if gone and ended >= call["ended_at"] - NEAR:
        return "caller_gave_up"
    return "rna_timeout" if _rang(leg) else "other"


def _lost_in(call: Row, ivr: tuple[str, ...]) -> str:
    """The funnel's first stage that holds, for a call that no person answered."""
    end = call["ended_at"]
    if end - call["started_at"] < timedelta(seconds=5):
        return "short"
    if any(
        leg["target_number"] in ivr and _is_answered(leg) and end - leg["ended_time"] <= NEAR
        for leg in call["call_targets"]
    ):
        return "in_ivr"
    rung = [leg for leg in call["call_targets"] if leg["target_number"] not in ivr and _rang(leg)]
    if any(end - leg["ended_time"] <= NEAR for leg in rung):
        return "ringing"
    return "between_rings" if rung else "before_ringing"


def _offers(call: Row, ivr: tuple[str, ...]) -> Iterator[tuple[int, str, str]]:
    """Where each offer begins, to whom it goes, and its best leg's outcome; legs chain over 2 s and less."""
    chains: list[list[tuple[int, Row]]] = []
    for place, leg in sorted(
        enumerate(call["call_targets"]),
        key=lambda one: (one[1]["target_number"], one[1]["add_time"], one[0]),
    ):
        before = chains[-1][-1][1] if chains else None
        if (
            before
            and before["target_number"] == leg["target_number"]
            and leg["add_time"] - before["add_time"] <= NEAR
        ):
            chains[-1].append((place, leg))
        else:
            chains.append([(place, leg)])
    for chain in chains:
        outcomes = [_outcome(call, leg, ivr) for _, leg in chain]
        yield chain[0][0], chain[0][1]["target_number"], min(outcomes, key=LEG_OUTCOMES.index)


def test_a_seed_gives_the_same_frame_every_time():
    """Calls and truth depend on the seed and on nothing else."""
    one, again, other = (
        simulate_calls(400, seed=5),
        simulate_calls(400, seed=5),
        simulate_calls(400, seed=6),
    )

    assert one.calls.equals(again.calls)
    assert one.truth.legs.equals(again.truth.legs)
    assert one.truth.offers.equals(again.truth.offers)
    assert one.truth.calls.equals(again.truth.calls)
    assert one.truth.parameters == again.truth.parameters
    assert not one.calls.equals(other.calls)


@pytest.mark.parametrize(
    ("n", "days"), [(0, 7), (1, 1), (2, 1), (7, 2), (50, 7), (999, 1), (1_001, 31)]
)
def test_n_call_logs_mean_n(n: int, days: int):
    """However few or many, and however the internal calls fall, the frame has n rows of the declared schema."""
    simulation = simulate_calls(n, days=days)

    assert simulation.calls.height == simulation.truth.calls.height == n
    assert dict(simulation.calls.schema) == dict(CALL_SCHEMA)


def test_what_cannot_be_simulated_is_said():
    """A negative number, no day at all, or an unknown zone is an error before anything is made."""
    with pytest.raises(InputError):
        simulate_calls(-1)
    with pytest.raises(InputError):
        simulate_calls(10, days=0)
    with pytest.raises(UnknownName):
        simulate_calls(10, time_zone="Asia/Saigonn")


def test_the_newest_call_comes_first(week: Simulation):
    """started_at descends; equal starts, as those of an internal call's two logs, ascend by id."""
    assert week.calls.equals(
        week.calls.sort(["started_at", "id"], descending=[True, False], maintain_order=True)
    )
    assert week.calls["started_at"].is_duplicated().any()


def test_ids_have_19_digits_and_grow_with_time(week: Simulation):
    """Ids are unique int64 as text, in the order of the starts."""
    ids = week.calls["id"]

    assert ids.is_unique().all()
    assert ids.str.len_chars().unique().to_list() == [19]
    assert week.calls.sort("started_at", "id")["id"].cast(pl.Int64).is_sorted()


def test_the_period_is_local(week: Simulation):
    """Seven days from a local midnight: 17:00 UTC of the day before, in Ho Chi Minh City."""
    begins = datetime(2026, 11, 1, 17, tzinfo=UTC)

    assert (
        week.calls["started_at"].is_between(begins, begins + timedelta(days=7), closed="left").all()
    )


def test_days_and_weeks_have_their_rhythm(week: Simulation):
    """Lunch is a dip, the night is quiet and not empty, the weekend is slower."""
    local = week.calls.filter(pl.col("direction") == "in")["started_at"].dt.convert_time_zone(
        "Asia/Ho_Chi_Minh"
    )
    by_hour = dict(local.dt.hour().value_counts().rows())
    by_day = dict(local.dt.weekday().value_counts().rows())

    assert by_hour[12] < 0.6 * min(by_hour[10], by_hour[14])
    assert 0 < sum(by_hour.get(hour, 0) for hour in range(5)) < 0.05 * local.len()
    assert max(by_day[6], by_day[7]) < 0.7 * min(by_day[day] for day in range(1, 6))


def test_nobody_is_in_two_talks_at_once(week: Simulation, legs: pl.DataFrame):
    """Talks of one extension, taken or dialled, never overlap; an internal session is counted once."""
    sessions = week.calls.filter(pl.col("direction") != "ext_in").select(
        pl.col("id").alias("call_id"), "caller"
    )
    talks = legs.filter(
        pl.col("answered_time").is_not_null(),
        ~pl.col("target_number").is_in(week.truth.ivr_numbers),
    ).join(sessions, on="call_id")
    taken = talks.filter(pl.col("direction") != "out").select(
        pl.col("target_number").alias("who"), "answered_time", "ended_time"
    )
    dialled = talks.filter(pl.col("direction") != "in").select(
        pl.col("caller").alias("who"), "answered_time", "ended_time"
    )
    checked = 0
    for _, mine in pl.concat([taken, dialled]).sort("answered_time").group_by("who"):
        for before, after in pairwise(mine.iter_rows(named=True)):
            assert before["ended_time"] is not None
            assert before["ended_time"] <= after["answered_time"]
            checked += 1
    assert checked > 3_000


def test_an_internal_call_is_two_logs_of_one_session(week: Simulation):
    """`ext_out` and `ext_in` share session, times and legs; no other log shares a session."""
    inner = week.calls.filter(pl.col("direction").is_in(["ext_out", "ext_in"]))
    pairs = inner.group_by("external_session_id").agg(
        pl.len(),
        pl.col("direction").n_unique().alias("ways"),
        pl.col("started_at", "ended_at", "caller", "callee").n_unique(),
    )

    assert pairs.height > 100
    assert pairs.drop("external_session_id").unique().rows() == [(2, 2, 1, 1, 1, 1)]
    assert week.calls["external_session_id"].n_unique() == week.calls.height - pairs.height


def test_every_kind_of_leg_occurs(week: Simulation, legs: pl.DataFrame):
    """Each word for a leg's outcome has legs, and the codes that the documentation names occur."""
    assert set(week.truth.legs["cause"].cast(pl.String)) == set(LEG_OUTCOMES)
    assert {0, 403, 404, 408, 480, 486, 487, 503, 603} <= set(legs["fail_code"])
    assert set(legs["status"]) == {"ANSWERED", "NOANSWER", "FAIL", "NONE"}
    assert legs.filter(pl.col("cause") == "rna_timeout")["fail_code"].is_in([487]).any()


def test_trunks_fail_and_the_other_one_takes_over(legs: pl.DataFrame):
    """Outbound legs alone have trunks; some failed ones are followed by an answer through another trunk."""
    out = legs.filter(pl.col("direction") == "out")
    tried = (
        out.filter(pl.len().over("call_id") > 1)
        .group_by("call_id")
        .agg(pl.col("trunk_name").n_unique(), pl.col("cause"))
    )

    assert out["trunk_name"].null_count() == 0
    assert (
        legs.filter(pl.col("direction") != "out")["trunk_name"].null_count()
        == legs.height - out.height
    )
    assert tried.height > 0
    assert (tried["trunk_name"] == 2).all()
    assert tried["cause"].cast(pl.List(pl.String)).list.contains("answered").any()
    assert not out.filter(pl.col("cause") == "network")["ring_time"].is_not_null().any()


def test_a_desk_phone_and_an_app_are_two_legs_of_one_offer(week: Simulation, legs: pl.DataFrame):
    """Some offers have two legs that begin within 2 s; in some the app is offline, and the person answers all the same."""
    forks = (
        legs.filter(pl.col("direction") == "in")
        .group_by("call_id", "target_number")
        .agg("add_time", "fail_code", "cause")
    )
    forks = forks.filter(pl.col("add_time").list.len() == 2)
    together = forks.filter(pl.col("add_time").list.max() - pl.col("add_time").list.min() <= NEAR)
    offline = together.filter(
        pl.col("fail_code").list.contains(480),
        pl.col("cause").cast(pl.List(pl.String)).list.contains("answered"),
    )

    assert together.height > 500
    assert offline.height > 20
    assert week.truth.offers.height < week.truth.legs.height


def test_the_ivr_makes_the_pbx_say_answered(known: pl.DataFrame):
    """A caller who leaves in the IVR or the queue was answered in the PBX's view, and by no person in truth: the documented trap."""
    trap = known.filter(~pl.col("running"), pl.col("call_state") == "answered", ~pl.col("answered"))

    assert trap.height > 50
    assert trap["extension_id"].null_count() == trap["user_id"].null_count() == trap.height
    assert {"short", "in_ivr", "ringing"} <= set(trap["lost_in"].cast(pl.String))


def test_a_few_calls_are_running_at_the_end(
    week: Simulation, known: pl.DataFrame, legs: pl.DataFrame
):
    """They have no end, no duration and no extension; every other call has an end, and so have all its legs."""
    running = known.filter("running")
    unfinished = legs.filter(pl.col("ended_time").is_null())

    assert 1 <= running.height <= 10
    assert known.filter(pl.col("ended_at").is_null())["id"].to_list() == running["id"].to_list()
    assert set(running["duration"]) == {0}
    assert running["extension_id"].null_count() == running.height
    assert unfinished.height > 0
    assert set(unfinished["call_id"]) <= set(running["id"])
    assert set(
        legs.filter(pl.col("call_id").is_in(running["id"].implode()))["cause"].cast(pl.String)
    ) == {"in_progress"}
    assert simulate_calls(50).calls["ended_at"].null_count() >= 1
    assert week.calls.filter(pl.col("ended_at") < pl.col("started_at")).is_empty()


def test_duration_is_the_talk_of_the_whole_session(known: pl.DataFrame, legs: pl.DataFrame):
    """Whole seconds of all answered legs, those of IVR and queue too; 0 where there are none."""
    talk = (
        legs.filter(pl.col("answered_time").is_not_null(), pl.col("ended_at").is_not_null())
        .group_by("call_id")
        .agg(
            (pl.col("ended_time") - pl.col("answered_time")).sum().dt.total_seconds().alias("talk")
        )
    )
    told = known.filter(~pl.col("running")).join(talk, left_on="id", right_on="call_id", how="left")

    assert (told["duration"] == told["talk"].fill_null(0)).all()
    assert (told.filter(pl.col("call_state") == "not_answered")["duration"] == 0).all()


def test_extension_and_user_stand_only_where_one_took_part(known: pl.DataFrame):
    """Answered by a person: both ids are there. Anything else: neither is."""
    done = known.filter(~pl.col("running"))

    assert (done["extension_id"].is_not_null() == done["answered"]).all()
    assert (done["user_id"].is_not_null() == done["answered"]).all()


def test_numbers_are_written_in_vietnams_ways(known: pl.DataFrame):
    """0..., 84... and +84... occur, one person's number in more than one way, and some callers withhold theirs."""
    callers = known.filter(pl.col("direction") == "in")["caller"]
    written = callers.drop_nulls()
    ways = pl.DataFrame({"written": written, "number": [normalize(number) for number in written]})

    assert callers.null_count() > 0
    for form in (r"^0[35789]\d{8}$", r"^84[35789]\d{8}$", r"^\+84[35789]\d{8}$"):
        assert written.str.contains(form).any()
    assert ways["number"].str.contains(r"^0[35789]\d{8}$").all()
    assert ways.group_by("number").agg(pl.col("written").n_unique())["written"].max() > 1


def test_people_try_again_and_are_called_back(known: pl.DataFrame):
    """Some who were missed call again within the hour, and some are called by the centre afterwards."""
    inbound = known.filter(pl.col("direction") == "in", pl.col("caller").is_not_null())
    numbers = pl.Series("number", [normalize(number) for number in inbound["caller"]])
    missed = inbound.with_columns(numbers).filter(~pl.col("answered")).select("number", "ended_at")
    again = missed.join(inbound.with_columns(numbers).select("number", "started_at"), on="number")
    back = missed.join(
        known.filter(pl.col("direction") == "out").select(
            pl.col("callee").alias("number"), "started_at"
        ),
        on="number",
    )
    soon = (pl.col("started_at") - pl.col("ended_at")).is_between(timedelta(0), timedelta(hours=1))

    assert again.filter(soon).height > 20
    assert back.filter(pl.col("started_at") > pl.col("ended_at")).height > 20


def test_notes_and_recordings_are_like_those_of_people(known: pl.DataFrame):
    """Notes hold Vietnamese, quotes and new lines; most calls answered by a person have a recording, others have none."""
    notes = known["note"].drop_nulls()
    recorded = known["recording_urls"].list.len() > 0
    done = known["answered"].fill_null(False)

    assert all(notes.str.contains(mark).any() for mark in ('"', "\n", "ệ"))
    assert 0.85 < (recorded & done).sum() / done.sum() < 1
    assert not (recorded & ~done).any()
    assert (
        known["recording_urls"]
        .explode(empty_as_null=False)
        .str.starts_with("https://recordings.example/")
        .all()
    )


def test_logs_are_written_after_the_fact(known: pl.DataFrame):
    """created_at follows the start, updated_at the end; times have milliseconds."""
    assert (known["created_at"] > known["started_at"]).all()
    assert (known["updated_at"] >= known["created_at"]).all()
    assert (known["updated_at"] > known["ended_at"]).drop_nulls().all()
    assert (known["started_at"].dt.microsecond() % 1_000 == 0).all()
    assert known["started_at"].dt.millisecond().n_unique() > 500


@pytest.mark.parametrize(
    ("n", "days", "seed"), [(50, 7, 7), (300, 7, 2), (2_000, 30, 5), (5_000, 1, 4), (20_000, 7, 9)]
)
def test_staff_follows_the_load(n: int, days: int, seed: int):
    """Between 75 and 95 % of inbound calls are answered by a person, from a handful of calls to a crowd.

    So few as 34 inbound calls scatter by 6 points, and the wider upper bound is for them.
    """
    simulation = simulate_calls(n, days=days, seed=seed)
    inbound = simulation.truth.calls.join(
        simulation.calls.select("id", "direction"), left_on="call_id", right_on="id"
    )
    answered = inbound.filter(pl.col("direction") == "in")["answered"].drop_nulls()

    assert 0.75 <= mean(answered) <= (0.95 if n < 1_000 else 0.92)


def test_the_drawn_times_have_the_true_means(known: pl.DataFrame, week: Simulation):
    """The mean patience and the mean talk lie within four standard errors of the parameters."""
    parameters = week.truth.parameters
    for column, expected in (
        ("patience_s", parameters.mean_patience_s),
        ("talk_s", parameters.mean_talk_s),
    ):
        drawn = known.filter(pl.col("direction") == "in")[column].drop_nulls()
        error = float(drawn.std() or 0) / drawn.len() ** 0.5
        assert abs(float(drawn.mean() or 0) - expected) < 4 * error


def test_patience_shows_in_the_waits(known: pl.DataFrame, week: Simulation):
    """Losses divided by all time waited estimate the rate of an exponential patience, though most callers never reach its end."""
    inbound = known.filter(pl.col("direction") == "in", ~pl.col("running"))
    lost = inbound.filter(~pl.col("answered")).height
    estimate = inbound["wait_s"].sum() / lost

    assert abs(estimate / week.truth.parameters.mean_patience_s - 1) < 4 / lost**0.5


def test_whoever_is_lost_left_when_patience_ended(known: pl.DataFrame):
    """A lost caller's wait is the patience, to a tenth of a second; an answered caller's is below it. Nobody is turned away."""
    inbound = known.filter(pl.col("direction") == "in", ~pl.col("running"))
    lost, served = inbound.filter(~pl.col("answered")), inbound.filter("answered")

    assert (lost["wait_s"] - lost["patience_s"]).is_between(0, 0.1).all()
    assert (served["wait_s"] <= served["patience_s"]).all()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("days", [1, 7])
def test_truth_agrees_with_the_rules(seed: int, days: int):
    """Legs, offers and the place of loss as the simulation knows them are those that the rules find in the record."""
    simulation = simulate_calls(1_500, seed=seed, days=days)
    truth, ivr = simulation.truth, simulation.truth.ivr_numbers
    rows = simulation.calls.to_dicts()
    legs = {
        (row["id"], place): _outcome(row, leg, ivr)
        for row in rows
        for place, leg in enumerate(row["call_targets"])
    }
    offers = {(row["id"], *offer) for row in rows for offer in _offers(row, ivr)}
    of_nobody = simulation.truth.calls.filter(~pl.col("answered")).get_column("call_id")
    missed = {
        row["id"]: _lost_in(row, ivr)
        for row in rows
        if row["direction"] == "in" and row["id"] in set(of_nobody)
    }

    assert {(call, place): cause for call, place, cause in truth.legs.iter_rows()} == legs
    assert set(truth.offers.iter_rows()) == offers
    assert (
        dict(truth.calls.drop_nulls("lost_in").select("call_id", "lost_in").iter_rows()) == missed
    )


def test_true_answers_and_waits_are_in_the_record(known: pl.DataFrame, week: Simulation):
    """Who was answered by a person, after how long and for how long, can be read off the legs to the millisecond."""
    for call in known.filter(~pl.col("running")).iter_rows(named=True):
        taken = [
            leg
            for leg in call["call_targets"]
            if _is_answered(leg) and leg["target_number"] not in week.truth.ivr_numbers
        ]
        assert call["answered"] == bool(taken)
        end = taken[0]["answered_time"] if taken else call["ended_at"]
        assert call["wait_s"] == pytest.approx((end - call["started_at"]).total_seconds(), abs=1e-6)
        talk = (
            sum((leg["ended_time"] - leg["answered_time"]).total_seconds() for leg in taken)
            if taken
            else None
        )
        assert call["talk_s"] == (pytest.approx(talk, abs=1e-6) if taken else None)
