"""Made-up conversations and answers, and how each format writes them: by the tests' own code, for property tests."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from services.router.chat import Format
from tests.fixtures.format_answers import Events
from tests.fixtures.format_requests import PIXEL, Json

_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp"))
TEXTS = st.text(_LETTERS, min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
_VALUES = st.one_of(st.booleans(), st.integers(-(2**31), 2**31), TEXTS, st.lists(TEXTS, max_size=2))
ARGUMENTS = st.dictionaries(NAMES, _VALUES, max_size=3)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A user's words (with a picture, or not), what the model said to them, which tools it called with what result."""

    asked: str
    picture: bool
    answered: str
    calls: list[tuple[str, Json, str]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole request: what was exchanged, and the last question."""

    system: str
    exchanged: list[Exchanged]
    question: str
    tools: list[tuple[str, str]]
    max_tokens: int
    stop: list[str]


EXCHANGED = st.builds(
    Exchanged, TEXTS, st.booleans(), TEXTS, st.lists(st.tuples(NAMES, ARGUMENTS, TEXTS.map("r: {}".format)), max_size=2)
)
CONVERSATIONS = st.builds(
    Conversation,
    TEXTS,
    st.lists(EXCHANGED, max_size=3),
    TEXTS,
    st.lists(st.tuples(NAMES, TEXTS), min_size=1, max_size=2, unique_by=lambda tool: tool[0]),
    st.integers(1, 4_000),
    st.lists(TEXTS, min_size=1, max_size=2),
)
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_PICTURE = f"data:image/png;base64,{PIXEL}"


def _numbered(talk: Conversation) -> list[tuple[Exchanged, list[tuple[str, str, Json, str]]]]:
    """Each exchange with its calls, which get ids."""
    found, number = [], 0
    for one in talk.exchanged:
        calls = [(f"call_{number + place}", *call) for place, call in enumerate(one.calls)]
        number += len(calls)
        found.append((one, calls))
    return found


def chat_request(talk: Conversation) -> Json:
    """For OpenAI's chat completions."""
    messages: list[Json] = [{"role": "system", "content": talk.system}]
    for one, calls in _numbered(talk):
        picture = [{"type": "image_url", "image_url": {"url": _PICTURE}}] if one.picture else []
        messages.append({"role": "user", "content": [{"type": "text", "text": one.asked}, *picture]})
        said: Json = {"role": "assistant", "content": one.answered}
        if calls:
            said["tool_calls"] = [
                {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
                for key, name, given, _ in calls
            ]
        messages.append(said)
        messages += [{"role": "tool", "tool_call_id": key, "content": result} for key, _, _, result in calls]
    messages.append({"role": "user", "content": talk.question})
    tools = [
        {"type": "function", "function": {"name": name, "description": text, "parameters": _SCHEMA}}
        for name, text in talk.tools
    ]
    limits = {"max_tokens": talk.max_tokens, "stop": talk.stop, "temperature": 0.5}
    return {"model": "vendor/model", "messages": messages, "tools": tools, **limits}


def messages_request(talk: Conversation) -> Json:
    """For Anthropic's messages."""
    turns: list[Json] = []
    pending: list[Json] = []
    for one, calls in _numbered(talk):
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        picture = [{"type": "image", "source": source}] if one.picture else []
        turns.append({"role": "user", "content": [*pending, {"type": "text", "text": one.asked}, *picture]})
        said = [{"type": "tool_use", "id": key, "name": name, "input": given} for key, name, given, _ in calls]
        turns.append({"role": "assistant", "content": [{"type": "text", "text": one.answered}, *said]})
        pending = [{"type": "tool_result", "tool_use_id": key, "content": result} for key, _, _, result in calls]
    turns.append({"role": "user", "content": [*pending, {"type": "text", "text": talk.question}]})
    return {
        "model": "vendor/model",
        "system": talk.system,
        "messages": turns,
        "tools": [{"name": name, "description": text, "input_schema": _SCHEMA} for name, text in talk.tools],
        "max_tokens": talk.max_tokens,
        "stop_sequences": talk.stop,
        "temperature": 0.5,
    }


def responses_request(talk: Conversation) -> Json:
    """For OpenAI's responses, which know no stop sequences."""
    items: list[Json] = []
    for one, calls in _numbered(talk):
        picture = [{"type": "input_image", "image_url": _PICTURE}] if one.picture else []
        items.append({"role": "user", "content": [{"type": "input_text", "text": one.asked}, *picture]})
        items.append({"role": "assistant", "content": [{"type": "output_text", "text": one.answered}]})
        items += [
            {"type": "function_call", "call_id": key, "name": name, "arguments": json.dumps(given)}
            for key, name, given, _ in calls
        ]
        items += [{"type": "function_call_output", "call_id": key, "output": result} for key, _, _, result in calls]
    tools = [
        {"type": "function", "name": name, "description": text, "parameters": _SCHEMA, "strict": False}
        for name, text in talk.tools
    ]
    return {
        "model": "vendor/model",
        "instructions": talk.system,
        "input": [*items, {"role": "user", "content": talk.question}],
        "tools": tools,
        "max_output_tokens": talk.max_tokens,
        "temperature": 0.5,
    }


REQUESTS: Mapping[Format, Callable[[Conversation], Json]] = {
    Format.CHAT: chat_request,
    Format.MESSAGES: messages_request,
    Format.RESPONSES: responses_request,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model said, in the pieces it came in, and what it took: `prompt` with `cached`, `completion` with
    `thinking`.
    """

    thought: list[str]
    text: list[str]
    calls: list[tuple[str, Json]]
    prompt: int
    cached: int
    completion: int
    thinking: int


def _answered(thought: list[str], text: list[str], calls: list[tuple[str, Json]], counts: list[int]) -> Answered:
    fresh, cached, said, thinking = counts
    return Answered(thought, text, calls, fresh + cached, cached, said + thinking, thinking)


ANSWERS = st.builds(
    _answered,
    st.lists(TEXTS, max_size=2),
    st.lists(TEXTS, min_size=1, max_size=4),
    st.lists(st.tuples(NAMES, ARGUMENTS), max_size=3),
    st.lists(st.integers(0, 9_999), min_size=4, max_size=4),
)


def chat_stream(said: Answered) -> Events:
    """As OpenAI and those after it write it."""

    def chunk(delta: Json, finish: str | None = None) -> tuple[str, Json]:
        return "", {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {
        "prompt_tokens": said.prompt,
        "completion_tokens": said.completion,
        "prompt_tokens_details": {"cached_tokens": said.cached},
        "completion_tokens_details": {"reasoning_tokens": said.thinking},
    }
    calls = []
    for index, (name, given) in enumerate(said.calls):
        begun = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        pieces = [{"index": index, "function": {"arguments": piece}} for piece in _halves(json.dumps(given))]
        calls += [chunk({"tool_calls": [piece]}) for piece in (begun, *pieces)]
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"reasoning": piece}) for piece in said.thought),
        *(chunk({"content": piece}) for piece in said.text),
        *calls,
        chunk({}, "tool_calls" if said.calls else "stop"),
        ("", {"id": "c", "choices": [], "usage": usage}),
        ("", "[DONE]"),
    ]


def messages_stream(said: Answered) -> Events:
    """As Anthropic writes it: what was read from the cache is counted by itself."""
    usage = {"input_tokens": said.prompt - said.cached, "cache_read_input_tokens": said.cached, "output_tokens": 1}
    final = {"output_tokens": said.completion, "output_tokens_details": {"thinking_tokens": said.thinking}}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    blocks: list[tuple[Json, list[Json]]] = []
    if said.thought:
        thinking = [{"type": "thinking_delta", "thinking": piece} for piece in said.thought]
        signed = {"type": "signature_delta", "signature": "c2ln"}
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [*thinking, signed]))
    blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in said.text]))
    for index, (name, given) in enumerate(said.calls):
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in _halves(json.dumps(given))]
        blocks.append(({"type": "tool_use", "id": f"call_{index}", "name": name, "input": {}}, pieces))
    events: list[Json] = [{"type": "message_start", "message": message}, {"type": "ping"}]
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
    events += [{"type": "message_delta", "delta": stop, "usage": final}, {"type": "message_stop"}]
    return [(event["type"], event) for event in events]


def gemini_stream(said: Answered) -> Events:
    """As Google writes it: thoughts are counted by themselves."""

    def body(*parts: Json, **others: Any) -> tuple[str, Json]:
        candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        finish = {"finishReason": others.pop("finish")} if "finish" in others else {}
        return "", {"candidates": [{**candidate, **finish}], "modelVersion": "m", "responseId": "r", **others}

    usage = {
        "promptTokenCount": said.prompt,
        "cachedContentTokenCount": said.cached,
        "candidatesTokenCount": said.completion - said.thinking,
        "thoughtsTokenCount": said.thinking,
    }
    return [
        *(body({"text": piece, "thought": True}) for piece in said.thought),
        *(body({"text": piece}) for piece in said.text),
        *(body({"functionCall": {"name": name, "args": given}}) for name, given in said.calls),
        body({"text": ""}, finish="STOP", usageMetadata=usage),
    ]


STREAMS: Mapping[Format, Callable[[Answered], Events]] = {
    Format.CHAT: chat_stream,
    Format.MESSAGES: messages_stream,
    Format.GEMINI: gemini_stream,
}


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]
