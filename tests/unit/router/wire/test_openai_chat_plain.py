"""Translated requests to providers of OpenAI's chat format: with or without what OpenRouter has added to it."""

import json
from typing import Any

import msgspec
import pytest

from services.router.chat import Body, ChatRequest, Format
from services.router.wire.base import Dialect
from services.router.wire.openai_chat import OpenAIChat
from services.runtime.errors import InvalidField

PLAIN = Dialect()
CACHED: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def render(dialect: Dialect = PLAIN, **members: Any) -> dict[str, Any]:
    encoded = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members})
    body = msgspec.json.decode(encoded, type=Body)
    request = ChatRequest(model="m", body={}, size=1, format=Format.MESSAGES, to_chat=lambda _: body)
    sent: dict[str, Any] = json.loads(OpenAIChat().render_request(request, "theirs", {}, dialect))
    return sent


def messages(*given: dict[str, Any]) -> Any:
    return render(messages=given)["messages"]


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    (
        ({"effort": "high"}, "high"),
        ({"max_tokens": 1024}, "low"),
        ({"max_tokens": 1025}, "medium"),
        ({"max_tokens": 8192}, "medium"),
        ({"max_tokens": 8193}, "high"),
        ({"enabled": True}, None),
        ({"enabled": False}, None),
    ),
)
def test_how_much_to_think_becomes_an_effort(reasoning: dict[str, Any], effort: str | None) -> None:
    sent = render(reasoning=reasoning)
    assert sent.get("reasoning_effort") == effort
    assert "reasoning" not in sent


def test_an_effort_that_is_there_already_stays() -> None:
    assert render(reasoning={"effort": "high"}, reasoning_effort="low")["reasoning_effort"] == "low"


def test_what_only_some_providers_take_is_left_out() -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}, **CACHED}]
    hints: dict[str, Any] = {"prompt_cache_key": "k", "prompt_cache_retention": "24h", "safety_identifier": "s"}
    sent = render(top_k=4, thinking={"type": "adaptive"}, tools=tools, temperature=0.5, **hints, **CACHED)
    assert sent.keys() == {"model", "messages", "tools", "temperature"}
    assert sent["tools"][0].keys() == {"type", "function"}


def test_a_turn_of_the_model_s_goes_back_without_its_reasoning() -> None:
    turn = {
        "role": "assistant",
        "content": None,
        "reasoning": "Hm.",
        "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
        "tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "s"}}}],
    }
    assert messages(turn) == [{"role": "assistant", "content": None, "tool_calls": [CALL]}]


@pytest.mark.parametrize(
    ("said", "reasoning"),
    (
        ({"reasoning": "Hm."}, "Hm."),
        ({"reasoning_content": "Hm.", "reasoning": "Hm."}, "Hm."),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "H"}, {"summary": "m."}, {"data": "x"}]}, "Hm."),
        ({"reasoning_details": None}, ""),
        ({}, ""),
    ),
)
def test_a_provider_that_wants_it_gets_the_reasoning_of_every_turn_back(said: dict[str, Any], reasoning: str) -> None:
    given = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [CALL], **said}]
    sent = render(Dialect(wants_reasoning_back=True), messages=given)["messages"]
    turn = {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": reasoning}
    assert sent == [given[0], turn]


def test_texts_are_joined_to_one() -> None:
    assert messages(
        {"role": "system", "content": [text("One.", **CACHED), text("Two.")]},
        {"role": "assistant", "content": [text("Par"), text("is")]},
        {"role": "user", "content": [text("See", **CACHED), IMAGE]},
    ) == [
        {"role": "system", "content": "One.\n\nTwo."},
        {"role": "assistant", "content": "Paris"},
        {"role": "user", "content": [text("See"), IMAGE]},
    ]


def test_what_a_tool_shows_comes_behind_all_results_in_a_message_of_the_user_s() -> None:
    results = [
        {"role": "tool", "tool_call_id": "c1", "content": [IMAGE]},
        {"role": "tool", "tool_call_id": "c2", "content": [text("A cat", **CACHED), IMAGE]},
    ]
    said, question = {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "user", "content": "And?"}
    assert [one["role"] for one in messages(said, *results, question)] == ["assistant", "tool", "tool", "user", "user"]
    _, first, second, shown = messages(said, *results)
    assert isinstance(first["content"], str)
    assert first["content"]
    assert second["content"] == "A cat"
    assert shown == {"role": "user", "content": [IMAGE, IMAGE]}


def test_the_limit_is_called_what_the_provider_calls_it() -> None:
    sent = render(Dialect(renames_max_tokens=True), max_tokens=5)
    assert sent["max_completion_tokens"] == 5
    assert "max_tokens" not in sent


def test_an_aggregator_gets_all_of_it() -> None:
    members = {
        "messages": [{"role": "user", "content": [text("Hi", **CACHED)]}],
        "reasoning": {"max_tokens": 4000},
        "top_k": 4,
        **CACHED,
    }
    assert render(Dialect(takes_extensions=True), **members) == {"model": "theirs", **members}


def test_a_number_that_nothing_holds_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"^messages\[0\].*'this' is not allowed; Number out of range"):
        messages({"role": "user", "content": [text("Hi", cache_control={"ttl": msgspec.Raw(b"1e5000")})]})
