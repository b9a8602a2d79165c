"""History: where somebody has been, to go back and forth."""

from typing import Generic, TypeVar

__all__ = ["History"]

Seen = TypeVar("Seen")

_MOST = 200


class History(Generic[Seen]):
    """Values that were seen one after the other, and which of them is seen now. To see a new one forgets what was undone."""

    def __init__(self, first: Seen) -> None:
        self._seen, self._at = [first], 0

    @property
    def now(self) -> Seen:
        """What is seen now."""
        return self._seen[self._at]

    def see(self, value: Seen) -> None:
        """Another value is seen now; the same as now is no step."""
        if value != self.now:
            self._seen = [*self._seen[: self._at + 1], value][-_MOST:]
            self._at = len(self._seen) - 1

    @property
    def can_undo(self) -> bool:
        """Whether there is something before."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return self._at < len(self._seen) - 1

    def undo(self) -> Seen:
        """The value before, which is seen now; the same if there is none."""
        self._at = max(self._at - 1, 0)
        return self.now

    def redo(self) -> Seen:
        """The value that was undone last, which is seen now; the same if there is none."""
        self._at = min(self._at + 1, len(self._seen) - 1)
        return self.now
