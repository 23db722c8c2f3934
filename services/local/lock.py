"""One server per data directory."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

from services.local.errors import DirectoryUnusableError

_LOCK_FILE = "lock"
_POLL_INTERVAL_S = 0.005


@contextlib.asynccontextmanager
async def directory_lock(directory: Path, *, timeout: float) -> AsyncIterator[int]:
    """Hold the lock of `directory` inside the block; yields its file descriptor.

    A child that inherits the descriptor keeps the lock after the block, until it and all its own children have
    ended. To get the lock is therefore to know that no process of an earlier server is left, whoever started it:
    a crashed parent, or a Postgres whose backends outlive a killed postmaster for a moment.

    Raises DirectoryUnusableError when the lock is not free within `timeout` seconds, or this user may not write there.
    """
    try:
        descriptor = os.open(directory / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise DirectoryUnusableError(f"{directory} cannot be used by this user (uid {os.geteuid()})") from error
    try:
        try:
            async with asyncio.timeout(timeout):
                while not _try_lock(descriptor):  # noqa: ASYNC110 - the kernel offers nothing to await
                    await asyncio.sleep(_POLL_INTERVAL_S)
        except TimeoutError:
            raise DirectoryUnusableError(f"{directory} is in use by another running server") from None
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
