"""label_hotlines over real HTTP: the hotline of every missed call, also of odd servers."""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.hotlines import DEPARTMENTS, HOTLINES, Pbx, pbx_of

import etelecom_analytics as et
from etelecom_analytics.api import hotline_labels
from etelecom_analytics.api.hotline_labels import HotlineLabeller, LabelSettings
from etelecom_analytics.api.hotline_walks import HotlineWalks
from etelecom_analytics.cli import app
from etelecom_analytics.errors import InputError
from etelecom_analytics.fetch_report import FetchReport, HotlineLabels
from etelecom_analytics.simulator import Answer, CallLogServer, Request, faults
from etelecom_analytics.simulator.faults import Reading
from etelecom_analytics.simulator.rows import wire_rows

ClientOf = Callable[..., et.Client]
WEEK = et.CallQuery(date_from="2024-01-01", date_to="2024-01-06")
LABELS = ("department_id", "hotline_id", "hotline")
IS_MISSED = (pl.col("direction").cast(pl.String) == "in") & (
    pl.col("call_state").cast(pl.String) == "not_answered"
)


REFUSED = Answer(status=403, body={"code": "permission_denied", "msg": "no"})


@pytest.fixture(scope="module")
def pbx() -> Pbx:
    return pbx_of()


@pytest.fixture(scope="module")
def pbx_server(pbx: Pbx) -> Iterator[CallLogServer]:
    with pbx.serve() as server:
        yield server


@pytest.fixture
def server(pbx_server: CallLogServer, pbx: Pbx) -> CallLogServer:
    pbx_server.forget()
    pbx_server.directory = pbx.directory
    return pbx_server


def hotlines_of(request: Request) -> list[str]:
    """The hotlines in the filter of a request."""
    body = request.body if isinstance(request.body, dict) else {}
    return list(body.get("filter", {}).get("hotline_ids") or ())


def is_of_hotline(*ids: str) -> Callable[[Request], bool]:
    """Whether a request is for one of these hotlines, by default for any."""
    return lambda request: bool(
        set(hotlines_of(request)) & set(ids) if ids else hotlines_of(request)
    )


def is_list(name: str) -> Callable[[Request], bool]:
    return lambda request: request.path.endswith(name)


def pages_of(server: CallLogServer) -> list[Request]:
    return [each for each in server.requests if each.path.endswith("ListCallLogs")]


def fetch(client: et.Client, query: et.CallQuery = WEEK, **options: Any) -> et.CallLogs:
    return et.fetch_calls(client, query, label_hotlines=True, progress=False, **options)


def fetch_quietly(client: et.Client, query: et.CallQuery = WEEK, **options: Any) -> et.CallLogs:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fetch(client, query, **options)


def labels_of(logs: et.CallLogs) -> HotlineLabels:
    assert logs.report.hotline_labels is not None
    return logs.report.hotline_labels


def missed_labels(logs: et.CallLogs) -> dict[str, str | None]:
    return dict(logs.calls.filter(IS_MISSED).select("id", "hotline_id").iter_rows())


def check_counts(logs: et.CallLogs) -> None:
    """Every call is labelled or counted."""
    labels, bare = labels_of(logs), pl.col("hotline_id").is_null()
    inbound = logs.calls.filter(direction="in")
    assert labels.labelled == logs.calls["hotline_id"].count()
    assert labels.unlabelled == inbound.filter(bare).height
    assert labels.unlabelled_missed == inbound.filter(bare & IS_MISSED).height


# The truth.


@pytest.mark.slow
@pytest.mark.parametrize("query", [WEEK, et.CallQuery(), et.CallQuery(date_from="2024-01-03")])
@pytest.mark.parametrize("options", [{}, {"workers": 1}])
def test_every_missed_call_has_its_hotline(
    query: et.CallQuery,
    options: dict[str, Any],
    pbx: Pbx,
    server: CallLogServer,
    client_of: ClientOf,
):
    logs = fetch(client_of(server), query, **options)
    plain = et.fetch_calls(client_of(server), query, progress=False)

    missed = missed_labels(logs)
    assert len(missed) > 100
    assert missed == {call_id: pbx.hotlines[call_id] for call_id in missed}
    assert set(missed.values()) == HOTLINES.keys()
    assert_frame_equal(logs.calls.drop(LABELS), plain.calls)
    check_counts(logs)
    assert labels_of(logs)._replace(pages=0, labelled=0, unlabelled=0) == HotlineLabels(hotlines=3)


