"""Server-sent events, read from bytes as the WHATWG HTML standard says ("Interpreting an event stream").

Lines end with CR, LF or CRLF, whichever way the bytes are cut; a byte order mark at the start is skipped; several data
lines are joined by LF; an event that the stream's end cuts off is discarded. Lines of no known field are ignored, but
for JSON objects that stand bare where an event should.
"""

from dataclasses import dataclass

from services.router.bare_json import BareJson
from services.runtime.errors import ProviderBroken

_MOST_BUFFERED = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or (with `comment` set) one comment line, or (with `bare` set) one JSON object that is no event.

    `name` and `id` are those that stand with it; an id does not live on in the events after it.
    """

    data: bytes = b""
    name: bytes = b""
    id: bytes = b""
    comment: bytes | None = None
    bare: bytes = b""


class SseReader:
    """Turns the chunks of one stream into events."""

    def __init__(self) -> None:
        self._rest = b""
        self._more = bytearray()
        self._at_start = True
        self._data: list[bytes] = []
        self._held = 0
        self._name = b""
        self._id = b""
        self._bare = BareJson()

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by these bytes, in order.

        Raises:
            ProviderBroken: a line or an event grew beyond 16 MiB.
        """
        if self._rest and self._goes_on(chunk):
            return []
        buffer = self._unread() + chunk
        if self._at_start:
            # A byte order mark may itself be cut.
            if b"\xef\xbb\xbf".startswith(buffer[:3]) and len(buffer) < 3:
                self._rest = buffer
                return []
            buffer = buffer.removeprefix(b"\xef\xbb\xbf")
            self._at_start = False
        lines = self._lines(buffer)
        events: list[Event] = []
        for line in lines:
            if not line:
                self._dispatch(events)
            elif line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            else:
                self._field(line, events)
        return events

    def _goes_on(self, chunk: bytes) -> bool:
        """Whether the bytes are no more than a further piece of the line that has begun.

        They are kept beside it until its end comes: a picture of megabytes is not to be copied with each piece of it.
        """
        if self._at_start or b"\n" in chunk or b"\r" in chunk or self._rest.endswith(b"\r"):
            return False
        self._more += chunk
        self._check_size(len(self._rest) + len(self._more))
        return True

    def _unread(self) -> bytes:
        """What has come of the line that has begun; from then on it is the caller's."""
        if not self._more:
            return self._rest
        unread = self._rest + self._more
        self._more.clear()
        return unread

    def _lines(self, buffer: bytes) -> list[bytes]:
        """The whole lines in the buffer; what follows the last line end is kept for later."""
        if b"\r" in buffer:
            # A CR at the very end may be the first half of CRLF.
            held = b"\r" if buffer.endswith(b"\r") else b""
            body = buffer[:-1] if held else buffer
            lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            self._rest = lines.pop() + held
        else:
            lines = buffer.split(b"\n")
            self._rest = lines.pop()
        self._check_size(len(self._rest))
        return lines

    def finish(self) -> list[Event]:
        """The events that a CR held back at the end of the stream completes, and JSON that no line end follows."""
        rest = self._rest = self._unread()
        return self.feed(b"\n") if rest.endswith(b"\r") or (rest and self._bare.takes(rest)) else []

    def _add(self, value: bytes) -> None:
        self._data.append(value)
        if len(self._data) > 1:
            self._held += len(value) + 1
            self._check_size(self._held)

    def _check_size(self, size: int) -> None:
        if size > _MOST_BUFFERED:
            raise ProviderBroken(f"An event of the stream exceeds {_MOST_BUFFERED} bytes", phase="stream")

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            events.append(Event(data, self._name, self._id))
            self._data, self._held = [], 0
        self._name = self._id = b""

    def _field(self, line: bytes, events: list[Event]) -> None:
        if line.startswith(b":"):
            events.append(Event(comment=line[1:].strip()))
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._name = value
        elif name == b"id":
            self._id = b"" if b"\0" in value else value
        elif name == b"data":
            self._add(value)
        elif self._bare.takes(line):
            events.extend(Event(bare=found) for found in self._bare.feed(line))
            self._check_size(self._bare.size)
