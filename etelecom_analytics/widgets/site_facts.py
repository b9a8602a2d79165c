"""What panels state about their calls, the day and the site file."""

from collections.abc import Iterable
from datetime import date

from ..language import tr
from ..locale.number_note import number_note
from ..metrics import Calls, MetricOptions
from ..phone_numbers import printable
from ..readable_dates import long_date
from ..site import Site

__all__ = ["matching_facts", "number_facts", "site_facts", "today_facts"]


def matching_facts(count: int, total: int) -> Iterable[tuple[str, str]]:
    """How many of all calls match."""
    yield tr("matching", context="fact"), tr("{n} of {total} calls", n=count, total=total)


def site_facts(site: Site) -> Iterable[tuple[str, str]]:
    """The site file that the panel used, if any."""
    if site.file:
        yield tr("settings", context="fact"), printable(str(site.file))


def today_facts(today: date | None) -> Iterable[tuple[str, str]]:
    """The day that "today" means, if it is known."""
    if today:
        yield tr("today", context="fact"), long_date(today)


def number_facts(calls: Calls, options: MetricOptions) -> Iterable[tuple[str, str]]:
    """The warning about numbers that look like an IVR or a queue, if any."""
    if note := number_note(calls, options):
        yield tr("warning", context="fact"), note
