"""A whole answer after its headers, and what ordered faults make of it."""

from collections.abc import Sequence
from enum import Enum

import msgspec

from services.sandbox.faults import Directives


class Frame(msgspec.Struct, frozen=True):
    """Bytes that leave together: an event of a stream, or a body. `tokens` is what making it takes, in tokens."""

    payload: bytes
    tokens: float = 0.0
    reports_usage: bool = False


class Ending(Enum):
    """What follows the last frame."""

    COMPLETE = "complete"
    RESET = "reset"
    SILENCE = "silence"
    CLOSE = "close"


class Script(msgspec.Struct, frozen=True):
    """A whole answer after its headers, faults included."""

    frames: Sequence[Frame]
    ending: Ending = Ending.COMPLETE


def of_body(body: bytes, orders: Directives) -> Script:
    """A body that is sent at once. Faults that count events of a stream strike after half of the body."""
    half = (Frame(body[: len(body) // 2]),)
    if orders.reset_after is not None:
        return Script(half, Ending.RESET)
    if orders.stall_after is not None:
        return Script(half, Ending.SILENCE)
    if orders.truncate:
        return Script(half, Ending.CLOSE)
    return Script((Frame(body),))


def of_stream(frames: Sequence[Frame], orders: Directives, error: Sequence[Frame]) -> Script:
    """A stream of events; `error` is what the provider sends when it fails amid one."""
    middle = len(frames) // 2
    if orders.reset_after is not None:
        return Script(frames[: orders.reset_after], Ending.RESET)
    if orders.stall_after is not None:
        return Script(frames[: orders.stall_after], Ending.SILENCE)
    if orders.error_after is not None:
        return Script((*frames[: orders.error_after], *error))
    if orders.truncate:
        return Script((*frames[:middle], _cut(frames[middle], b"")), Ending.CLOSE)
    if orders.malformed:
        return Script((*frames[:middle], _cut(frames[middle], b"\n\n"), *frames[middle + 1 :]))
    return Script(frames)


def malformed(body: bytes) -> bytes:
    """A JSON body that breaks off, though HTTP calls it complete."""
    return body[: len(body) * 2 // 3]


def _cut(frame: Frame, end: bytes) -> Frame:
    return Frame(frame.payload[: len(frame.payload) * 2 // 3] + end, frame.tokens)
