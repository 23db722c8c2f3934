"""The newest records in memory: what the relay publishes next, and what a failed sync may have to write anew."""

from itertools import islice


class Tail:
    """Frames by number, consecutive, up to the newest; the oldest leave when there are too many bytes."""

    def __init__(self, most_bytes: int, last: int) -> None:
        self._most_bytes = most_bytes
        self._frames: dict[int, bytes] = {}
        self._bytes = 0
        self._first = last + 1

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def __getitem__(self, number: int) -> bytes:
        return self._frames[number]

    def add(self, number: int, frame: bytes) -> None:
        """Keeps the frame of the newest record."""
        self._frames[number] = frame
        self._bytes += len(frame)

    def after(self, number: int) -> list[tuple[int, bytes]]:
        """All records above `number` in order, as (number, frame)."""
        return list(islice(self._frames.items(), max(0, number + 1 - self._first), None))

    def forget_through(self, number: int) -> None:
        """Drops the records up to and including `number`."""
        while self._first <= number and self._frames:
            self._bytes -= len(self._frames.pop(self._first))
            self._first += 1

    def shrink(self, durable: int) -> None:
        """Drops the oldest records until the bytes are within bounds, but none above `durable`."""
        while self._bytes > self._most_bytes and self._first <= durable:
            self._bytes -= len(self._frames.pop(self._first))
            self._first += 1
