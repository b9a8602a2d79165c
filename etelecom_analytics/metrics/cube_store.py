"""CubeStore: the cubes of a table of calls, which are built in the background."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

import polars as pl

from .call_facts import CALL_COLUMNS, COMPUTED_DIMENSIONS, NAME_COLUMNS, NUMBERS
from .cube import Cube, SortedValues
from .local_dimensions import start_dimensions
from .options import MetricOptions
from .registry import Grain

__all__ = ["CubeStore", "Request"]

MIN_CALLS = 50_000
"""Of fewer calls, the facts are as fast."""
_MAX_CUBES = 16
_COMMON = ("day", "direction", "call_state")
"""Each cube has these dimensions, which most filters use."""
_FIRST = ("hour", "in_hours", *CALL_COLUMNS, *COMPUTED_DIMENSIONS, *NAME_COLUMNS)
_FIRST_OF_OFFERS = ("target_number", "outcome")
_OF_DAYS = ("week", "month", "weekday")

RowsOfGrain = Callable[[Grain, MetricOptions], tuple[pl.DataFrame, pl.Series]]


class Request(NamedTuple):
    """A cube to build: its grain and dimensions."""

    grain: Grain
    dimensions: frozenset[str]


class CubeStore:
    """The cubes of a table; the least recently used is dropped.

    Args:
        options: the options of the facts.

    Attributes:
        options: the options of the facts.
        error: the error of the last cube that could not be built since `first`, if any. Its queries
            take the facts, and it is built again after the next call of `first`.
    """

    def __init__(self, options: MetricOptions) -> None:
        self.options = options
        self.error: Exception | None = None
        self._cubes: dict[Request, Cube] = {}
        self._requested: set[Request] = set()
        self._failed: set[Request] = set()
        self._pending = 0
        self._values: dict[Grain, Mapping[str, SortedValues]] = {}
        self._lock = Lock()

    @staticmethod
    def is_useful(calls: int) -> bool:
        """Whether cubes of so many calls are faster than their facts."""
        return calls >= MIN_CALLS

    @property
    def is_complete(self) -> bool:
        """Whether all cubes that were requested are built."""
        return not self._pending

    def find(self, grain: Grain, names: Iterable[str]) -> Cube | None:
        """The smallest cube with these dimensions, if there is one."""
        names = list(names)
        with self._lock:
            fits = [
                key
                for key, cube in self._cubes.items()
                if key.grain == grain and cube.covers(names)
            ]
            if not fits:
                return None
            key = min(fits, key=lambda key: self._cubes[key].size)
            cube = self._cubes[key] = self._cubes.pop(key)  # last, as the most recently used
            return cube

    def request(self, grain: Grain, names: Iterable[str]) -> list[Request]:
        """The cube with these dimensions, in a list; empty if it was requested before."""
        finer = ("day" if name in _OF_DAYS else name for name in names)
        wanted = Request(grain, frozenset((*_COMMON, *finer)))
        with self._lock:
            if wanted in self._requested:
                return []
            self._requested.add(wanted)
            self._pending += 1
            return [wanted]

    def first(self, columns: Sequence[str]) -> list[Request]:
        """The cubes that most changes need: by each dimension with few values.

        Cubes that failed before can be requested again.

        Args:
            columns: those of the calls.
        """
        with self._lock:
            self._requested -= self._failed
            self._failed, self.error = set(), None
        known = {*columns, *COMPUTED_DIMENSIONS, "hour"} - {*NUMBERS, *_COMMON}
        if self.options.business_hours:
            known.add("in_hours")
        of_calls = [name for name in _FIRST if name in known]
        wanted = [self.request("calls", [name]) for name in of_calls]
        wanted += [self.request("offers", [name]) for name in _FIRST_OF_OFFERS]
        return [each for requests in wanted for each in requests]

    def build(self, wanted: Request, rows_of: RowsOfGrain) -> None:
        """Build a cube that was requested, unless it would have too many cells.

        Args:
            wanted: the cube.
            rows_of: a function of a grain and options that returns the facts of all calls with
                `call_row`, the number of the call, and the numbers of calls that may be second
                logs of internal calls. Its errors are those of the cube.
        """
        try:
            grain, dimensions = wanted.grain, sorted(wanted.dimensions)
            facts, single = rows_of(grain, self.options)
            if grain not in self._values:
                self._values[grain] = SortedValues.of_grain(facts, grain)
            rows = facts.with_columns(**start_dimensions(dimensions, self.options))
            cube = Cube(rows, dimensions, grain, self._values[grain], single)
            with self._lock:
                if cube.is_small:
                    self._cubes[wanted] = cube
                for oldest in list(self._cubes)[:-_MAX_CUBES]:
                    del self._cubes[oldest]
                    self._requested.discard(oldest)
        except Exception as error:
            with self._lock:
                self.error = error
                self._failed.add(wanted)
            raise
        finally:
            with self._lock:
                self._pending -= 1
