"""Archive of years of calls in a Delta Lake table, synchronized with the API day by day."""

from .archive import Archive
from .executors import DaskExecutor, ProcessExecutor, RayExecutor, SparkExecutor
from .forget_proof import ForgetProof
from .history import ArchiveDiff
from .status import ArchiveStatus
from .sync_report import IncompleteSync, SyncReport, SyncStopped

__all__ = [
    "Archive",
    "ArchiveDiff",
    "ArchiveStatus",
    "DaskExecutor",
    "ForgetProof",
    "IncompleteSync",
    "ProcessExecutor",
    "RayExecutor",
    "SparkExecutor",
    "SyncReport",
    "SyncStopped",
]


def __dir__() -> list[str]:
    return sorted(__all__)
