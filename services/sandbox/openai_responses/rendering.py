"""A response in OpenAI's shape: one indented object, or a stream of numbered events.

After OpenAI's API reference, "The response object" and "Streaming events"; field order as recorded.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.sandbox.chat import Answer, ChatRequest, Choice, ToolCall, Usage
from services.sandbox.openai_chat.rendering import indented
from services.sandbox.openai_responses import thoughts
from services.sandbox.openai_responses.interpretation import ENCRYPTED
from services.sandbox.script import Frame
from services.sandbox.text import count_tokens, split_tokens

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_PADDING = "q8ZxV2mWn4LtR7Ks"
"""What `obfuscation` is cut from; it hides the length of a token from those who watch packets."""

_Event = tuple[str, dict[str, Any], float]
"""Type, members and the tokens that making it takes."""


def response(request: ChatRequest, answer: Answer, served: str, usage: Usage | None) -> bytes:
    """A `response` object by the model `served`."""
    whole = _response(request, answer, served, "default")
    choice = answer.choices[0]
    output = [item for item, _ in _items(request, answer, choice)]
    return indented({**whole, **_ending(choice), "output": output, **_usage(usage)})


def events(request: ChatRequest, answer: Answer, served: str, usage: Usage | None, *, done: bool) -> list[Frame]:
    """The events of a stream; with `done`, the last one holds the whole response."""
    opening = {**_response(request, answer, served, "auto"), "status": "in_progress", "output": [], "usage": None}
    choice = answer.choices[0]
    sequence: list[_Event] = [
        ("response.created", {"response": opening}, 0.0),
        ("response.in_progress", {"response": opening}, 0.0),
    ]
    output = []
    for index, (item, steps) in enumerate(_items(request, answer, choice)):
        output.append(item)
        sequence += ((name, {**members, "output_index": index}, tokens) for name, members, tokens in steps)
    if done:
        whole = {**_response(request, answer, served, "default"), **_ending(choice), "output": output, **_usage(usage)}
        sequence.append((f"response.{whole['status']}", {"response": whole}, 0.0))
    last = len(sequence) - 1
    return [
        event(
            name,
            {**members, "sequence_number": number},
            tokens,
            reports_usage=done and number == last and usage is not None,
        )
        for number, (name, members, tokens) in enumerate(sequence)
    ]


def failure(request: ChatRequest, answer: Answer, served: str) -> Frame:
    """The event that ends a stream when generating fails."""
    error = {"code": "server_error", "message": "The model produced invalid content."}
    failed = {**_response(request, answer, served, "default"), "status": "failed", "error": error, "output": []}
    number = answer.usage.completion_tokens + len(answer.choices[0].tool_calls) + 16
    return event("response.failed", {"response": {**failed, "usage": None}, "sequence_number": number})


def event(name: str, members: dict[str, Any], tokens: float = 0.0, *, reports_usage: bool = False) -> Frame:
    """A named event."""
    data = msgspec.json.encode({"type": name, **members})
    return Frame(b"event: %s\ndata: %s\n\n" % (name.encode(), data), tokens, reports_usage)


def _response(request: ChatRequest, answer: Answer, served: str, tier: str) -> dict[str, Any]:
    echo = {name: value for name, value in request.echo.items() if name != "include"}
    return {
        "id": answer.id,
        "object": "response",
        "created_at": answer.created,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": served,
        **echo,
        "service_tier": tier,
    }


def _ending(choice: Choice) -> dict[str, Any]:
    reason = _INCOMPLETE.get(choice.finish_reason)
    if reason is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def _usage(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {"usage": None}
    counts = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
    return {"usage": counts}


def _items(request: ChatRequest, answer: Answer, choice: Choice) -> Iterator[tuple[dict[str, Any], list[_Event]]]:
    """The items of the output, each with the events it is streamed in."""
    tail = answer.id.removeprefix("resp_")
    status = "incomplete" if choice.finish_reason in _INCOMPLETE else "completed"
    if choice.reasoning:
        yield _reasoning(request, f"rs_{tail}", choice.reasoning)
    for position, call in enumerate(choice.tool_calls):
        is_last = position == len(choice.tool_calls) - 1
        yield _call(f"fc_{position}{tail}", call, status if is_last else "completed")
    if choice.content:
        yield _message(f"msg_{tail}", choice.content, status)


def _reasoning(request: ChatRequest, item_id: str, thought: str) -> tuple[dict[str, Any], list[_Event]]:
    item: dict[str, Any] = {"id": item_id, "type": "reasoning", "summary": []}
    if ENCRYPTED in request.echo["include"]:
        item["encrypted_content"] = thoughts.encrypted(thought)
    begun = dict(item)
    tokens = float(count_tokens(thought))
    if not request.shows_reasoning:
        return item, [_added(begun, tokens), _done(item)]
    place = {"item_id": item_id, "summary_index": 0}
    part = {"type": "summary_text", "text": thought}
    steps: list[_Event] = [
        _added(begun),
        ("response.reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}, 0.0),
    ]
    steps += (
        ("response.reasoning_summary_text.delta", {**place, "delta": token, **_padding(number)}, 1.0)
        for number, token in enumerate(split_tokens(thought))
    )
    item = {**item, "summary": [part]}
    steps += (
        ("response.reasoning_summary_text.done", {**place, "text": thought}, 0.0),
        ("response.reasoning_summary_part.done", {**place, "part": part}, 0.0),
        _done(item),
    )
    return item, steps


def _call(item_id: str, call: ToolCall, status: str) -> tuple[dict[str, Any], list[_Event]]:
    item = {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "arguments": call.arguments,
        "call_id": call.id,
        "name": call.name,
    }
    place = {"item_id": item_id}
    steps: list[_Event] = [_added({**item, "status": "in_progress", "arguments": ""}, count_tokens(call.name))]
    steps += (
        ("response.function_call_arguments.delta", {**place, "delta": token, **_padding(number)}, 1.0)
        for number, token in enumerate(split_tokens(call.arguments))
    )
    steps += (("response.function_call_arguments.done", {**place, "arguments": call.arguments}, 0.0), _done(item))
    return item, steps


def _message(item_id: str, text: str, status: str) -> tuple[dict[str, Any], list[_Event]]:
    part: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    item = {"id": item_id, "type": "message", "status": status, "content": [part], "role": "assistant"}
    place = {"item_id": item_id, "content_index": 0}
    steps: list[_Event] = [
        _added({**item, "status": "in_progress", "content": []}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}, 0.0),
    ]
    steps += (
        ("response.output_text.delta", {**place, "delta": token, "logprobs": [], **_padding(number)}, 1.0)
        for number, token in enumerate(split_tokens(text))
    )
    steps += (
        ("response.output_text.done", {**place, "text": text, "logprobs": []}, 0.0),
        ("response.content_part.done", {**place, "part": part}, 0.0),
        _done(item),
    )
    return item, steps


def _added(item: dict[str, Any], tokens: float = 0.0) -> _Event:
    return "response.output_item.added", {"item": item}, tokens


def _done(item: dict[str, Any]) -> _Event:
    return "response.output_item.done", {"item": item}, 0.0


def _padding(number: int) -> dict[str, str]:
    return {"obfuscation": _PADDING[: 1 + number * 7 % len(_PADDING)]}
