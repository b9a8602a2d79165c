"""The simulated call center is reproducible and consistent, and covers all documented cases.

The rules with which the truth is compared are implemented here in plain Python, independently of
the package.
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

TOLERANCE = timedelta(seconds=2)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def week() -> Simulation:
    return simulate_calls(6_000, seed=3)


@pytest.fixture(scope="module")
def calls_with_truth(week: Simulation) -> pl.DataFrame:
    """Calls joined with their truth."""
    return week.calls.join(
        week.truth.calls, left_on="id", right_on="call_id", maintain_order="left"
    )


@pytest.fixture(scope="module")
def legs(week: Simulation) -> pl.DataFrame:
    """Legs joined with their true cause and with columns of their call."""
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
    """The outcome of a leg, from the first rule that applies."""
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
    answered_legs = (
        other
        for other in call["call_targets"]
        if other is not leg and _is_answered(other) and other["target_number"] not in ivr
    )
    if any(
        leg["add_time"] <= other["answered_time"] <= ended + TOLERANCE and other["add_time"] < ended
        for other in answered_legs
    ):
        return "answered_elsewhere"
    is_caller_end = (
        code == 487 or reason.startswith("caller_disconnect") or reason in ("cancelled", "canceled")
    )
    if is_caller_end and ended >= call["ended_at"] - TOLERANCE:
        return "caller_gave_up"
    return "rna_timeout" if _rang(leg) else "other"


def _lost_in(call: Row, ivr: tuple[str, ...]) -> str:
    """The first matching stage of the funnel, for a call that no person answered."""
    end = call["ended_at"]
    if end - call["started_at"] < timedelta(seconds=5):
        return "short"
    if any(
        leg["target_number"] in ivr and _is_answered(leg) and end - leg["ended_time"] <= TOLERANCE
        for leg in call["call_targets"]
    ):
        return "in_ivr"
    rung = [leg for leg in call["call_targets"] if leg["target_number"] not in ivr and _rang(leg)]
    if any(end - leg["ended_time"] <= TOLERANCE for leg in rung):
        return "ringing"
    return "between_rings" if rung else "before_ringing"


def _offers(call: Row, ivr: tuple[str, ...]) -> Iterator[tuple[int, str, str]]:
    """First leg, target number and best outcome of each offer; its legs are at most 2 s apart."""
    chains: list[list[tuple[int, Row]]] = []
    for index, leg in sorted(
        enumerate(call["call_targets"]),
        key=lambda item: (item[1]["target_number"], item[1]["add_time"], item[0]),
    ):
        previous = chains[-1][-1][1] if chains else None
        if (
            previous
            and previous["target_number"] == leg["target_number"]
            and leg["add_time"] - previous["add_time"] <= TOLERANCE
        ):
            chains[-1].append((index, leg))
        else:
            chains.append([(index, leg)])
    for chain in chains:
        outcomes = [_outcome(call, leg, ivr) for _, leg in chain]
        yield chain[0][0], chain[0][1]["target_number"], min(outcomes, key=LEG_OUTCOMES.index)


def test_same_seed_gives_the_same_calls():
    """Calls and truth depend only on the arguments."""
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
def test_simulation_has_n_call_logs(n: int, days: int):
    """For any n, the frame has n rows with the declared schema."""
    simulation = simulate_calls(n, days=days)

    assert simulation.calls.height == simulation.truth.calls.height == n
    assert dict(simulation.calls.schema) == dict(CALL_SCHEMA)


def test_invalid_arguments_are_errors():
    """A negative n, zero days, and an unknown time zone."""
    with pytest.raises(InputError):
        simulate_calls(-1)
    with pytest.raises(InputError):
        simulate_calls(10, days=0)
    with pytest.raises(UnknownName):
        simulate_calls(10, time_zone="Asia/Saigonn")


@pytest.mark.slow
def test_newest_call_is_first(week: Simulation):
    """Sorted by descending started_at, then by ascending id; internal calls have equal starts."""
    assert week.calls.equals(
        week.calls.sort(["started_at", "id"], descending=[True, False], maintain_order=True)
    )
    assert week.calls["started_at"].is_duplicated().any()


@pytest.mark.slow
def test_ids_have_19_digits_and_increase_with_time(week: Simulation):
    """Ids are unique int64 values as text, in the order of the starts."""
    ids = week.calls["id"]

    assert ids.is_unique().all()
    assert ids.str.len_chars().unique().to_list() == [19]
    assert week.calls.sort("started_at", "id")["id"].cast(pl.Int64).is_sorted()


@pytest.mark.slow
def test_period_is_in_local_time(week: Simulation):
    """Seven days from midnight in Ho Chi Minh City, which is 17:00 UTC of the previous day."""
    begin = datetime(2026, 11, 1, 17, tzinfo=UTC)

    assert (
        week.calls["started_at"].is_between(begin, begin + timedelta(days=7), closed="left").all()
    )


@pytest.mark.slow
def test_traffic_varies_by_hour_and_weekday(week: Simulation):
    """Fewer calls at lunch and on the weekend, and few, but some, at night."""
    local = week.calls.filter(pl.col("direction") == "in")["started_at"].dt.convert_time_zone(
        "Asia/Ho_Chi_Minh"
    )
    by_hour = dict(local.dt.hour().value_counts().rows())
    by_day = dict(local.dt.weekday().value_counts().rows())

    assert by_hour[12] < 0.6 * min(by_hour[10], by_hour[14])
    assert 0 < sum(by_hour.get(hour, 0) for hour in range(5)) < 0.05 * local.len()
    assert max(by_day[6], by_day[7]) < 0.7 * min(by_day[day] for day in range(1, 6))


def test_talks_of_a_person_do_not_overlap(week: Simulation, legs: pl.DataFrame):
    """Neither answered nor dialed ones; an internal session counts once."""
    sessions = week.calls.filter(pl.col("direction") != "ext_in").select(
        pl.col("id").alias("call_id"), "caller"
    )
    talks = legs.filter(
        pl.col("answered_time").is_not_null(),
        ~pl.col("target_number").is_in(week.truth.ivr_numbers),
    ).join(sessions, on="call_id")
    answered = talks.filter(pl.col("direction") != "out").select(
        pl.col("target_number").alias("extension"), "answered_time", "ended_time"
    )
    dialed = talks.filter(pl.col("direction") != "in").select(
        pl.col("caller").alias("extension"), "answered_time", "ended_time"
    )
    checked = 0
    for _, own in pl.concat([answered, dialed]).sort("answered_time").group_by("extension"):
        for before, after in pairwise(own.iter_rows(named=True)):
            assert before["ended_time"] is not None
            assert before["ended_time"] <= after["answered_time"]
            checked += 1
    assert checked > 3_000


def test_internal_call_has_two_logs_of_one_session(week: Simulation):
    """`ext_out` and `ext_in` share session, times and legs; no other log shares a session."""
    internal = week.calls.filter(pl.col("direction").is_in(["ext_out", "ext_in"]))
    pairs = internal.group_by("external_session_id").agg(
        pl.len(),
        pl.col("direction").n_unique().alias("directions"),
        pl.col("started_at", "ended_at", "caller", "callee").n_unique(),
    )

    assert pairs.height > 100
    assert pairs.drop("external_session_id").unique().rows() == [(2, 2, 1, 1, 1, 1)]
    assert week.calls["external_session_id"].n_unique() == week.calls.height - pairs.height


def test_every_leg_outcome_occurs(week: Simulation, legs: pl.DataFrame):
    """All outcomes occur, and so do the codes in the documentation."""
    assert set(week.truth.legs["cause"].cast(pl.String)) == set(LEG_OUTCOMES)
    assert {0, 403, 404, 408, 480, 486, 487, 503, 603} <= set(legs["fail_code"])
    assert set(legs["status"]) == {"ANSWERED", "NOANSWER", "FAIL", "NONE"}
    assert legs.filter(pl.col("cause") == "rna_timeout")["fail_code"].is_in([487]).any()


def test_second_trunk_is_used_after_a_failure(legs: pl.DataFrame):
    """Only outbound legs have trunks; some failed ones are followed by an answered one."""
    out = legs.filter(pl.col("direction") == "out")
    retried = (
        out.filter(pl.len().over("call_id") > 1)
        .group_by("call_id")
        .agg(pl.col("trunk_name").n_unique(), pl.col("cause"))
    )

    assert out["trunk_name"].null_count() == 0
    assert (
        legs.filter(pl.col("direction") != "out")["trunk_name"].null_count()
        == legs.height - out.height
    )
    assert retried.height > 0
    assert (retried["trunk_name"] == 2).all()
    assert retried["cause"].cast(pl.List(pl.String)).list.contains("answered").any()
    assert not out.filter(pl.col("cause") == "network")["ring_time"].is_not_null().any()


def test_desk_phone_and_app_are_two_legs_of_one_offer(week: Simulation, legs: pl.DataFrame):
    """The legs begin within 2 s; in some offers the app is offline and the desk phone answers."""
    forks = (
        legs.filter(pl.col("direction") == "in")
        .group_by("call_id", "target_number")
        .agg("add_time", "fail_code", "cause")
    )
    forks = forks.filter(pl.col("add_time").list.len() == 2)
    together = forks.filter(
        pl.col("add_time").list.max() - pl.col("add_time").list.min() <= TOLERANCE
    )
    offline = together.filter(
        pl.col("fail_code").list.contains(480),
        pl.col("cause").cast(pl.List(pl.String)).list.contains("answered"),
    )

    assert together.height > 500
    assert offline.height > 20
    assert week.truth.offers.height < week.truth.legs.height


def test_calls_lost_in_the_ivr_are_answered_in_the_call_log(calls_with_truth: pl.DataFrame):
    """If a caller leaves in the IVR or the queue, the log says answered, but no person answered."""
    lost = calls_with_truth.filter(
        ~pl.col("running"), pl.col("call_state") == "answered", ~pl.col("answered")
    )

    assert lost.height > 50
    assert lost["extension_id"].null_count() == lost["user_id"].null_count() == lost.height
    assert {"short", "in_ivr", "ringing"} <= set(lost["lost_in"].cast(pl.String))


def test_some_calls_are_running_at_the_end(
    week: Simulation, calls_with_truth: pl.DataFrame, legs: pl.DataFrame
):
    """They have no end, duration or extension; all other calls and their legs have an end."""
    running = calls_with_truth.filter("running")
    unfinished = legs.filter(pl.col("ended_time").is_null())

    assert 1 <= running.height <= 10
    assert (
        calls_with_truth.filter(pl.col("ended_at").is_null())["id"].to_list()
        == running["id"].to_list()
    )
    assert set(running["duration"]) == {0}
    assert running["extension_id"].null_count() == running.height
    assert unfinished.height > 0
    assert set(unfinished["call_id"]) <= set(running["id"])
    assert set(
        legs.filter(pl.col("call_id").is_in(running["id"].implode()))["cause"].cast(pl.String)
    ) == {"in_progress"}
    assert simulate_calls(50).calls["ended_at"].null_count() >= 1
    assert week.calls.filter(pl.col("ended_at") < pl.col("started_at")).is_empty()


def test_duration_is_the_talk_time_of_all_legs(calls_with_truth: pl.DataFrame, legs: pl.DataFrame):
    """In whole seconds, including legs of the IVR and the queue; 0 without answered legs."""
    talk = (
        legs.filter(pl.col("answered_time").is_not_null(), pl.col("ended_at").is_not_null())
        .group_by("call_id")
        .agg(
            (pl.col("ended_time") - pl.col("answered_time")).sum().dt.total_seconds().alias("talk")
        )
    )
    ended = calls_with_truth.filter(~pl.col("running")).join(
        talk, left_on="id", right_on="call_id", how="left"
    )

    assert (ended["duration"] == ended["talk"].fill_null(0)).all()
    assert (ended.filter(pl.col("call_state") == "not_answered")["duration"] == 0).all()


def test_extension_and_user_are_set_if_a_person_answered(calls_with_truth: pl.DataFrame):
    """Both ids are set if a person answered, and neither otherwise."""
    ended = calls_with_truth.filter(~pl.col("running"))

    assert (ended["extension_id"].is_not_null() == ended["answered"]).all()
    assert (ended["user_id"].is_not_null() == ended["answered"]).all()


def test_numbers_have_vietnamese_formats(calls_with_truth: pl.DataFrame):
    """0..., 84... and +84... occur, also for the same number, and some numbers are withheld."""
    callers = calls_with_truth.filter(pl.col("direction") == "in")["caller"]
    texts = callers.drop_nulls()
    numbers = pl.DataFrame({"text": texts, "number": [normalize(number) for number in texts]})

    assert callers.null_count() > 0
    for form in (r"^0[35789]\d{8}$", r"^84[35789]\d{8}$", r"^\+84[35789]\d{8}$"):
        assert texts.str.contains(form).any()
    assert numbers["number"].str.contains(r"^0[35789]\d{8}$").all()
    assert numbers.group_by("number").agg(pl.col("text").n_unique())["text"].max() > 1


def test_missed_callers_call_again_and_are_called_back(calls_with_truth: pl.DataFrame):
    """Some call again within the hour, and the center calls some back."""
    inbound = calls_with_truth.filter(pl.col("direction") == "in", pl.col("caller").is_not_null())
    numbers = pl.Series("number", [normalize(number) for number in inbound["caller"]])
    missed = inbound.with_columns(numbers).filter(~pl.col("answered")).select("number", "ended_at")
    again = missed.join(inbound.with_columns(numbers).select("number", "started_at"), on="number")
    back = missed.join(
        calls_with_truth.filter(pl.col("direction") == "out").select(
            pl.col("callee").alias("number"), "started_at"
        ),
        on="number",
    )
    soon = (pl.col("started_at") - pl.col("ended_at")).is_between(timedelta(0), timedelta(hours=1))

    assert again.filter(soon).height > 20
    assert back.filter(pl.col("started_at") > pl.col("ended_at")).height > 20


def test_notes_and_recordings_are_realistic(calls_with_truth: pl.DataFrame):
    """Notes have Vietnamese letters, quotes and line breaks; most answered calls are recorded."""
    notes = calls_with_truth["note"].drop_nulls()
    has_recording = calls_with_truth["recording_urls"].list.len() > 0
    answered = calls_with_truth["answered"].fill_null(False)

    assert all(notes.str.contains(mark).any() for mark in ('"', "\n", "ệ"))
    assert 0.85 < (has_recording & answered).sum() / answered.sum() < 1
    assert not (has_recording & ~answered).any()
    assert (
        calls_with_truth["recording_urls"]
        .explode(empty_as_null=False)
        .str.starts_with("https://recordings.example/")
        .all()
    )


def test_created_and_updated_times_follow_start_and_end(calls_with_truth: pl.DataFrame):
    """created_at is after the start, and updated_at after the end; times have milliseconds."""
    assert (calls_with_truth["created_at"] > calls_with_truth["started_at"]).all()
    assert (calls_with_truth["updated_at"] >= calls_with_truth["created_at"]).all()
    assert (calls_with_truth["updated_at"] > calls_with_truth["ended_at"]).drop_nulls().all()
    assert (calls_with_truth["started_at"].dt.microsecond() % 1_000 == 0).all()
    assert calls_with_truth["started_at"].dt.millisecond().n_unique() > 500


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "days", "seed"), [(50, 7, 7), (300, 7, 2), (2_000, 30, 5), (5_000, 1, 4), (20_000, 7, 9)]
)
def test_staff_follows_the_load(n: int, days: int, seed: int):
    """A person answers 75 to 95 % of inbound calls, for few calls and for many.

    With only 34 inbound calls, the standard error is 6 points, so the upper bound is wider.
    """
    simulation = simulate_calls(n, days=days, seed=seed)
    inbound = simulation.truth.calls.join(
        simulation.calls.select("id", "direction"), left_on="call_id", right_on="id"
    )
    answered = inbound.filter(pl.col("direction") == "in")["answered"].drop_nulls()

    assert 0.75 <= mean(answered) <= (0.95 if n < 1_000 else 0.92)


def test_patience_and_talk_time_have_the_true_means(
    calls_with_truth: pl.DataFrame, week: Simulation
):
    """The means differ from the parameters by less than four standard errors."""
    parameters = week.truth.parameters
    for column, expected in (
        ("patience_s", parameters.mean_patience_s),
        ("talk_s", parameters.mean_talk_s),
    ):
        values = calls_with_truth.filter(pl.col("direction") == "in")[column].drop_nulls()
        error = float(values.std() or 0) / values.len() ** 0.5
        assert abs(float(values.mean() or 0) - expected) < 4 * error


def test_losses_per_waiting_time_estimate_the_patience(
    calls_with_truth: pl.DataFrame, week: Simulation
):
    """Losses divided by the total waiting time estimate the rate of the exponential patience."""
    inbound = calls_with_truth.filter(pl.col("direction") == "in", ~pl.col("running"))
    lost = inbound.filter(~pl.col("answered")).height
    estimate = inbound["wait_s"].sum() / lost

    assert abs(estimate / week.truth.parameters.mean_patience_s - 1) < 4 / lost**0.5


def test_lost_callers_left_when_their_patience_ended(calls_with_truth: pl.DataFrame):
    """Lost callers wait as long as their patience, within 0.1 s; others at most as long."""
    inbound = calls_with_truth.filter(pl.col("direction") == "in", ~pl.col("running"))
    lost, answered = inbound.filter(~pl.col("answered")), inbound.filter("answered")

    assert (lost["wait_s"] - lost["patience_s"]).is_between(0, 0.1).all()
    assert (answered["wait_s"] <= answered["patience_s"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("days", [1, 7])
def test_truth_agrees_with_the_rules(seed: int, days: int):
    """The rules derive the true outcomes of legs, offers and lost calls from the call logs."""
    simulation = simulate_calls(1_500, seed=seed, days=days)
    truth, ivr = simulation.truth, simulation.truth.ivr_numbers
    rows = simulation.calls.to_dicts()
    legs = {
        (row["id"], index): _outcome(row, leg, ivr)
        for row in rows
        for index, leg in enumerate(row["call_targets"])
    }
    offers = {(row["id"], *offer) for row in rows for offer in _offers(row, ivr)}
    unanswered = simulation.truth.calls.filter(~pl.col("answered")).get_column("call_id")
    missed = {
        row["id"]: _lost_in(row, ivr)
        for row in rows
        if row["direction"] == "in" and row["id"] in set(unanswered)
    }

    assert {(call, index): cause for call, index, cause in truth.legs.iter_rows()} == legs
    assert set(truth.offers.iter_rows()) == offers
    assert (
        dict(truth.calls.drop_nulls("lost_in").select("call_id", "lost_in").iter_rows()) == missed
    )


def test_true_answers_waits_and_talks_follow_from_the_legs(
    calls_with_truth: pl.DataFrame, week: Simulation
):
    """Whether a person answered, the wait and the talk time, to the millisecond."""
    for call in calls_with_truth.filter(~pl.col("running")).iter_rows(named=True):
        answered = [
            leg
            for leg in call["call_targets"]
            if _is_answered(leg) and leg["target_number"] not in week.truth.ivr_numbers
        ]
        assert call["answered"] == bool(answered)
        end = answered[0]["answered_time"] if answered else call["ended_at"]
        assert call["wait_s"] == pytest.approx((end - call["started_at"]).total_seconds(), abs=1e-6)
        talk = (
            sum((leg["ended_time"] - leg["answered_time"]).total_seconds() for leg in answered)
            if answered
            else None
        )
        assert call["talk_s"] == (pytest.approx(talk, abs=1e-6) if answered else None)
