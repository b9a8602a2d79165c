"""FetchReport: what was fetched, how complete it is, and which irregularities occurred."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from . import local_time
from .fetch_parts import ExtraRequests, Gap, HotlineLabels, PageSetAside, Window
from .formatting import facts_html, facts_text
from .language import mark, ntr, number, tr
from .parsing.records import Drift, SetAside

__all__ = ["ExtraRequests", "FetchReport", "Gap", "HotlineLabels", "PageSetAside", "Window"]

_MIN_TIME, _MAX_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MAX_LINES = 8
_DATE_TEXTS = {
    "not verified": mark("not verified, because the server returned no call to check them with"),
    "shifted": mark("the server reads them in another time zone, so requests were corrected"),
}


@dataclass(frozen=True, kw_only=True, repr=False)
class FetchReport:
    """How the calls were fetched, in which range they are complete, and what was irregular.

    Every received row is accounted for: received = rows + repeated + outside + len(set_aside).

    Attributes:
        rows: calls in the table.
        received: rows received from the API.
        repeated: rows of a call that was received more than once; the newest state is in the table.
        outside: rows outside the query: they start outside its half-open range, or do not match a
            filter that the server ignored.
        pages: pages read.
        began_at: when the fetch began.
        complete_from: the table has every matching call that began at or after this time; None
            means since the first call.
        complete_to: the table is complete up to this time (exclusive): `date_to` of the query, or
            when the fetch began.
        gaps: parts of the requested range that were not fetched, such as the future.
        seconds: duration of the fetch.
        windows: the parts of the range that were fetched separately, oldest first.
        running: calls without an end.
        running_long: ids of those that began more than 12 hours before the fetch.
        dates_ignored: the server ignored the dates, so all its calls were read in one chain.
        date_check: how the server reads dates, checked with one of its calls: "verified",
            "shifted" (requests were corrected), "ignored", or "not verified" because it has no
            call; empty if the query has no dates.
        date_shift_s: how much later the server reads each time, in seconds; 0 if it is not known.
        filters_ignored: fields of the query that the server ignored. Calls that do not match were
            removed, except for `hotline_ids` and `department_id`, which calls do not contain.
        filters_not_verified: those of the two that the server may ignore: the requests that a
            client may use for its checks were used up.
        number_forms: in how many forms `call_number` was requested, such as 0..., 84... and +84....
        extra_requests: requests in addition to those for pages, by purpose.
        drift: how the responses differed from the contract of the API.
        set_aside: records that could not become rows, unchanged.
        pages_set_aside: pages that could not be parsed; each is also a gap.
        hotline_labels: how calls got their hotlines; None without `label_hotlines`.
        time_zone: the time zone in which the report is displayed.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
        ...     report = et.fetch_calls(client, query, progress=False).report
        >>> report.rows, report.complete, report.date_check
        (400, True, 'verified')
        >>> report.extra_requests
        (ExtraRequests(purpose='date check', requests=2),)
        >>> et.FetchReport.from_dict(report.to_dict()) == report
        True
    """

    rows: int
    received: int
    repeated: int
    outside: int
    pages: int
    began_at: datetime
    complete_from: datetime | None
    complete_to: datetime
    seconds: float
    gaps: tuple[Gap, ...] = ()
    windows: tuple[Window, ...] = ()
    running: int = 0
    running_long: tuple[str, ...] = ()
    dates_ignored: bool = False
    date_check: str = ""
    date_shift_s: float = 0.0
    filters_ignored: tuple[str, ...] = ()
    filters_not_verified: tuple[str, ...] = ()
    number_forms: int = 1
    extra_requests: tuple[ExtraRequests, ...] = ()
    drift: tuple[Drift, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    pages_set_aside: tuple[PageSetAside, ...] = ()
    hotline_labels: HotlineLabels | None = None
    time_zone: str = local_time.HOME_ZONE

    @property
    def complete(self) -> bool:
        """Whether every part of the range that lies in the past was fetched."""
        return all(window.whole for window in self.windows)

    @property
    def has_no_coverage(self) -> bool:
        """Whether nothing was fetched, for example after `clip` to a range outside the fetch."""
        begin = self.complete_from or _MIN_TIME
        if begin >= self.complete_to:
            return True
        return self.gaps_between(begin, self.complete_to) == (Gap(begin, self.complete_to),)

    def gaps_between(self, begin: datetime, end: datetime) -> tuple[Gap, ...]:
        """The parts of [begin, end) that were not fetched, in order and without overlaps."""
        before = [Gap(begin, self.complete_from)] if self.complete_from else []
        gaps = [
            Gap(max(gap.begin, begin), min(gap.end, end))
            for gap in (*before, *self.gaps, Gap(self.complete_to, end))
        ]
        union: list[Gap] = []
        for gap in sorted(gap for gap in gaps if gap.begin < gap.end):
            if union and gap.begin <= union[-1].end:
                union[-1] = Gap(union[-1].begin, max(union[-1].end, gap.end))
            else:
                union.append(gap)
        return tuple(union)

    def clip(self, begin: datetime | None, end: datetime | None) -> "FetchReport":
        """The report restricted to [begin, end); None means no bound.

        A chart of a part of the days uses it, so that days outside this part are not drawn as days
        without calls. Days inside it that were not fetched become gaps. The counts do not change.
        The bounds are timezone-aware, such as `date_from` and `date_to` of a query.
        """
        if begin is None and end is None:
            return self
        begin, end = (moment and moment.astimezone(UTC) for moment in (begin, end))
        edges = [moment for gap in self.gaps for moment in gap]
        gaps = self.gaps_between(
            begin or min([self.complete_from or _MIN_TIME, *edges]),
            end or max([begin or _MIN_TIME, self.complete_to, *edges]),
        )
        first = max((moment for moment in (begin, self.complete_from) if moment), default=None)
        first = min(first, end) if first and end else first
        last = min(end or self.complete_to, self.complete_to)
        return replace(self, complete_from=first, complete_to=max(last, first or last), gaps=gaps)

    def to_dict(self) -> dict[str, Any]:
        """The report as a JSON-compatible dict; `from_dict` reads it."""
        data = {
            field.name: _to_json(getattr(self, field.name))
            for field in fields(self)
            if field.name != "set_aside"
        }
        data["gaps"] = [[moment.isoformat() for moment in gap] for gap in self.gaps]
        # Not converted: a record may contain anything.
        data["set_aside"] = [record._asdict() for record in self.set_aside]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FetchReport":
        """The report of a dict from `to_dict`."""
        moments = {
            name: _from_iso(data[name]) for name in ("began_at", "complete_from", "complete_to")
        }
        lists = {
            "gaps": tuple(Gap(*map(datetime.fromisoformat, gap)) for gap in data["gaps"]),
            "windows": tuple(
                Window(**_with_moments(window, "begin", "end", "first_at", "last_at"))
                for window in data.get("windows", ())
            ),
            "running_long": tuple(data.get("running_long", ())),
            "drift": tuple(Drift(**drift) for drift in data["drift"]),
            "set_aside": tuple(SetAside(**record) for record in data["set_aside"]),
            "filters_ignored": tuple(data.get("filters_ignored", ())),
            "filters_not_verified": tuple(data.get("filters_not_verified", ())),
            "extra_requests": tuple(
                ExtraRequests(**extra) for extra in data.get("extra_requests", ())
            ),
            "pages_set_aside": tuple(
                PageSetAside(**_with_moments(page, "begin", "end"))
                for page in data.get("pages_set_aside", ())
            ),
            "hotline_labels": _labels_from(data.get("hotline_labels")),
        }
        return cls(**{**data, **moments, **lists})

    def facts(self) -> Iterable[tuple[str, str]]:
        """The report as pairs of label and text."""

        def local(moment: datetime | None) -> str:
            if moment is None:
                return tr("the first call")
            return local_time.display_text(moment, self.time_zone)

        def span(begin: datetime | None, end: datetime) -> str:
            return tr("{begin} to {end}", begin=local(begin), end=local(end))

        whole = tr("none") if self.has_no_coverage else span(self.complete_from, self.complete_to)
        yield tr("complete", context="fact"), whole
        missing = tr("missing", context="fact")
        for gap in self.gaps[:_MAX_LINES]:
            yield missing, span(*gap)
        if (more := len(self.gaps) - _MAX_LINES) > 0:
            yield missing, ntr("and {n} more part", "and {n} more parts", more)
        if self.windows:
            ended = sum(window.whole for window in self.windows)
            yield (
                tr("windows", context="fact"),
                ntr(
                    "{whole} of {n} window read to the end",
                    "{whole} of {n} windows read to the end",
                    len(self.windows),
                    whole=ended,
                ),
            )
        yield (
            tr("fetched", context="fact"),
            tr(
                "{rows} on {pages} in {seconds} s; {repeated} repeated, {outside} outside the "
                "range, {set_aside} set aside",
                rows=ntr("{n} row", "{n} rows", self.received),
                pages=ntr("{n} page", "{n} pages", self.pages),
                seconds=number(self.seconds, ".1f"),
                repeated=self.repeated,
                outside=self.outside,
                set_aside=len(self.set_aside),
            ),
        )
        if self.running:
            text = ntr("{n} call without an end", "{n} calls without an end", self.running)
            if long := len(self.running_long):
                more_text = tr("{n} of them for more than 12 h", n=long)
                text = f"{text}, {more_text}"
            yield tr("running", context="fact"), text
        if self.dates_ignored:
            text = tr("the server ignores them, so all its calls were read")
            yield tr("dates", context="fact"), text
        elif date_text := _DATE_TEXTS.get(self.date_check):
            yield tr("dates", context="fact"), tr(date_text)
        for field in self.filters_ignored:
            yield tr("filter", context="fact"), tr("the server ignores {field}", field=field)
        for field in self.filters_not_verified:
            text = tr("{field} not verified: the server may ignore it", field=field)
            yield tr("filter", context="fact"), text
        if self.number_forms > 1:
            text = tr("requested in {n} forms: 0..., 84... and +84...", n=str(self.number_forms))
            yield tr("number", context="fact"), text
        if self.extra_requests:
            texts = [f"{number(each.requests)} {tr(each.purpose)}" for each in self.extra_requests]
            text = tr("in addition to the pages: {requests}", requests=", ".join(texts))
            yield tr("requests", context="fact"), text
        if self.pages_set_aside:
            text = ntr(
                "{n} page could not be parsed",
                "{n} pages could not be parsed",
                len(self.pages_set_aside),
            )
            yield tr("unread", context="fact"), text
        if self.hotline_labels:
            yield from (
                (tr("hotlines", context="fact"), text) for text in self.hotline_labels.facts()
            )
        for drift in self.drift[:_MAX_LINES]:
            times = ntr("once", "{n} times", drift.count)
            text = tr("{times}, such as {example}", times=times, example=drift.example)
            yield tr("drift", context="fact"), f"{drift.field}: {drift.kind}, {text}"
        if (more := len(self.drift) - _MAX_LINES) > 0:
            text = ntr("and {n} more kind", "and {n} more kinds", more)
            yield tr("drift", context="fact"), text

    def __repr__(self) -> str:
        return facts_text("FetchReport", self.facts())

    def _repr_html_(self) -> str:
        return facts_html("FetchReport", self.facts())


def _to_json(value: Any) -> Any:
    """The value as JSON-compatible data."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        items = [_to_json(item) for item in value]
        return dict(zip(names, items, strict=True)) if names else items
    return value


def _from_iso(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _with_moments(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**data, **{name: _from_iso(data[name]) for name in names}}


def _labels_from(data: Mapping[str, Any] | None) -> HotlineLabels | None:
    if data is None:
        return None
    lists = {name: tuple(data[name]) for name in ("filters_ignored", "incomplete")}
    return HotlineLabels(**{**data, **lists})
