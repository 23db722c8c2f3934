"""Estimates of how many tokens a request has."""

from typing import Any

import msgspec
import pytest

from services.router.api.anthropic.counting import estimate
from services.router.chat import Body


def estimated(content: Any, **members: Any) -> int:
    body = {"model": "a-model-with-a-long-name", "messages": [{"role": "user", "content": content}], **members}
    return estimate(msgspec.json.decode(msgspec.json.encode(body), type=Body))


EMPTY = estimated("")
TEXT = "Bees fly." * 100


def test_four_bytes_of_text_are_a_token() -> None:
    assert estimated(TEXT) - EMPTY == len(TEXT) // 4
    assert estimated("é" * 100) - EMPTY == 50
    assert estimated("") > 0


@pytest.mark.parametrize(
    "members",
    (
        {"system": TEXT},
        {"system": [{"type": "text", "text": TEXT, "cache_control": {"type": "ephemeral"}}]},
        {"tools": [{"name": "look", "description": TEXT, "input_schema": {"type": "object"}}]},
    ),
)
def test_texts_count_wherever_they_stand(members: Any) -> None:
    assert 0 <= estimated("", **members) - EMPTY - len(TEXT) // 4 < 20


@pytest.mark.parametrize(
    ("block", "most"),
    (
        ({"type": "tool_result", "tool_use_id": "t" * 900, "content": [{"type": "text", "text": TEXT}]}, 250),
        ({"type": "tool_use", "id": "t" * 900, "name": "look", "input": {"query": TEXT}}, 250),
        ({"type": "thinking", "thinking": TEXT, "signature": "s" * 900}, 250),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}}, 250),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 9_000}}, 20),
    ),
)
def test_what_only_machines_read_does_not_count(block: Any, most: int) -> None:
    assert estimated([block]) - EMPTY <= most


@pytest.mark.parametrize("number", (b"1e5000", b"9" * 5_000))
def test_numbers_that_nothing_holds_are_counted_as_what_they_are_written_in(number: bytes) -> None:
    said = b'[{"role":"user","content":' + number + b"}]"
    assert estimate({"messages": msgspec.Raw(said)}) == -(-len(said) // 4)
