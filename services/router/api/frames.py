"""Pieces of a stream as server-sent events. Format: WHATWG HTML standard, "Server-sent events"."""

from services.router.chat import Frame


def written(frame: Frame) -> bytes:
    """A frame as an event, with the fields that its provider put beside the data; or as the comment that it is."""
    if frame.comment is not None:
        return b": " + frame.comment + b"\n\n"
    data = frame.data
    if b"\n" in data:
        data = data.replace(b"\n", b"\ndata: ")
    if not (frame.name or frame.id):
        return b"data: " + data + b"\n\n"
    head = b"event: " + frame.name + b"\n" if frame.name else b""
    if frame.id:
        head += b"id: " + frame.id + b"\n"
    return head + b"data: " + data + b"\n\n"


def event(name: str, data: bytes) -> bytes:
    """An event of a surface's own. `data` has no line ends."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def on_one_line(body: bytes) -> bytes:
    """JSON as an event's data: between its tokens a line end is a space, and one would tear the event."""
    return body.replace(b"\n", b" ").replace(b"\r", b" ")
