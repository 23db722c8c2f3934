"""Reasoning on its way from a provider to the client and back: nothing that the provider wants back is lost."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from services.router.api.responses.conversation import messages_of
from services.router.api.responses.own import without_ours
from services.router.chat import Body
from tests.unit.router.api.responses.answers import Json, chunk, streamed, whole

SIGNED = {
    "type": "reasoning.text",
    "text": "Let me see.",
    "signature": "sig",
    "format": "anthropic-claude-v1",
    "index": 0,
}
REDACTED = {"type": "reasoning.encrypted", "data": "AAAA", "format": "anthropic-claude-v1", "index": 1}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
SIGNATURE = {"google": {"thought_signature": "AAAA"}}


def returned(output: Sequence[Json]) -> list[Json]:
    """The messages of a next request that brings the output back."""
    given = msgspec.Raw(msgspec.json.encode([*output, {"role": "user", "content": "And?"}]))
    found: list[Json] = json.loads(msgspec.json.encode(messages_of(None, given)))
    assert found[-1] == {"role": "user", "content": "And?"}
    return found[:-1]


def pieces() -> list[bytes]:
    """The same reasoning as a stream has it."""
    text = {name: value for name, value in SIGNED.items() if name != "signature"}
    return [
        chunk({"reasoning": "Let me ", "reasoning_details": [{**text, "text": "Let me "}]}),
        chunk({"reasoning": "see.", "reasoning_details": [{**text, "text": "see."}]}),
        chunk({"reasoning_details": [{**text, "text": "", "signature": "sig"}]}),
        chunk({"reasoning_details": [REDACTED]}),
    ]


def test_signed_and_redacted_reasoning_comes_back_as_it_was() -> None:
    message = {
        "content": "42", "reasoning": "Let me see.", "reasoning_details": [SIGNED, REDACTED], "tool_calls": [CALL],
    }  # fmt: skip
    output = whole(message)["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call"]
    assert output[0]["summary"] == [{"type": "summary_text", "text": "Let me see."}]
    (assistant,) = returned(output)
    assert assistant == {
        "role": "assistant", "content": "42", "reasoning_details": [SIGNED, REDACTED], "tool_calls": [CALL],
    }  # fmt: skip


def test_streamed_reasoning_comes_back_in_one_piece() -> None:
    output = streamed([*pieces(), chunk({"content": "42"})])[-1]["response"]["output"]
    assert returned(output) == [{"role": "assistant", "content": "42", "reasoning_details": [SIGNED, REDACTED]}]


def test_redacted_reasoning_without_a_word_comes_back_too() -> None:
    output = streamed([chunk({"reasoning_details": [REDACTED]}), chunk({"content": "42"})])[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message"]
    assert returned(output)[0]["reasoning_details"] == [REDACTED]


@pytest.mark.parametrize("text", ("", "Adding."))
def test_signatures_of_calls_and_texts_come_back_to_them(text: str) -> None:
    delta: dict[str, Any] = {"content": text, "tool_calls": [{**CALL, "index": 0, "extra_content": SIGNATURE}]}
    output = streamed([chunk(delta), chunk({"extra_content": SIGNATURE})])[-1]["response"]["output"]
    (assistant,) = returned(output)
    assert assistant["tool_calls"] == [{**CALL, "extra_content": SIGNATURE}]
    assert assistant["extra_content"] == SIGNATURE
    assert (assistant["content"] or "") == text


def test_a_signature_that_comes_last_belongs_to_the_text_before() -> None:
    output = streamed([chunk({"content": "42"}), chunk({"extra_content": SIGNATURE})])[-1]["response"]["output"]
    assert returned(output) == [{"role": "assistant", "content": "42", "extra_content": SIGNATURE}]


def test_reasoning_that_nobody_signed_needs_no_seal() -> None:
    output = whole({"reasoning": "Hm.", "content": "42"})["output"]
    assert output[0]["encrypted_content"] is None
    assert returned(output)[0]["reasoning_details"] == [{"type": "reasoning.summary", "summary": "Hm."}]


@pytest.mark.parametrize("sealed", ("pantheon.", "pantheon.!", "pantheon.e30=", "pantheon.eyJkZXRhaWxzIjo3fQ=="))
def test_a_seal_that_was_tampered_with_does_no_harm(sealed: str) -> None:
    message = {"type": "message", "role": "assistant", "content": "42"}
    (assistant,) = returned([{"type": "reasoning", "summary": [], "encrypted_content": sealed}, message])
    assert assistant["content"] == "42"


@pytest.mark.parametrize("stored", (True, False))
def test_openai_never_sees_reasoning_of_this_surface(stored: bool) -> None:
    output = streamed([*pieces(), chunk({"content": "42"})])[-1]["response"]["output"]
    if not stored:
        del output[0]["id"]
    own = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
    content = msgspec.json.encode({"model": "m", "input": [own, *output, {"role": "user", "content": "And?"}]})
    sent = without_ours(msgspec.json.decode(content, type=Body), content)
    assert [item.get("id", "") for item in json.loads(bytes(sent["input"]))] == ["rs_1", output[1]["id"], ""]


def test_a_request_without_reasoning_of_this_surface_stays_as_it_came() -> None:
    content = b'{"model":"m","input":[{"role":"user" , "content":"rs_pantheon"}]}'
    body = msgspec.json.decode(content, type=Body)
    assert without_ours(body, content) is body
