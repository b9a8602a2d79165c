"""Inbound calls of the preset "busy"."""

from ..call_center import Parameters
from ..journeys import customer_call, exponential_patience
from ..pbx import Journey, Pbx
from .callers import BusyCustomers

__all__ = ["PARAMETERS", "inbound"]

PARAMETERS = Parameters(mean_patience_s=250.0, hasty_share=0.08)

_HASTY = (5_000, 20_000, 10_000)
"""Shortest, longest and most frequent patience of a hasty caller, in ms.

The hazard of giving up has such a peak in real calls (L. Brown, N. Gans, A. Mandelbaum, A. Sakov,
H. Shen, S. Zeltyn, L. Zhao, Statistical Analysis of a Telephone Call Center, JASA 100, 2005).
"""


def inbound(pbx: Pbx, number: int) -> Journey:
    """A customer calls, unless somebody who was missed before has called instead."""
    customers = _customers(pbx)
    if not customers.is_replaced(pbx.now):
        yield from _call(pbx, number, customers.next_caller(pbx.now))


def _call(pbx: Pbx, number: int, customer: str | None) -> Journey:
    """The call of this customer, who may call again if it is missed."""
    call = yield from customer_call(pbx, number, customer, _patience)
    if call.answered_leg is None and customer is not None:
        customers = _customers(pbx)
        customers.record_missed(pbx.now, customer)
        at = customers.redial_time(pbx.now)
        if at is not None:
            pbx.schedule(at, _call(pbx, pbx.new_id(at), customer))


def _customers(pbx: Pbx) -> BusyCustomers:
    assert isinstance(pbx.customers, BusyCustomers)  # those of the preset  # noqa: S101
    return pbx.customers


def _patience(pbx: Pbx) -> int:
    if pbx.rng.random() < pbx.parameters.hasty_share:
        return round(pbx.rng.triangular(*_HASTY))
    return exponential_patience(pbx)
