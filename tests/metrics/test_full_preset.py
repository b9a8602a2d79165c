"""Kinds, endings, queues and owners agree with the truth of simulations that no rule was fitted to.

The preset "full" has everything that a PBX writes: see `tests/simulator/test_full_preset.py`.
"""

from dataclasses import dataclass

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.examples import some

import etelecom_analytics as et
from etelecom_analytics.metrics import facts, legs, summarize
from etelecom_analytics.simulator import Simulation, Truth, serve, simulate_calls

SEEDS = (20_261, 20_262, 20_263, 20_264, 20_265)
ENDINGS = ("abandoned", "ended_by_pbx", "end_unknown")
LEG = ["call_id", "target_index"]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A simulation, and its calls as they were fetched over HTTP, with names."""

    simulation: Simulation
    logs: et.CallLogs
    options: et.MetricOptions

    @property
    def truth(self) -> Truth:
        return self.simulation.truth

    @property
    def calls(self) -> pl.DataFrame:
        return self.logs.calls


@pytest.fixture(
    scope="module",
    params=[
        SEEDS[0],
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in some(SEEDS[1:], at_least=1)),
    ],
)
def fetched(request: pytest.FixtureRequest) -> Fetched:
    simulation = simulate_calls(1_200, seed=request.param, preset="full")
    with serve(simulation.calls) as server:
        server.directory = simulation.directory
        with et.Client(server.base_url, server.api_key) as client:
            logs = et.fetch_calls(client, progress=False)
            named = logs.with_names(
                et.fetch_extensions(client), et.fetch_users(client), et.fetch_hotlines(client)
            )
    truth = simulation.truth
    options = et.MetricOptions(
        ivr_numbers=truth.ivr_numbers,
        queue_numbers=truth.queue_numbers,
        voicemail_numbers=truth.voicemail_numbers,
    )
    return Fetched(simulation=simulation, logs=named, options=options)


@pytest.fixture(scope="module")
def ended(fetched: Fetched) -> pl.DataFrame:
    """The facts of ended calls that count, joined with their truth."""
    truth = fetched.truth.endings.join(fetched.truth.calls, on="call_id")
    joined = facts(fetched.calls, options=fetched.options).join(
        truth, left_on="id", right_on="call_id", suffix="_true"
    )
    assert joined.height == fetched.calls.height
    return joined.filter(~pl.col("running_true"))


def of_ended_calls(table: pl.DataFrame, ended: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("call_id").is_in(ended["id"].implode()))


@pytest.mark.slow
def test_kinds_of_legs(fetched: Fetched):
    result = legs(fetched.calls, options=fetched.options).select(*LEG, pl.col("kind"))
    expected = fetched.truth.leg_owners.select(*LEG, "kind")

    assert_frame_equal(result, expected, check_row_order=False)
    assert expected["kind"].n_unique() == 6


@pytest.mark.slow
def test_outcomes_of_legs(fetched: Fetched):
    result = legs(fetched.calls, options=fetched.options).select(*LEG, cause="outcome")

    assert_frame_equal(result, fetched.truth.legs, check_row_order=False)


@pytest.mark.slow
def test_answered_calls_and_waits(ended: pl.DataFrame):
    counted = ended.filter(~pl.col("internal_twice"))

    assert counted.filter(pl.col("answered") != pl.col("answered_true")).is_empty()
    assert counted.filter((pl.col("wait_s") - pl.col("wait_s_true")).abs() > 1e-9).is_empty()
    assert counted["wait_s"].null_count() == 0


@pytest.mark.slow
def test_endings_of_missed_calls(ended: pl.DataFrame):
    counted = ended.filter(~pl.col("internal_twice"))
    for ending in ENDINGS:
        is_true = (pl.col("ending") == ending).fill_null(value=False)
        assert counted.filter(pl.col(ending) != is_true)["id"].to_list() == []
        assert counted.filter(is_true).height > 5
    missed = pl.sum_horizontal(pl.col(*ENDINGS).cast(pl.Int32))
    assert counted.filter(pl.col("missed").cast(pl.Int32) != missed).is_empty()


def test_who_hung_up_transfers_and_forwards(ended: pl.DataFrame):
    counted = ended.filter(~pl.col("internal_twice"))
    for fact, side in (("hung_up_by_caller", "caller"), ("hung_up_by_agent", "agent")):
        is_true = (pl.col("who_hung_up_true") == side).fill_null(value=False)
        assert counted.filter(pl.col(fact) != is_true)["id"].to_list() == []
    for fact in ("transfers", "forwards"):
        assert counted.filter(pl.col(fact) != pl.col(f"{fact}_true"))["id"].to_list() == []
        assert counted[fact].sum() > 5


def test_internal_calls_and_hidden_callers(fetched: Fetched, ended: pl.DataFrame):
    assert ended.filter(pl.col("internal_twice") != pl.col("internal_twice_true")).is_empty()
    inbound = ended.filter(pl.col("direction") == "in")
    assert inbound.filter(pl.col("unknown_callers") != pl.col("caller_number").is_null()).is_empty()
    by_caller = summarize(
        fetched.calls.filter(pl.col("direction") == "in"),
        ["caller"],
        ["calls"],
        options=fetched.options,
    )
    numbers = fetched.truth.endings["caller_number"].drop_nulls()
    assert set(numbers) <= set(by_caller["caller"].drop_nulls())


def test_queue_visits(fetched: Fetched, ended: pl.DataFrame):
    result = et.metrics.queue_visits(fetched.calls, options=fetched.options)
    columns = ["call_id", "queue", "entered_at", "left_at", "outcome"]
    expected = of_ended_calls(fetched.truth.queue_visits, ended)

    assert_frame_equal(
        of_ended_calls(result, ended).select(columns).cast({"outcome": pl.String}),
        expected.select(columns).cast({"outcome": pl.String}),
        check_row_order=False,
    )
    assert set(expected["outcome"]) >= {"answered", "abandoned", "overflowed", "ended_by_pbx"}


def test_owners_of_legs(fetched: Fetched):
    """All people, also those of an extension that changed hands, and none is assumed."""
    owner = pl.col("target_owners").list.eval(pl.element().struct.field("user_id"))
    result = (
        fetched.calls.select(
            call_id="id",
            target_index=pl.int_ranges(pl.col("call_targets").list.len(), dtype=pl.Int32),
            user_id=owner,
        )
        .explode("target_index", "user_id", empty_as_null=False)
        .filter(pl.col("target_index").is_not_null())
    )
    expected = fetched.truth.leg_owners.select(*LEG, "user_id")

    assert_frame_equal(result, expected, check_row_order=False)
    users = fetched.simulation.directory.account_users
    former = {row["user_id"] for row in users if row["deleted"]}
    assert len(former) == 1
    assert former < set(expected["user_id"])
    assumed = summarize(fetched.calls, measures=["owner_assumed"], options=fetched.options)
    assert assumed.item() == 0


def test_offers_by_user_are_those_of_the_truth(fetched: Fetched):
    """Offers, answers and rings without an answer of each person."""
    names = ["offers", "answered_offers", "rna"]
    result = summarize(fetched.calls, ["user_id"], names, options=fetched.options)
    twice = fetched.truth.endings.filter("internal_twice")["call_id"]
    counted = (
        fetched.truth.offers.join(
            fetched.truth.leg_owners.filter(pl.col("kind") == "person"), on=LEG
        )
        .filter(pl.col("outcome") != "in_progress", ~pl.col("call_id").is_in(twice.implode()))
        .group_by("user_id")
        .agg(
            offers=pl.len(),
            answered_offers=(pl.col("outcome") == "answered").sum(),
            rna=(pl.col("outcome") == "rna_timeout").sum(),
        )
    )
    owned = result.filter(pl.col("user_id").is_not_null(), pl.col("offers") > 0)

    assert_frame_equal(
        owned.select("user_id", *names),
        counted.select("user_id", *names),
        check_row_order=False,
        check_dtypes=False,
    )


def test_totals(fetched: Fetched, ended: pl.DataFrame):
    """The measures of all calls are the sums of the truth."""
    names = ["missed", *ENDINGS, "transfers", "forwards", "internal_twice", "unknown_callers"]
    row = summarize(fetched.calls, measures=names, options=fetched.options).row(0, named=True)
    truth = fetched.truth.endings.filter(~pl.col("internal_twice"))
    directions = fetched.calls.select("direction", call_id="id")
    hidden = fetched.truth.endings.join(directions, on="call_id").filter(
        pl.col("direction") == "in", pl.col("caller_number").is_null()
    )

    assert row == {
        "missed": truth["ending"].drop_nulls().len(),
        **{name: (truth["ending"] == name).sum() for name in ENDINGS},
        "transfers": truth["transfers"].sum(),
        "forwards": truth["forwards"].sum(),
        "internal_twice": fetched.truth.endings["internal_twice"].sum(),
        "unknown_callers": hidden.height,
    }


def test_data_quality_finds_the_change_of_hands_and_no_contradiction(fetched: Fetched):
    table = et.metrics.data_quality(fetched.logs, options=fetched.options)
    matches = dict(table.filter(pl.col("count") > 0).select("check", "count").iter_rows())

    assert matches.keys() - {"running_long"} == {"without_recording", "numbers_changed_hands"}
    assert matches["numbers_changed_hands"] == 1
    unlisted = et.metrics.data_quality(fetched.logs).filter(check="number_like_ivr")
    assert unlisted["count"].item() >= 4
