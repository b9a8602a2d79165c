"""Base classes of the exceptions of this package."""

__all__ = ["EtelecomError", "Stopped"]


class EtelecomError(Exception):
    """Base class of all exceptions of this package."""


class Stopped(EtelecomError):
    """The user stopped the operation."""
