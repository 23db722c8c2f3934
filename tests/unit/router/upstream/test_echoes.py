import json

import pytest

from services.router.sse import Event, SseReader
from services.router.upstream.echoes import SHOWN_INSTEAD, body_without, events_without, spellings

KEY = "sk-canary+0123/456789abcdef"


@pytest.mark.parametrize(
    "body",
    (
        json.dumps({"error": {"message": f"Incorrect API key: {KEY}. {KEY}?"}}).encode(),
        json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).replace("/", "\\/").encode(),
        KEY.encode(),
    ),
)
def test_a_key_is_replaced_wherever_it_stands_in_a_body(body: bytes) -> None:
    clean = body_without(spellings(KEY), body)
    assert b"canary" not in clean
    assert SHOWN_INSTEAD in clean


def test_a_body_without_the_key_is_the_same_one() -> None:
    body = b'{"choices": []}'
    assert body_without(spellings(KEY), body) is body


def test_a_key_is_replaced_in_events_and_in_json_that_stands_bare() -> None:
    said = json.dumps({"error": {"message": f"not {KEY}"}}).encode()
    reader = SseReader()
    events = [*reader.feed(b"data: {}\n\ndata: " + said + b"\n\n"), *reader.feed(said + b"\n"), *reader.finish()]
    clean = events_without(spellings(KEY), events)
    assert clean[0] == Event(b"{}")
    assert "canary" not in repr(clean)
    assert repr(clean).count("[key]") == 2


def test_what_is_too_short_to_be_a_key_may_be_in_a_text_by_chance() -> None:
    assert spellings("") == spellings("sandbox") == ()
    assert body_without(spellings("sandbox"), b"a sandbox") == b"a sandbox"
