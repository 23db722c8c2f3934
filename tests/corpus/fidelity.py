"""Where client and provider speak the same format: what came out is what went in, unknown members included."""

import json
from collections.abc import Iterator

from tests.corpus.comparing import Difference, unequal
from tests.corpus.recordings import Trip
from tests.fixtures.readings import Json, SseEvent

_EDITED = ("model", "stream_options")
"""What the router may change in a request of its own accord; parameters it fills in only where they are set somewhere,
which here they are nowhere."""


def differences_of_body(trip: Trip, content: bytes) -> Iterator[Difference]:
    """Of a whole answer: equal as JSON."""
    yield from unequal("body", json.loads(content), json.loads(trip.recording.response["body"]))


def differences_of_events(trip: Trip, events: list[SseEvent]) -> Iterator[Difference]:
    """Of a stream: the same events in the same order, equal as JSON, but for the usage of a chat completion.

    That one the router always asks the provider for: a client that did not gets no event that has nothing else, and
    none in the others; one that did gets the router's receipt with it, as `pantheon`. `[DONE]` is the router's own:
    each surface ends its streams as its format says, which for chat is that marker and for responses is not.
    """
    recorded = recorded_events(trip.recording.response["body"])
    found = [(event.name, json.loads(event.data)) for event in events if event.data != "[DONE]"]
    wanted = [(event.name, json.loads(event.data)) for event in recorded if event.data != "[DONE]"]
    if trip.surface == "chat":
        shows = bool((trip.body.get("stream_options") or {}).get("include_usage"))
        found = [("", _without(data, "pantheon")) for _, data in found]
        wanted = [("", data) for _, data in wanted if shows or not _usage_only(data)]
        if not shows:
            wanted = [("", _without(data, "usage") if _has_usage(data) else data) for _, data in wanted]
    yield from unequal("number of events", len(found), len(wanted))
    for place, (ours, theirs) in enumerate(zip(found, wanted, strict=False)):
        yield from unequal(f"event {place}", ours, theirs)


def recorded_events(body: str) -> list[SseEvent]:
    """The events of a recorded stream, read the plainest way there is."""
    found = []
    name, parts = "", []
    for line in [*body.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            parts.append(line[5:].removeprefix(" "))
        elif line.startswith("event:"):
            name = line[6:].removeprefix(" ")
        elif not line:
            if any(part.strip() for part in parts):
                found.append(SseEvent(name, "\n".join(parts)))
            name, parts = "", []
    return found


def differences_of_request(trip: Trip, diff: Json) -> Iterator[Difference]:
    """Of what the provider got, by the replaying upstream's own comparison with what was recorded."""
    different = [path for path, *_ in diff["different"]]
    edited = [path for path in (*diff["missing"], *diff["extra"], *different) if not path.startswith(_EDITED)]
    yield from unequal("request", edited, [])


def _without(data: object, member: str) -> object:
    return {name: value for name, value in data.items() if name != member} if isinstance(data, dict) else data


def _has_usage(data: object) -> bool:
    return isinstance(data, dict) and data.get("usage") is not None


def _usage_only(data: object) -> bool:
    return isinstance(data, dict) and _has_usage(data) and not data.get("choices")
