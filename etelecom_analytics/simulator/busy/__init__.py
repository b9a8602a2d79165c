"""The preset "busy": the ups and downs of real calls, of which most simulations have too few.

Calls of real centers are not independent: days differ by more than chance, a busy quarter of an
hour is followed by another, some callers give up within seconds, few callers make many calls, and
those who were missed call again. The values are chosen so that the number of calls is as
over-dispersed as that of the "Anonymous Bank" in February 1999 (A. Mandelbaum, A. Sakov, S. Zeltyn,
Empirical Analysis of a Call Center, Technion, 2001).
"""

from .callers import BusyCustomers
from .customer_calls import PARAMETERS, inbound
from .load import STAFFED_SHARE, uneven_load

__all__ = ["PARAMETERS", "STAFFED_SHARE", "BusyCustomers", "inbound", "uneven_load"]
