"""Spool directories: `<root>/<spool id>/`, each locked by the one process that uses it.

The directory's name is the spool's id, for ever: making a spool is one mkdir, and there is no moment at which it
exists without its id. The lock (flock on the file `lock`) ends with its holder, however that ends.
"""

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.router.journal.files import DiskFiles
from services.runtime.ids import uuid7
from services.runtime.logging import get_logger

_LOCK = "lock"
_REMOVED = ".removed-"
_MODE = 0o700


@dataclass(slots=True, eq=False)
class Spool:
    """A spool that this process holds the lock of."""

    id: UUID
    directory: Path
    _lock: int

    def release(self) -> None:
        """Gives the lock back; another process, or this one, may adopt the spool."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def remove(self) -> None:
        """Deletes the directory with all that is in it, then gives the lock back. Raises OSError where it may not."""
        # Under a name that is no spool's, nobody who looks for spools adopts it any more. Who does look deletes it too.
        removed = self.directory.with_name(f"{_REMOVED}{self.id}")
        self.directory.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)
        self.release()


def create_spool(root: Path) -> Spool:
    """A new spool with a new id. Raises OSError."""
    root.mkdir(mode=_MODE, parents=True, exist_ok=True)
    while True:
        directory = root / str(uuid7())
        directory.mkdir(mode=_MODE)
        DiskFiles().sync_directory(root)
        spool = lock_spool(directory)
        if spool is not None:
            return spool
        # Another process adopted it between the two calls; it will find it empty and remove it.


def lock_spool(directory: Path) -> Spool | None:
    """The spool, locked; None when another process uses it, or it is gone. Raises OSError."""
    try:
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    spool = Spool(UUID(directory.name), directory, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last user may have removed it after the file was opened.
        locked = (directory / _LOCK).stat().st_ino == os.fstat(lock).st_ino
    except (BlockingIOError, FileNotFoundError):
        locked = False
    except BaseException:
        spool.release()
        raise
    if not locked:
        spool.release()
        return None
    return spool


def adopt_unlocked(root: Path) -> list[Spool]:
    """Locks and returns every spool under `root` that no process uses, oldest first.

    What is no spool is left alone, but for the remains of a removal that was interrupted.
    """
    adopted = []
    for directory in sorted(root.iterdir()) if root.is_dir() else ():
        if directory.name.startswith(_REMOVED):
            shutil.rmtree(directory, ignore_errors=True)
        if not _is_id(directory.name):
            continue
        try:
            spool = lock_spool(directory)
        except OSError as error:
            get_logger().warning("spool.not_adopted", spool=directory.name, error=str(error))
            continue
        if spool is not None:
            adopted.append(spool)
    return adopted


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