@pytest.mark.slow
def test_calls_with_an_extension_have_its_hotline(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    calls = fetch(client_of(server)).calls
    of_extension = {row["id"]: row["hotline_id"] for row in pbx.directory.extensions}
    named = {"9001": "19001111", "9002": "19002222", "9003": "Line 9003"}

    answered = calls.filter(pl.col("extension_id").is_not_null())
    expected = [of_extension[each] for each in answered["extension_id"]]
    assert answered["hotline_id"].to_list() == expected
    assert calls.columns[-3:] == [*LABELS]
    assert calls["hotline"].to_list() == [each and named[each] for each in calls["hotline_id"]]


def test_calls_have_the_department_of_their_user_or_of_those_who_rang(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    calls = fetch(client_of(server)).calls
    numbers = {row["extension_number"]: row["user_id"] for row in pbx.directory.extensions}
    expected = []
    for call in calls.iter_rows(named=True):
        rang = {
            pbx.departments.get(numbers.get(leg["target_number"], ""))
            for leg in call["call_targets"]
            if leg["ring_time"] is not None
        }
        rung = " / ".join(sorted(rang - {None})) or None
        expected.append(pbx.departments.get(call["user_id"], None) if call["user_id"] else rung)

    assert calls["department_id"].to_list() == expected
    missed = calls.filter(IS_MISSED)["department_id"]
    assert missed.count() > 0.8 * missed.len()
    assert {*DEPARTMENTS} < {*missed}


def test_without_the_list_of_users_there_are_hotlines(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(REFUSED, when=is_list("GetAccountUsers"))
    with pytest.warns(UserWarning, match="list of users was not received"):
        logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert logs.calls["department_id"].null_count() == logs.calls.height
    (sentence,) = labels_of(logs).incomplete
    assert sentence.endswith("(PermissionDenied, status 403), so no department is known.")


def test_rates_by_hotline_and_department_include_missed_calls(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    client = client_of(server)
    logs = fetch(client)
    named = logs.with_names(
        et.fetch_extensions(client), et.fetch_users(client), et.fetch_hotlines(client)
    )
    inbound = named.calls.filter(direction="in")
    names = {**HOTLINES, "9003": "Line 9003"}
    truth = pbx.calls.filter(pl.col("ended_at").is_not_null(), direction="in").with_columns(
        hotline=pl.Series(
            [
                names.get(pbx.hotlines[each])
                for each in pbx.calls.filter(pl.col("ended_at").is_not_null(), direction="in")["id"]
            ]
        )
    )

    assert_frame_equal(named.calls.select(logs.calls.columns), logs.calls)
    for hotline in names.values():
        (row,) = et.summarize(
            inbound.filter(hotline=hotline), by="hotline", measures=["offered", "missed"]
        ).iter_rows(named=True)
        is_missed = truth.filter(IS_MISSED, hotline=hotline)
        assert row["missed"] == is_missed.height > 0
        assert row["offered"] > row["missed"]
    by_department = et.summarize(inbound, by="department_id", measures=["missed"])
    alone = by_department.filter(pl.col("department_id").is_in(DEPARTMENTS))
    assert (alone["missed"] > 0).all()
    assert alone.height == 4
    assert (
        by_department["missed"].sum()
        == inbound.filter(IS_MISSED, pl.col("ended_at").is_not_null()).height
    )


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 7])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.35, 1.0])
def test_pages_are_at_most_those_promised(limit: int, share: float, pbx: Pbx, client_of: ClientOf):
    """(1 + share of missed inbound calls) times the plain fetch, plus 2 per hotline."""
    missed, others = pbx.calls.filter(IS_MISSED), pbx.calls.filter(~IS_MISSED)
    count = round(missed.height * share)
    calls = pl.concat([missed.head(count), others.head(0 if share == 1 else 400)])
    options = et.FetchOptions(page_limit=limit)
    counts = []
    for label in (False, True):
        with Pbx(
            calls=calls,
            directory=pbx.directory,
            hotlines=pbx.hotlines,
            departments=pbx.departments,
        ).serve() as server:
            logs = et.fetch_calls(
                client_of(server),
                WEEK,
                workers=1,
                label_hotlines=label,
                fetch_options=options,
                progress=False,
            )
            counts.append(len(pages_of(server)))
            assert logs.calls.height == calls.height

    plain, labelled = counts
    assert plain < labelled or not count
    assert labelled <= (1 + count / calls.height) * plain + 2 * len(HOTLINES)
    assert labels_of(logs).pages == labelled - plain


