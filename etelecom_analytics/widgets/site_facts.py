"""What a panel states about the site file and about numbers without a person."""

from collections.abc import Iterable

from ..locale.number_note import number_note
from ..metrics import Calls, MetricOptions
from ..phone_numbers import printable
from ..site import Site

__all__ = ["number_facts", "site_facts"]


def site_facts(site: Site) -> Iterable[tuple[str, str]]:
    """The site file that the panel used, if any."""
    if site.file:
        yield "settings", printable(str(site.file))


def number_facts(calls: Calls, options: MetricOptions) -> Iterable[tuple[str, str]]:
    """The warning about numbers that look like an IVR or a queue, if any."""
    if note := number_note(calls, options):
        yield "warning", note
