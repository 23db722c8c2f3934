"""Providers that repeat the key they were shown, in an error or elsewhere: who asked is not to see it. Pure."""

from dataclasses import replace

from services.router.sse import Event

SHOWN_INSTEAD = b"[key]"

_SHORTEST = 16
"""What is shorter is no provider's key, and may be in any text by chance."""


def spellings(secret: str) -> tuple[bytes, ...]:
    """How a key may stand in a body: as it is, and as some write a slash in JSON."""
    if len(secret) < _SHORTEST:
        return ()
    plain = secret.encode()
    return (plain, plain.replace(b"/", b"\\/")) if b"/" in plain else (plain,)


def body_without(hidden: tuple[bytes, ...], body: bytes) -> bytes:
    """A body without what is hidden."""
    for spelling in hidden:
        if spelling in body:
            body = body.replace(spelling, SHOWN_INSTEAD)
    return body


def events_without(hidden: tuple[bytes, ...], events: list[Event]) -> list[Event]:
    """Events without what is hidden; the same ones where there is nothing of it in them."""
    for spelling in hidden:
        for position, event in enumerate(events):
            if spelling in event.data or spelling in event.bare:
                found = (spelling,)
                clean = replace(event, data=body_without(found, event.data), bare=body_without(found, event.bare))
                events[position] = clean
    return events
