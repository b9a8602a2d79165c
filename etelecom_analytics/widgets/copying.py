"""Copyable: panels can be copied, and refuse pickling."""

from collections.abc import Mapping
from typing import Any, NoReturn, Self

__all__ = ["Copyable"]


class Copyable:
    """A widget whose copy is a new widget with the same arguments.

    A widget belongs to one page and one process, so it cannot be pickled.
    """

    _arguments: Mapping[str, Any]
    _pickle_advice = ""

    def _replica(self) -> Self:
        return type(self)(**self._arguments)

    def __copy__(self) -> Self:
        return self._replica()

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        # The calls are shared: no panel changes them.
        memo[id(self)] = replica = self._replica()
        return replica

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        name = type(self).__name__
        raise TypeError(
            f"{name} cannot be pickled, because it belongs to one page.{self._pickle_advice}"
        )
