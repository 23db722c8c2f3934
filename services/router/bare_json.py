"""JSON that stands in a stream without the framing of events, read line by line.

Google's servers report an error in mid-stream so, and answer with one long list where events were asked for in vain.
"""

import re

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]')
"""A text, be it without its end, so that what is inside of it is read once only; or a bracket."""


class BareJson:
    """Collects the objects that stray lines hold: those of a list one by one, as they are completed."""

    __slots__ = ("_depth", "_in_list", "_pieces", "size")

    def __init__(self) -> None:
        self._depth = 0
        self._in_list = False
        self._pieces: list[bytes] = []
        self.size = 0

    def takes(self, line: bytes) -> bool:
        """Whether a line that belongs to no event is part of JSON, or the beginning of some."""
        return self._depth > 0 or self._in_list or line.lstrip()[:1] in (b"{", b"[")

    def feed(self, line: bytes) -> list[bytes]:
        """The objects that this line completes. `size` is what is held of one that is not complete, in bytes."""
        found: list[bytes] = []
        start = 0
        for token in _TOKEN.finditer(line):
            mark = token[0]
            if mark in (b"{", b"["):
                if self._depth == 0:
                    start = token.start()
                    if mark == b"[":
                        self._in_list = True
                        continue
                self._depth += 1
            elif mark in (b"}", b"]"):
                if self._depth == 0:
                    self._in_list = False
                    continue
                self._depth -= 1
                if self._depth == 0:
                    self._pieces.append(line[start : token.end()])
                    found.append(b"\n".join(self._pieces))
                    self._pieces.clear()
                    self.size = 0
        if self._depth:
            self._pieces.append(line[start:])
            self.size += len(line) - start + 1
        return found
