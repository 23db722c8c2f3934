"""A `GenerateContentResponse`: one indented object, or a stream of them as events or as a JSON array.

After Google's reference; field order, line ends and indents as recorded.
"""

import base64
import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from services.sandbox.chat import Answer, ChatRequest, Choice, ToolCall, Usage
from services.sandbox.gemini_contents import models
from services.sandbox.script import Frame
from services.sandbox.text import count_tokens, split_tokens

_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
_TOKENS_PER_CHUNK = 4
_CALLED = "Model generated function call(s)."


def indented(payload: object) -> bytes:
    """JSON as Google writes bodies."""
    return msgspec.json.format(msgspec.json.encode(payload), indent=2) + b"\n"


def event(payload: object, tokens: float = 0.0, *, reports_usage: bool = False) -> Frame:
    """A server-sent event, with the line ends Google sends."""
    return Frame(b"data: " + msgspec.json.encode(payload) + b"\r\n\r\n", tokens, reports_usage)


def response(request: ChatRequest, answer: Answer, usage: Usage | None) -> dict[str, Any]:
    """The whole answer. A prompt that is blocked has no candidates."""
    if _is_blocked(answer):
        return {"promptFeedback": {"blockReason": "SAFETY"}, **_tail(request, answer, usage, 0)}
    candidates = []
    for choice in answer.choices:
        parts = [*_thoughts(request, choice.reasoning), *_said(request, choice), *_calls(request, choice)]
        content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
        candidates.append({"content": content, **_ending(request, choice), "index": choice.index})
    made = usage.completion_tokens - usage.reasoning_tokens if usage is not None else 0
    return {"candidates": candidates, **_tail(request, answer, usage, made)}


def chunks(
    request: ChatRequest, answer: Answer, usage: Usage | None, *, done: bool
) -> Iterator[tuple[dict[str, Any], float]]:
    """The parts of a stream, each with the tokens that making it takes; the last one finishes every candidate.

    Without `done` nothing finishes.
    """
    if _is_blocked(answer):
        yield response(request, answer, usage), 0.0
        return
    share = 1 / len(answer.choices)
    hidden = 0 if request.shows_reasoning else sum(count_tokens(choice.reasoning) for choice in answer.choices)
    lead, made = hidden * share, 0
    for round_ in zip_longest(*(_steps(request, choice) for choice in answer.choices)):
        for choice, step in zip(answer.choices, round_, strict=True):
            if step is None:
                continue
            part, tokens, counts = step
            made += counts
            candidate = {"content": {"parts": [part], "role": "model"}, "index": choice.index}
            yield {"candidates": [candidate], **_tail(request, answer, usage, made)}, lead + tokens * share
            lead = 0.0
    candidates = []
    for choice in answer.choices:
        part = {"text": ""}
        if models.is_third(request.model) and choice.reasoning and not choice.tool_calls:
            part["thoughtSignature"] = _signature(choice.reasoning)
        finish = _ending(request, choice) if done else {}
        candidates.append({"content": {"parts": [part], "role": "model"}, **finish, "index": choice.index})
    total = usage.completion_tokens - usage.reasoning_tokens if usage is not None else 0
    yield {"candidates": candidates, **_tail(request, answer, usage, total)}, lead


def _steps(request: ChatRequest, choice: Choice) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Parts with the tokens they take, and with those of them that are billed as the candidate's."""
    for piece in _pieces(choice.reasoning) if request.shows_reasoning else ():
        yield {"text": piece, "thought": True}, count_tokens(piece), 0
    for piece in _pieces(choice.content or ""):
        yield {"text": piece}, count_tokens(piece), count_tokens(piece)
    for part, call in zip(_calls(request, choice), _whole(choice), strict=True):
        tokens = count_tokens(call.name) + count_tokens(call.arguments)
        yield part, tokens, tokens


def _pieces(text: str) -> Iterator[str]:
    tokens = split_tokens(text)
    for start in range(0, len(tokens), _TOKENS_PER_CHUNK):
        yield "".join(tokens[start : start + _TOKENS_PER_CHUNK])


def _is_blocked(answer: Answer) -> bool:
    return all(choice.finish_reason == "content_filter" and not choice.content for choice in answer.choices)


def _thoughts(request: ChatRequest, reasoning: str) -> list[dict[str, Any]]:
    return [{"text": reasoning, "thought": True}] if reasoning and request.shows_reasoning else []


def _said(request: ChatRequest, choice: Choice) -> list[dict[str, Any]]:
    if not choice.content:
        return []
    part = {"text": choice.content}
    if models.is_third(request.model) and choice.reasoning:
        part["thoughtSignature"] = _signature(choice.reasoning)
    return [part]


def _calls(request: ChatRequest, choice: Choice) -> list[dict[str, Any]]:
    """Only the first of several calls is signed."""
    parts: list[dict[str, Any]] = []
    for call in _whole(choice):
        made: dict[str, Any] = {"name": call.name, "args": msgspec.json.decode(call.arguments)}
        if models.is_third(request.model):
            made["id"] = call.id[-8:]
        parts.append({"functionCall": made})
    if parts and choice.reasoning:
        parts[0]["thoughtSignature"] = _signature(choice.reasoning)
    return parts


def _whole(choice: Choice) -> list[ToolCall]:
    """The calls that were not cut off: Gemini sends no others."""
    return [call for call in choice.tool_calls if _is_json(call.arguments)]


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _ending(request: ChatRequest, choice: Choice) -> dict[str, Any]:
    ending: dict[str, Any] = {"finishReason": _REASONS[choice.finish_reason]}
    if choice.finish_reason == "tool_calls" and not models.is_third(request.model):
        ending["finishMessage"] = _CALLED
    return ending


def _tail(request: ChatRequest, answer: Answer, usage: Usage | None, made: int) -> dict[str, Any]:
    """Token counts and names; thoughts are not among the candidates' tokens."""
    tail: dict[str, Any] = {}
    if usage is not None:
        made = min(made, usage.completion_tokens - usage.reasoning_tokens)
        tail["usageMetadata"] = _usage(usage, made)
    return {**tail, "modelVersion": request.model, "responseId": answer.id}


def _usage(usage: Usage, made: int) -> dict[str, Any]:
    counts: dict[str, Any] = {"promptTokenCount": usage.prompt_tokens}
    if made:
        counts["candidatesTokenCount"] = made
    counts["totalTokenCount"] = usage.prompt_tokens + made + usage.reasoning_tokens
    if usage.cached_tokens:
        counts["cachedContentTokenCount"] = usage.cached_tokens
    counts["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.prompt_tokens}]
    if usage.cached_tokens:
        counts["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.cached_tokens}]
    if usage.reasoning_tokens:
        counts["thoughtsTokenCount"] = usage.reasoning_tokens
    return counts


def _signature(thought: str) -> str:
    digest = hashlib.blake2b(thought.encode("utf-8", "surrogatepass"), digest_size=48).digest()
    return base64.b64encode(b"\x12\x0csandbox-sign" + digest).decode()
