"""The journal's record format. Pure.

A segment begins with MAGIC; frames follow without gaps; zeros end it. A frame, little-endian:

    u32 length    of all that follows the checksum
    u32 checksum  CRC32C of all that follows it
    u8  kind      Kind
    u64 number    1, 2, 3... without gaps over the life of the spool; 0: not numbered, never published
    u64 start     the number of the START this record belongs to; 0: it belongs to none
    ...           payload, a serialised pantheon.events.v1.CompletionEvent
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import google_crc32c

MAGIC = b"PANJRNL1"
MAX_PAYLOAD_BYTES = 512 * 1024

_HEAD = struct.Struct("<II")
_BODY = struct.Struct("<BQQ")
OVERHEAD = _HEAD.size + _BODY.size
_MAX_LENGTH = _BODY.size + MAX_PAYLOAD_BYTES

# Where a frame might begin: length < 2^24, a kind, number and start < 2^40. The checksum has the last word.
_PLAUSIBLE = re.compile(rb"(?s)(?=..[\x00-\x0f]\x00....[\x01-\x0f].{5}\x00{3}.{5}\x00{3})")


class Kind(IntEnum):
    """What a record is."""

    START = 1
    FINISH = 2
    CHECKPOINT = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """One sound record and where it lies in its segment."""

    offset: int
    end: int
    kind: int
    number: int
    start: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a segment that is neither sound records nor zeros."""

    offset: int
    end: int


def encode_frame(kind: Kind, number: int, start: int, payload: bytes) -> bytes:
    """A whole frame. Raises ValueError for a payload above MAX_PAYLOAD_BYTES."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a record has {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are allowed")
    body = _BODY.pack(kind, number, start) + payload
    return _HEAD.pack(len(body), google_crc32c.value(body)) + body


def payload_of(frame: bytes) -> bytes:
    """The payload of a frame made by `encode_frame`."""
    return frame[OVERHEAD:]


def frame_at(content: bytes, offset: int) -> Frame | None:
    """The frame that begins at `offset`; None where none does, or its checksum is wrong, or it is cut off."""
    if offset + OVERHEAD > len(content):
        return None
    length, checksum = _HEAD.unpack_from(content, offset)
    body = offset + _HEAD.size
    end = body + length
    if not _BODY.size <= length <= _MAX_LENGTH or end > len(content):
        return None
    if google_crc32c.value(content[body:end]) != checksum:
        return None
    kind, number, start = _BODY.unpack_from(content, body)
    return Frame(offset, end, kind, number, start, content[offset + OVERHEAD : end])


def scan(content: bytes) -> Iterator[Frame | Damage]:
    """Every sound frame of a segment in order, and every stretch of damage between or after them.

    Damage does not end the scan: what is still sound behind it is found again. So a torn tail yields one Damage at
    the end, a flipped bit one Damage in place of one frame.
    """
    offset = len(MAGIC)
    while offset < len(content):
        frame = frame_at(content, offset)
        if frame is not None:
            yield frame
            offset = frame.end
            continue
        if not content[offset:].strip(b"\0"):
            return
        resumed = _next_frame(content, offset + 1)
        end = len(content) if resumed is None else resumed
        yield Damage(offset, end)
        offset = end


def _next_frame(content: bytes, offset: int) -> int | None:
    for candidate in _PLAUSIBLE.finditer(content, offset):
        if frame_at(content, candidate.start()) is not None:
            return candidate.start()
    return None
