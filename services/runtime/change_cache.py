"""The last known state of a followed source, on disk, for a start without it. A disk that fails costs only that.

The file holds changes, each behind its length (4 bytes, big-endian). What a crash cut off at its end is left out.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError

from pantheon.events.v1.change_pb2 import Change
from services.runtime.logging import get_logger

_LENGTH_BYTES = 4


class ChangeCache:
    """One source's file. After a write that failed nothing is added until the next `replace`: a hole would lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole = False

    def load(self) -> list[Change]:
        """What was kept, in order; empty where there is nothing, or nothing that can be read."""
        try:
            return list(_unframed(self._path.read_bytes()))
        except FileNotFoundError:
            return []
        except (OSError, DecodeError) as error:
            get_logger().warning("cache.unreadable", path=str(self._path), error=str(error))
            return []

    def replace(self, changes: Iterable[Change]) -> None:
        """Writes the whole state anew."""
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(_framed(change) for change in changes)
            fresh.replace(self._path)
            self._whole = True
        except OSError as error:
            self._failed(error)

    def add(self, change: Change) -> None:
        """Adds one change."""
        if not self._whole:
            return
        try:
            with self._path.open("ab") as file:
                file.write(_framed(change))
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        self._whole = False
        get_logger().warning("cache.unwritable", path=str(self._path), error=str(error))


def _framed(change: Change) -> bytes:
    body = change.SerializeToString()
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def _unframed(content: bytes) -> Iterator[Change]:
    at = 0
    while at + _LENGTH_BYTES <= len(content):
        end = at + _LENGTH_BYTES + int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        if end > len(content):
            return
        yield Change.FromString(content[at + _LENGTH_BYTES : end])
        at = end
