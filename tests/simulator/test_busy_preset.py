"""The preset "busy" is reproducible, and has the ups and downs of real calls."""

from datetime import timedelta

import polars as pl
import pytest
from support.call_dispersion import call_dispersion

import etelecom_analytics as et
from etelecom_analytics.local_time import HOME_ZONE
from etelecom_analytics.simulator import Simulation, serve, simulate_calls

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def months() -> list[Simulation]:
    return [simulate_calls(6_000, seed=seed, days=28, preset="busy") for seed in (1, 2)]


@pytest.fixture(scope="module")
def inbound(months: list[Simulation]) -> pl.DataFrame:
    """Inbound calls of one month with their caller's number and their truth."""
    return (
        months[0]
        .calls.filter(direction="in")
        .with_columns(customer=pl.col("caller").str.replace(r"^\+?84", "0"))
        .join(months[0].truth.calls, left_on="id", right_on="call_id")
    )


def test_same_seed_gives_the_same_calls():
    one, again, other = (simulate_calls(300, seed=seed, preset="busy") for seed in (5, 5, 6))

    assert one.calls.equals(again.calls)
    assert one.truth.calls.equals(again.truth.calls)
    assert not one.calls.equals(other.calls)
    assert not one.calls.equals(simulate_calls(300, seed=5).calls)


@pytest.mark.parametrize(("n", "days"), [(0, 7), (1, 1), (2, 1), (50, 7), (999, 1), (1_001, 31)])
def test_redials_do_not_change_the_number_of_call_logs(n: int, days: int):
    simulation = simulate_calls(n, days=days, preset="busy")

    assert simulation.calls.height == simulation.truth.endings.height == n
    assert simulation.calls["id"].n_unique() == n
    assert simulation.calls["started_at"].is_sorted(descending=True)


def test_counts_vary_more_than_those_of_independent_calls(months: list[Simulation]):
    """At 150 inbound calls a day; `tests/benchmarks/busy.py` compares 1,200 with real calls."""
    phi = {
        cell: sum(
            call_dispersion(month.calls.filter(direction="in"), cell, time_zone=HOME_ZONE)
            for month in months
        )
        / len(months)
        for cell in ("day", "hour", "quarter hour")
    }
    basic = simulate_calls(6_000, seed=1, days=28).calls.filter(direction="in")

    # (phi - 1) grows with the number of calls: 1 + (21.6 - 1) / 8 and so on is expected
    assert 3.6 / 2 < phi["day"] < 3.6 * 2
    assert 1.2 < phi["hour"] < 2.4
    assert 1.05 < phi["quarter hour"] < 1.8
    assert call_dispersion(basic, "day", time_zone=HOME_ZONE) < 1.7
    assert call_dispersion(basic, "hour", time_zone=HOME_ZONE) < 1.15


def test_congestion_lasts():
    """Waits of one quarter of an hour resemble those of the next; not so in the preset "basic"."""

    def correlation(preset: str, gap: timedelta) -> float:
        simulation = simulate_calls(5_000, seed=1, days=3, preset=preset)
        quarters = (
            simulation.calls.filter(direction="in")
            .join(simulation.truth.calls, left_on="id", right_on="call_id")
            .group_by(at=pl.col("started_at").dt.truncate("15m"))
            .agg(pl.col("wait_s").mean(), n=pl.len())
            .filter(pl.col("n") >= 5)
        )
        later = quarters.select(at=pl.col("at") - gap, later="wait_s")
        return float(quarters.join(later, on="at").select(pl.corr("wait_s", "later")).item())

    lasting = correlation("busy", timedelta(minutes=15))
    assert lasting > 0.2
    assert lasting > correlation("basic", timedelta(minutes=15)) + 0.1


def test_few_callers_make_many_calls(inbound: pl.DataFrame):
    counts = inbound["customer"].drop_nulls().value_counts(sort=True)["count"]

    top = counts.head(round(len(counts) / 100)).sum() / counts.sum()
    assert 0.15 < top < 0.25


def test_missed_callers_call_again(months: list[Simulation]):
    """26 % within 10 minutes and 48 % within an hour are expected, of few missed calls."""
    calls = pl.concat(
        month.calls.filter(pl.col("direction") == "in", pl.col("caller").is_not_null())
        .with_columns(customer=pl.col("caller").str.replace(r"^\+?84", "0"))
        .sort("started_at")
        .with_columns(again=pl.col("started_at").shift(-1).over("customer"))
        for month in months
    )
    missed = calls.filter(call_state="not_answered")
    shares = missed.select(
        (pl.col("again") - pl.col("ended_at") <= pl.duration(minutes=minutes))
        .fill_null(value=False)
        .mean()
        .alias(str(minutes))
        for minutes in (10, 60)
    ).row(0)

    assert shares == pytest.approx((0.26, 0.48), abs=0.08)


def test_some_callers_give_up_between_5_and_20_s(months: list[Simulation]):
    """The hazard of giving up is higher there than before and after."""
    patience = pl.concat(month.truth.calls for month in months)["patience_s"].drop_nulls()

    def hazard(first: float, end: float) -> float:
        waiting = (patience >= first).sum()
        return ((patience >= first) & (patience < end)).sum() / waiting / (end - first)

    assert hazard(5, 20) > 1.5 * max(hazard(1, 5), hazard(20, 60))


def test_calls_are_the_same_through_the_server():
    simulation = simulate_calls(400, preset="busy")
    with serve(simulation.calls) as server:
        server.directory = simulation.directory
        client = et.Client(server.base_url, server.api_key)
        logs = et.fetch_calls(
            client, et.CallQuery(date_from="2026-11-02", date_to="2026-11-09"), progress=False
        )

    assert set(logs.calls["id"]) == set(simulation.calls["id"])
    assert et.summarize(logs.calls).equals(et.summarize(simulation.calls))
