"""What the journal asks of a file system. A seam, so that a test can have a disk that is full or fails."""

import os
from pathlib import Path
from typing import Protocol

_ZEROS = bytes(1024 * 1024)
_MODE = 0o600

# macOS has neither; there fsync has to do, and zeros are written to get the space.
_fdatasync = getattr(os, "fdatasync", os.fsync)
_posix_fallocate = getattr(os, "posix_fallocate", None)


class Files(Protocol):
    """File operations, blocking; every one raises OSError when the disk refuses."""

    def open(self, path: Path) -> int:
        """Opens for reading and writing, creating the file where there is none; returns the descriptor."""

    def fallocate(self, descriptor: int, size: int) -> None:
        """Makes the file `size` bytes long, zeros, with space on disk for each of them."""

    def pwrite(self, descriptor: int, content: bytes, offset: int) -> None:
        """Writes all of `content`, or raises. What was written survives the process, not yet the machine."""

    def fdatasync(self, descriptor: int) -> None:
        """Returns once everything written survives the machine. After an error nothing is known of any of it."""

    def sync_directory(self, path: Path) -> None:
        """Returns once the names in a directory survive the machine."""


class DiskFiles:
    """The real ones."""

    def open(self, path: Path) -> int:
        """Opens the file, readable by its owner only."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)

    def fallocate(self, descriptor: int, size: int) -> None:
        """Allocates by posix_fallocate; by writing zeros where there is none."""
        if _posix_fallocate is not None:
            _posix_fallocate(descriptor, 0, size)
            return
        for offset in range(0, size, len(_ZEROS)):
            self.pwrite(descriptor, _ZEROS[: size - offset], offset)

    def pwrite(self, descriptor: int, content: bytes, offset: int) -> None:
        """Writes, going on after a short write until the disk takes the rest or says why not."""
        written = os.pwrite(descriptor, content, offset)
        while written < len(content):
            written += os.pwrite(descriptor, content[written:], offset + written)

    def fdatasync(self, descriptor: int) -> None:
        """Syncs the content, and of the metadata what is needed to read it."""
        _fdatasync(descriptor)

    def sync_directory(self, path: Path) -> None:
        """Syncs the directory's own content."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
