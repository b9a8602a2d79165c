"""reconcile: seven of seven totals of a simulated portal, and each planted cause with its ids."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from support.call_cases import frame
from support.random_calls import OPTIONS, random_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import PORTAL_TOTALS, RECONCILIATION_CAUSES
from etelecom_analytics.simulator import PORTAL_CAUSES, portal_totals, simulate_portal

TARIFF = et.Tariff(per_second={"viettel": "7.5", "default": "13.4"})


def logs_of(calls: pl.DataFrame) -> et.CallLogs:
    sample = et.sample_logs()
    return et.CallLogs(calls=calls, query=sample.query, report=sample.report)


def reconciled(portal, /, **changes):
    arguments = {
        "portal": portal.totals,
        "tariff": portal.tariff,
        "date_from": portal.date_from,
        "date_to": portal.date_to,
        "options": et.MetricOptions(ivr_numbers=portal.ivr_numbers),
    }
    return et.reconcile(logs_of(portal.calls), **(arguments | changes))


def named(result) -> dict[str, set[str]]:
    """The ids of the calls by the cause of their differences."""
    return {cause: set(ids) for cause in RECONCILIATION_CAUSES if (ids := result.ids(cause))}


def assert_causes_add_up(result):
    sums = result.causes.group_by("total").agg(pl.col("difference").sum().alias("explained"))
    table = result.totals.join(sums, on="total", how="left").with_columns(
        pl.col("explained").fill_null(0.0)
    )
    apart = table.filter((pl.col("difference") - pl.col("explained")).abs() > 1e-6)
    assert apart.is_empty(), apart
    assert result.calls["cause"].null_count() == 0


def test_every_cause_can_be_planted_but_a_missing_price():
    assert [*PORTAL_CAUSES, "price_unknown"] == list(RECONCILIATION_CAUSES)


def test_plain_calls_have_no_difference():
    result = reconciled(simulate_portal(causes=[]))

    assert result.matching == tuple(PORTAL_TOTALS)
    assert result.causes.is_empty()
    assert result.totals["portal"].min() > 10
    assert not result.starts_in_period_only


@pytest.mark.slow
@pytest.mark.parametrize("cause", PORTAL_CAUSES)
def test_a_cause_alone(cause):
    portal = simulate_portal(causes=[cause], seed=len(cause))
    result = reconciled(portal)

    assert result.matching == tuple(PORTAL_TOTALS)
    assert named(result) == {cause: set(portal.planted[cause])}
    assert len(result.ids(cause)) == 3
    assert_causes_add_up(result)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
)
def test_all_causes_together(seed):
    portal = simulate_portal(1_200, seed=seed, each=5)
    result = reconciled(portal)

    assert result.matching == tuple(PORTAL_TOTALS)
    assert named(result) == {cause: set(ids) for cause, ids in portal.planted.items()}
    assert_causes_add_up(result)


def test_several_causes_of_one_call():
    portal = simulate_portal(causes=["created_outside", "status_missing"], each=1)
    (outside,) = portal.planted["created_outside"]
    is_outside = pl.col("id") == outside
    calls = portal.calls.with_columns(
        call_status=pl.when(~is_outside).then("call_status"),
        duration=pl.when(is_outside).then(61).otherwise("duration"),
    )
    result = et.reconcile(
        logs_of(calls), portal={}, date_from=portal.date_from, date_to=portal.date_to
    )

    rows = result.calls.filter(call_id=outside)
    assert set(rows["cause"]) == {"created_outside"}
    assert rows["causes"][0].to_list() == ["created_outside", "status_missing"]


@pytest.mark.parametrize(
    ("total", "amount"), [("calls", 1), ("talk_in_s", 7), ("minutes", 1), ("fee", -14)]
)
def test_what_the_rules_do_not_explain_is_shown(total, amount):
    portal = simulate_portal(causes=["running"])
    totals = {**portal.totals, total: portal.totals[total] + amount}
    result = reconciled(portal, portal=totals)

    assert set(result.matching) == set(PORTAL_TOTALS) - {total}
    assert result.totals.filter(total=total)["unexplained"].item() == amount
    assert "6 of 7" in repr(result)


def test_a_masked_number_has_no_price():
    portal = simulate_portal(causes=[])
    is_charged = (pl.col("direction") == "out") & (pl.col("call_status") == "P")
    is_charged &= pl.col("created_at").is_between(portal.date_from, portal.date_to)
    call_id = portal.calls.filter(is_charged)["id"][0]
    calls = portal.calls.with_columns(callee=pl.when(pl.col("id") != call_id).then("callee"))
    result = et.reconcile(
        logs_of(calls),
        portal=portal.totals,
        tariff=portal.tariff,
        date_from=portal.date_from,
        date_to=portal.date_to,
    )

    assert set(PORTAL_TOTALS) - set(result.matching) == {"fee"}
    assert result.ids("price_unknown", "fee") == [call_id]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_calls_as_by_the_portal(seed):
    calls = random_calls(400, seed=seed).with_columns(
        pl.col("callee").replace_strict({}, default="0961234567", return_dtype=pl.String),
        pl.col("duration").clip(lower_bound=0),
        created_at=pl.col("started_at") + pl.duration(hours=1),
    )
    dates = {
        "date_from": datetime(2026, 11, 2, tzinfo=UTC),
        "date_to": datetime(2026, 11, 3, tzinfo=UTC),
    }
    totals = portal_totals(calls, **dates)
    options = et.MetricOptions(**OPTIONS)
    result = et.reconcile(logs_of(calls), portal=totals, tariff=TARIFF, options=options, **dates)

    assert result.matching == tuple(PORTAL_TOTALS)
    assert_causes_add_up(result)
    ours = dict(result.totals.select("total", "ours").rows())
    in_period = calls.filter(pl.col("started_at").is_between(*dates.values(), closed="left"))
    names = ["calls", "answered", "missed", "talk_s"]
    measured = et.summarize(in_period, measures=names, options=options).row(0)
    assert (ours["calls"], ours["succeeded"], ours["failed"]) == measured[:3]
    assert ours["minutes"] == pytest.approx(measured[3] / 60)
    assert ours["fee"] == et.metrics.cost(in_period, TARIFF)["cost_vnd"].item()
    assert min(totals.values()) > 10


def test_the_period_is_that_of_the_query():
    logs = et.sample_logs()
    result = et.reconcile(logs, portal={"calls": 400})

    assert (result.date_from, result.date_to) == (logs.query.date_from, logs.query.date_to)
    assert result.starts_in_period_only
    assert result.totals.filter(total="fee")["by_portal_rules"].to_list() == [None]
    assert et.reconcile(logs_of(frame()), portal={"calls": 0}).matching == ("calls",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"portal": 400}, "portal is a mapping"),
        ({"portal": {"calls": "400"}}, "calls is a number"),
        ({"portal": {"calls": float("nan")}}, "calls is a number"),
        ({"portal": {"fee": 1}}, "fee needs a tariff"),
        ({"portal": {"call": 1}}, "calls"),
        ({"portal": {}, "date_from": "2026-12-01"}, "before date_to"),
        ({"portal": {}, "date_from": 5}, "date_from must be"),
        ({"portal": {}, "logs": et.sample_logs().calls}, "takes CallLogs"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(arguments, words):
    with pytest.raises(InputError, match=words) as caught:
        et.reconcile(**({"logs": et.sample_logs()} | arguments))
    assert "\n" not in str(caught.value)


def test_unknown_causes():
    result = et.reconcile(et.sample_logs(), portal={})
    with pytest.raises(UnknownName, match="running"):
        result.ids("run")
    with pytest.raises(UnknownName, match="running"):
        simulate_portal(causes=["run"])
    with pytest.raises(InputError, match="too few"):
        simulate_portal(20)


def test_call_of_unknown_price_is_named_if_it_started_before_the_period():
    plain = simulate_portal(causes=[])
    created = plain.calls.filter(
        pl.col("created_at").is_between(plain.date_from, plain.date_to, closed="left"),
        direction="out",
        call_status="P",
    ).head(1)
    early = plain.date_from - timedelta(minutes=5)
    masked = created.with_columns(
        callee=pl.lit("091*****78"),
        started_at=pl.lit(early).cast(created["started_at"].dtype),
    )
    result = et.reconcile(
        logs_of(masked),
        portal=dict.fromkeys(PORTAL_TOTALS, 0),
        tariff=plain.tariff,
        date_from=plain.date_from,
        date_to=plain.date_to,
    )

    assert set(result.ids("price_unknown")) == set(masked["id"])