def test_without_missed_calls_no_hotline_is_requested(server: CallLogServer, client_of: ClientOf):
    for query in (
        et.CallQuery(direction="out"),
        et.CallQuery(call_state="answered"),
        et.CallQuery(date_from="2020-01-01", date_to="2020-01-02"),
    ):
        logs = fetch(client_of(server), query)
        assert labels_of(logs).hotlines == labels_of(logs).pages == 0
        check_counts(logs)
    assert not any(hotlines_of(request) for request in server.requests)


@pytest.mark.parametrize(
    "query",
    [
        et.CallQuery(direction="in", call_state="not_answered"),
        et.CallQuery(hotline_ids=["9001", "9003"], direction="in"),
        et.CallQuery(duration=("less_than_or_equal_to", 30), date_from="2024-01-03"),
    ],
)
def test_other_filters_hold_for_the_requests_by_hotline(
    query: et.CallQuery, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    logs = fetch(client_of(server), query)

    missed = missed_labels(logs)
    assert missed
    assert missed == {call_id: pbx.hotlines[call_id] for call_id in missed}
    own = {name: value for name, value in query.to_filter().items() if name == "duration"}
    for request in filter(is_of_hotline(), server.requests):
        if "call_state" in request.body["filter"]:
            assert request.body["filter"].items() >= own.items()


def test_a_query_of_one_hotline_needs_no_further_pages(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    """Also a call whose extension has another hotline is one of this hotline."""
    logs = fetch(client_of(server), et.CallQuery(hotline_ids=["9002"]))
    assert logs.calls.height > 100
    assert set(logs.calls["hotline_id"]) == {"9002"}
    assert labels_of(logs).pages == 0

    server.misbehave(faults.ignoring("hotline_ids"))
    logs = fetch_quietly(client_of(server), et.CallQuery(hotline_ids=["9002"]))
    assert labels_of(logs).filters_ignored == ("hotline_ids",)
    assert set(missed_labels(logs).values()) == {None}
    assert logs.calls.height == pbx.calls.height


def test_each_form_of_a_number_is_requested(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    caller = pbx.missed.filter(pl.col("caller").str.starts_with("09"))["caller"][0]
    logs = fetch(client_of(server), et.CallQuery(call_number=caller))

    missed = missed_labels(logs)
    assert missed
    assert missed == {call_id: pbx.hotlines[call_id] for call_id in missed}


# Filters that do not work.


def test_an_ignored_filter_is_reported(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(faults.ignoring("hotline_ids"))
    with pytest.warns(UserWarning, match="ignores the filter hotline_ids"):
        logs = fetch(client_of(server))

    assert labels_of(logs).filters_ignored == ("hotline_ids",)
    assert labels_of(logs).pages == len(HOTLINES)  # the first pages are enough to see it
    assert set(missed_labels(logs).values()) == {None}
    assert labels_of(logs).unlabelled_missed == pbx.missed.height
    assert logs.calls.height == pbx.calls.height
    assert logs.calls.filter(pl.col("extension_id").is_not_null())["hotline_id"].null_count() == 0
    assert "the server ignores hotline_ids" in repr(logs)
    check_counts(logs)


def test_an_ignored_filter_of_a_single_hotline_is_reported(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    rows = pbx.directory.hotlines[:1]
    server.directory = et.simulator.Directory(hotlines=rows)
    assert set(missed_labels(fetch(client_of(server))).values()) == {"9001", None}
    server.misbehave(faults.ignoring("hotline_ids"))
    with pytest.warns(UserWarning, match="ignores the filter hotline_ids"):
        logs = fetch(client_of(server))

    assert labels_of(logs).filters_ignored == ("hotline_ids",)
    assert set(missed_labels(logs).values()) == {None}


@pytest.mark.parametrize("query", [WEEK, replace(WEEK, hotline_ids=("9001",))])
@pytest.mark.parametrize("is_ignored", [False, True])
def test_an_unverified_filter_of_a_single_hotline_is_reported(
    pbx: Pbx,
    server: CallLogServer,
    client_of: ClientOf,
    query: et.CallQuery,
    is_ignored: bool,
):
    """Empty pages use up the requests for checks, so that nothing shows what the filter does."""
    server.directory = et.simulator.Directory(hotlines=pbx.directory.hotlines[:1])
    server.misbehave(
        faults.empty_page(3), when=lambda request: "date_from" not in request.body.get("filter", {})
    )
    if is_ignored:
        server.misbehave(faults.ignoring("hotline_ids"))
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        logs = fetch(client_of(server), query)

    text = "hotline_ids was not verified: with one hotline"
    assert any(text in str(each.message) for each in messages)
    assert any("was not verified" in text for text in labels_of(logs).incomplete)
    assert labels_of(logs).filters_ignored == ()
    assert "missed calls may have a wrong hotline" in repr(logs)


def test_what_another_fetch_has_learned_stays(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
):
    """A fetch of few calls does not forget that the filter is ignored."""
    server.misbehave(faults.ignoring("hotline_ids"))
    client = client_of(server)
    labeller = HotlineLabeller(client)
    first = pbx.missed.sort("started_at")["started_at"][1]
    logs = et.fetch_calls(client, et.CallQuery(date_to=first), progress=False)
    settings = LabelSettings(workers=1, max_pages=99, page_limit=100, is_stopped=lambda: False)
    read = HotlineWalks.run

    def run(walks: HotlineWalks) -> None:
        read(walks)
        assert walks.filter_is_ignored
        assert walks.fewest < 5
        labeller.lists(lambda: True).filter_is_ignored = True  # by another fetch, at this moment

    monkeypatch.setattr(HotlineWalks, "run", run)
    labeller.label(logs, settings)
    assert labeller.lists(lambda: True).filter_is_ignored


def reading_as(**ids: list[str]) -> Reading:
    """The server reads the id of a hotline, such as `h9001`, as these ids."""

    def read(query: dict[str, Any]) -> dict[str, Any]:
        own = query.get("hotline_ids")
        return {**query, "hotline_ids": ids.get(f"h{own[0]}", own)} if own else query

    return Reading(read)


def test_calls_of_several_hotlines_have_none(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(reading_as(h9001=["9001", "9003"]))
    with pytest.warns(UserWarning, match="for several hotlines"):
        logs = fetch(client_of(server))

    shared = sum(pbx.hotlines[each] == "9003" for each in pbx.missed["id"])
    truth = {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(logs).overlapping == labels_of(logs).unlabelled_missed == shared > 0
    assert labels_of(logs).filters_ignored == ()
    assert missed_labels(logs) == {
        each: None if hotline == "9003" else hotline for each, hotline in truth.items()
    }
    assert f"{shared} calls returned for several hotlines" in repr(logs)
    check_counts(logs)


def test_calls_of_several_hotlines_do_not_have_that_of_an_extension(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    """The PBX may state one of the extensions that did not answer."""
    extension = pbx.directory.extensions[0]["id"]
    server.change(*({**row, "extension_id": extension} for row in wire_rows(pbx.missed)))
    server.misbehave(reading_as(h9001=["9001", "9003"]))
    logs = fetch_quietly(client_of(server))

    assert missed_labels(logs) == {
        each: None if pbx.hotlines[each] == "9003" else pbx.hotlines[each]
        for each in pbx.missed["id"]
    }


def test_two_names_of_one_hotline_do_not_spoil_the_third(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(reading_as(h9002=["9001"]))
    logs = fetch_quietly(client_of(server))

    truth = {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(logs).filters_ignored == ()
    assert missed_labels(logs) == {
        each: hotline if hotline == "9003" else None for each, hotline in truth.items()
    }


@pytest.mark.parametrize("field", ["call_state", "direction"])
def test_another_ignored_filter_is_reported_and_labels_are_right(
    field: str, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(faults.ignoring(field), when=is_of_hotline())
    with pytest.warns(UserWarning, match=field):
        logs = fetch(client_of(server))

    assert labels_of(logs).filters_ignored == (field,)
    truth = {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert missed_labels(logs) == truth
    if field == "call_state":  # a hotline of an answered call that the filter shows
        assert labels_of(logs).unlabelled == 0


# Lists.


def test_a_shop_uses_its_own_list(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(REFUSED, when=is_list("GetPartnerHotlineList"))
    logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(logs).incomplete == ()


def test_without_a_list_the_hotlines_of_extensions_are_requested(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(REFUSED, when=is_list("GetPartnerHotlineList"))
    server.misbehave(REFUSED, when=is_list("Shop/GetHotlines"))
    with pytest.warns(UserWarning, match="list of hotlines was not received"):
        logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert logs.calls["hotline"].equals(logs.calls["hotline_id"])
    (sentence,) = labels_of(logs).incomplete
    assert sentence == (
        "The list of hotlines was not received (PermissionDenied, status 403), so only hotlines "
        "with an extension are known, and shown by their id."
    )


def test_without_any_list_no_call_is_lost(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(REFUSED, when=lambda request: not is_list("ListCallLogs")(request))
    logs = fetch_quietly(client_of(server))

    assert logs.calls.height == pbx.calls.height
    assert labels_of(logs).labelled == 0
    assert "The list of extensions was not received" in labels_of(logs).incomplete[0]
    assert "no hotline is known" in labels_of(logs).incomplete[1]
    check_counts(logs)


def test_a_hotline_that_only_an_extension_has_is_requested(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    lists = pbx.directory
    server.directory = et.simulator.Directory(
        extensions=lists.extensions, hotlines=lists.hotlines[:1]
    )
    logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    names = dict(logs.calls.select(LABELS[1:]).drop_nulls().iter_rows())
    assert names == {"9001": "19001111", "9002": "9002", "9003": "9003"}


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["x7", "0", "-1", "9" * 20, "", None, 9002])
def test_ids_that_no_filter_can_have_do_no_harm(
    odd: Any, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    lists = pbx.directory
    server.directory = et.simulator.Directory(
        extensions=lists.extensions, hotlines=({**lists.hotlines[0], "id": odd}, *lists.hotlines)
    )
    logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(logs).hotlines == 3


# Requests that fail.


def test_passing_errors_do_not_matter(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(
        faults.too_many(), when=lambda each: is_of_hotline()(each) and each.attempt == 0
    )
    logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(logs).incomplete == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (faults.too_many(), "RateLimited, status 429"),
        (REFUSED, "PermissionDenied, status 403"),
        (Answer(reset=True), "NoAnswer"),
        (faults.html(), "Unreadable, status 200"),
    ],
)
def test_a_failure_half_way_loses_no_call_and_is_reported(
    answer: Answer, reason: str, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(answer, when=lambda each: is_of_hotline("9001")(each) and each.page > 0)
    client = client_of(server, retry=et.Retry(attempts=2))
    with pytest.warns(UserWarning, match="not read to the end"):
        logs = fetch(client, workers=1)

    assert logs.calls.height == pbx.calls.height
    assert logs.report.complete
    (sentence,) = labels_of(logs).incomplete
    assert f"({reason})" in sentence
    assert "hotlines were not read to the end" in sentence
    missed = missed_labels(logs)
    known = {each: hotline for each, hotline in missed.items() if hotline}
    assert 0 < len(known) < len(missed)
    assert known == {each: pbx.hotlines[each] for each in known}
    check_counts(logs)

    server.forget()
    again = fetch(client_of(server), logs.query, resume=logs)
    assert missed_labels(again) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(again).incomplete == ()
    assert all(
        hotlines_of(each)
        for each in pages_of(server)
        if each.body["filter"].keys() > {"date_from", "date_to"}
    )
    assert again.report.pages == logs.report.pages  # no page of calls was read again


def test_an_endless_walk_is_ended(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(faults.cycle(1), when=is_of_hotline("9001"))
    logs = fetch_quietly(client_of(server))

    assert logs.calls.height == pbx.calls.height
    assert "PagingError" in labels_of(logs).incomplete[0]


def test_a_stop_keeps_all_calls(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    client = client_of(server)
    server.misbehave(faults.late(0.3), when=is_of_hotline())
    fetching = et.fetcher(client, workers=1, label_hotlines=True)

    def stop() -> bool:
        return any(map(is_of_hotline(), server.requests))

    with pytest.raises(et.FetchStopped) as stopped:
        fetching(WEEK, lambda calls, reached: None, stop)
    partial = stopped.value.partial
    assert partial.calls.height == pbx.calls.height
    assert partial.report.complete
    assert "the fetch was stopped" in labels_of(partial).incomplete[0]

    server.forget()
    logs = fetching(WEEK, lambda calls, reached: None, lambda: False, resume=partial)
    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}


def test_a_stop_does_not_wait_for_a_list(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    server.misbehave(faults.late(30), when=is_list("GetExtensions"))
    fetching = et.fetcher(client_of(server), label_hotlines=True)
    started = time.monotonic()

    with pytest.raises(et.FetchStopped) as stopped:
        fetching(
            WEEK,
            lambda calls, reached: None,
            lambda: any(map(is_list("GetExtensions"), server.requests)),
        )
    assert time.monotonic() - started < 20
    assert stopped.value.partial.calls.height == pbx.calls.height
    assert labels_of(stopped.value.partial).incomplete == (
        "The hotlines were not requested (the fetch was stopped).",
    )


def test_an_error_of_this_package_keeps_all_calls(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(hotline_labels, "names_last", fail)
    with pytest.raises(et.IncompleteFetch, match="a bug") as error:
        fetch(client_of(server))
    assert error.value.partial.calls.height == pbx.calls.height

    monkeypatch.undo()
    logs = fetch(client_of(server), resume=error.value.partial)
    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}


def test_a_partial_fetch_is_labelled_when_it_is_complete(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(Answer(status=400), when=lambda each: each.page > 1)
    with pytest.raises(et.IncompleteFetch) as error:
        fetch(client_of(server), et.CallQuery())
    assert error.value.partial.report.hotline_labels is None
    assert "hotline_id" not in error.value.partial.calls.columns

    server.forget()
    logs = fetch(client_of(server), resume=error.value.partial, query=et.CallQuery())
    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}


# Calls that change between the two requests.


def test_a_call_without_a_hotline_is_counted(pbx: Pbx, client_of: ClientOf):
    bare = pbx.missed["id"][:7].to_list()
    hotlines = {each: hotline for each, hotline in pbx.hotlines.items() if each not in bare}
    with pbx.serve(hotlines=hotlines) as server:
        logs = fetch(client_of(server))

    missed = missed_labels(logs)
    assert {each for each, hotline in missed.items() if hotline is None} == set(bare)
    assert labels_of(logs).unlabelled_missed == 7
    assert "7 of them not answered" in repr(logs)


def test_calls_that_change_meanwhile_are_counted(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    """One is answered, one is deleted, and one begins, before the hotlines are requested."""
    first, second = wire_rows(pbx.missed.head(2))
    new = {**second, "id": "99999999"}
    answered = {**first, "call_state": "answered", "call_status": "P"}
    changes = iter([True])

    def change() -> None:
        if next(changes, False):
            server.change(answered, new)
            server.delete(second["id"])

    server.misbehave(faults.then(change), when=is_list("GetExtensions"))
    logs = fetch(client_of(server))

    missed = missed_labels(logs)
    assert missed.keys() == set(pbx.missed["id"])
    assert {each for each, hotline in missed.items() if hotline is None} == {
        first["id"],
        second["id"],
    }
    check_counts(logs)


def test_the_filter_wins_over_the_extension(pbx: Pbx, server: CallLogServer, client_of: ClientOf):
    """The PBX may state one of the extensions that did not answer."""
    extension = next(row for row in pbx.directory.extensions if row["hotline_id"] == "9003")
    rows = [
        {**row, "extension_id": extension["id"]}
        for row in wire_rows(pbx.missed)
        if pbx.hotlines[row["id"]] != "9003"
    ]
    server.change(*rows)
    logs = fetch(client_of(server))

    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert labels_of(logs).differing == len(rows) > 0
    assert f"{len(rows)} calls with another hotline than their extension" in repr(logs)


@pytest.mark.parametrize(
    "fault", [faults.shifted_dates(7), faults.ignoring("date_from", "date_to")]
)
def test_servers_that_misread_dates(
    fault: Reading, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(fault)
    query = et.CallQuery(date_from="2024-01-02 09:00", date_to="2024-01-04 15:00")
    logs = fetch_quietly(client_of(server), query)

    missed = missed_labels(logs)
    assert len(missed) > 50
    assert missed == {call_id: pbx.hotlines[call_id] for call_id in missed}


# What is done with labels.


def test_snapshots_merges_and_reports_keep_labels(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    client = client_of(server)
    days = ("2024-01-01", "2024-01-03", "2024-01-06")
    logs, first, second = (
        fetch(client, et.CallQuery(date_from=begin, date_to=end))
        for begin, end in ((days[0], days[2]), days[:2], days[1:])
    )

    et.write_snapshot(logs, tmp_path / "labelled")
    assert et.read_snapshot(tmp_path / "labelled") == logs
    hidden = et.Privacy().apply_to_logs(logs)
    assert_frame_equal(hidden.calls.select(LABELS), logs.calls.select(LABELS))
    as_json = json.loads(json.dumps(logs.report.to_dict()))
    assert FetchReport.from_dict(as_json) == logs.report
    del as_json["hotline_labels"]  # as reports were written before
    assert FetchReport.from_dict(as_json).hotline_labels is None

    bare = logs.calls.with_columns(pl.lit(None, pl.String).alias(each) for each in LABELS)
    unlabelled = et.CallLogs(calls=bare, query=logs.query, report=logs.report)
    assert_frame_equal(et.merge_logs(logs, unlabelled).calls, logs.calls)
    assert_frame_equal(et.merge_logs(unlabelled, logs).calls, logs.calls)
    both = et.merge_logs(first, second)
    assert_frame_equal(both.calls, logs.calls)
    check_counts(both)
    with pytest.raises(InputError, match="the same columns"):
        et.merge_logs(first, et.fetch_calls(client, second.query, progress=False))


def test_with_names_keeps_labels_and_names_them(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    client = client_of(server)
    logs = fetch(client)
    renamed = et.fetch_hotlines(client).with_columns(hotline=pl.lit("H") + pl.col("id"))

    named = logs.with_names(hotlines=renamed)
    assert named.calls["hotline_id"].equals(logs.calls["hotline_id"])
    assert named.calls["hotline"].to_list() == [
        each and f"H{each}" for each in logs.calls["hotline_id"]
    ]
    with pytest.raises(InputError, match="pass extensions too"):
        et.fetch_calls(client, WEEK, progress=False).with_names(hotlines=renamed)


# The panel and the command line.


@pytest.mark.slow
def test_a_panel_labels_and_shows_code_that_does(
    pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    client = client_of(server)
    panel = et.FetchPanel(fetch=et.fetcher(client, label_hotlines=True), query=WEEK)
    panel.apply()
    assert panel.wait(60)

    assert panel.result is not None
    assert missed_labels(panel.result) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    names: dict[str, Any] = {"client": client}
    exec(panel.code(), names)  # as a user does in a notebook  # noqa: S102
    assert_frame_equal(names["logs"].calls, panel.result.calls)
    assert "label_hotlines" not in et.FetchPanel(fetch=et.fetcher(client), query=WEEK).code()


COMMAND = ["fetch", "calls", "--from", "2024-01-01", "--to", "2024-01-06"]


@pytest.mark.slow
def test_command_labels_and_continues_after_a_stop(
    pbx: Pbx,
    server: CallLogServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)
    server.misbehave(faults.interrupt(), when=is_of_hotline("9002"))
    assert app.main([*COMMAND, "--label-hotlines"]) == 130
    assert f"{pbx.calls.height} calls were received" in capsys.readouterr().err
    assert et.read_snapshot("calls.partial").calls.height == pbx.calls.height

    server.forget()
    assert app.main([*COMMAND, "--label-hotlines"]) == 0
    assert "calls labelled" in capsys.readouterr().out
    logs = et.read_snapshot("calls")
    assert missed_labels(logs) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert not Path("calls.partial").exists()
