"""The archive: years of calls in a Delta Lake table, kept in step with the API a day at a time."""

from .archive import Archive
from .history import ArchiveDiff
from .status import ArchiveStatus
from .sync import IncompleteSync, SyncReport, SyncStopped

__all__ = ["Archive", "ArchiveDiff", "ArchiveStatus", "IncompleteSync", "SyncReport", "SyncStopped"]
