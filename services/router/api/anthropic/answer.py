"""A whole answer in the common shape as an Anthropic message, and what both it and a stream end with."""

from collections.abc import Collection
from typing import Any

import msgspec

from services.rating import Tokens
from services.router.api.anthropic.said import Block, Blocks, Choice, decode
from services.router.api.carrier import encoded

_NOT_JSON = "INVALID_JSON"
_LENGTHS = ("length", "max_tokens", "model_length")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def message(body: bytes, request_id: str, model: str, stops: Collection[str], tokens: Tokens | None) -> bytes:
    """The message. `request_id`, `model` and `stops` are the request's, in place of what the answer does not tell.

    Raises:
        ProviderBroken: the answer is not a JSON object.
    """
    completion = decode(body)
    blocks = Blocks()
    choice = next(iter(completion.choices or ()), Choice())
    said = choice.message or choice.delta
    if said is not None:
        said.number_calls()
        blocks.take(said)
    reason, stop = ending(choice, blocks, stops)
    return encoded(
        {
            **head(completion.id or request_id, completion.model or model),
            "content": [_content(block, request_id, place) for place, block in enumerate(blocks.blocks)],
            "stop_reason": reason,
            "stop_sequence": stop,
            "usage": usage(tokens),
        }
    )


def head(message_id: str, model: str) -> dict[str, Any]:
    """The members that a message begins with."""
    return {"id": message_id, "type": "message", "role": "assistant", "model": model}


def opening(block: Block, request_id: str, place: int) -> dict[str, Any]:
    """A block before anything is in it. A call without an id gets one, made of the request's and its place."""
    if block.kind == "tool_use":
        call_id = block.id or f"toolu_{request_id}_{place}"
        return {"type": "tool_use", "id": call_id, "name": block.name, "input": {}}
    if block.kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    if block.kind == "redacted_thinking":
        return {"type": "redacted_thinking", "data": block.data}
    return {"type": "text", "text": ""}


def _content(block: Block, request_id: str, place: int) -> dict[str, Any]:
    found = opening(block, request_id, place)
    if block.kind == "tool_use":
        found["input"] = _input(block.text)
    elif block.kind == "thinking":
        found |= {"thinking": block.text, "signature": block.signature}
    elif block.kind == "text":
        found["text"] = block.text
        if block.citations:
            found["citations"] = block.citations
    return found


def _input(arguments: str) -> Any:
    """Arguments as an object. What is none is wrapped into one, as Anthropic's guide to tool streaming does it."""
    if not arguments.strip():
        return {}
    try:
        _object.decode(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {_NOT_JSON: arguments}
    return msgspec.Raw(arguments.encode())


def ending(choice: Choice, blocks: Blocks, stops: Collection[str]) -> tuple[str, str | None]:
    """Why the answer ended, as Anthropic says it, and the stop sequence where it is known."""
    finish = choice.finish_reason
    if finish in _LENGTHS:
        return "max_tokens", None
    if finish == "content_filter" or blocks.refused:
        return "refusal", None
    if blocks.calls:
        return "tool_use", None
    if isinstance(choice.stop_reason, str) and choice.stop_reason in stops:
        return "stop_sequence", choice.stop_reason
    if choice.native_finish_reason == "stop_sequence":
        return "stop_sequence", None
    return "end_turn", None


def usage(tokens: Tokens | None) -> dict[str, Any]:
    """The counts as Anthropic has them: what was read from or written to the cache is no part of `input_tokens`.

    These and `output_tokens` are demanded by the SDK, and 0 where they are not known; the others may be absent.
    """
    tokens = tokens or Tokens()
    cached, written = tokens.cached_tokens, tokens.cache_write_tokens
    found: dict[str, Any] = {
        "input_tokens": max((tokens.prompt_tokens or 0) - (cached or 0) - (written or 0), 0),
        "output_tokens": tokens.completion_tokens or 0,
    }
    if cached is not None:
        found["cache_read_input_tokens"] = cached
    if written is not None:
        found["cache_creation_input_tokens"] = written
    if tokens.reasoning_tokens is not None:
        found["output_tokens_details"] = {"thinking_tokens": tokens.reasoning_tokens}
    return found
