"""The router's journal: what is billable is on disk before it happens, and stays there until the ledger has it."""

from services.router.journal.files import DiskFiles, Files
from services.router.journal.journal import Journal
from services.router.journal.recovery import Rate, estimate_finish, finish_unfinished
from services.router.journal.spool import Spool, adopt_unlocked, create_spool, lock_spool
from services.router.journal.store import JournalLimits

__all__ = [
    "DiskFiles",
    "Files",
    "Journal",
    "JournalLimits",
    "Rate",
    "Spool",
    "adopt_unlocked",
    "create_spool",
    "estimate_finish",
    "finish_unfinished",
    "lock_spool",
]
