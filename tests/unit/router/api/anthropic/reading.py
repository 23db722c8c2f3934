"""Messages and events read as strictly as Anthropic's SDK declares them."""

import json
from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from services.router.sse import SseReader

Json = dict[str, Any]
_event: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_FIELDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def checked(message: bytes) -> Json:
    """A message, which must be one by the SDK's types."""
    found: Json = json.loads(message)
    Message.model_validate(found, strict=True)
    return found


def events_of(stream: bytes) -> list[Json]:
    """The events of a stream, each of which must be one by the SDK's types and named by its own."""
    found = []
    for event in SseReader().feed(stream):
        data = json.loads(event.data)
        assert event.name.decode() == data["type"]
        if data["type"] != "ping":
            _event.validate_python(data, strict=True)
            found.append(data)
    return found


def accumulated(stream: bytes) -> Json:
    """The message that a whole stream adds up to, as `checked` would find it. The events must come in proper order."""
    events = events_of(stream)
    message: Json = events[0]["message"]
    assert [event["type"] for event in (events[0], *events[-2:])] == ["message_start", "message_delta", "message_stop"]
    assert message["content"] == []
    for event in events[1:-2]:
        _add(message["content"], event)
    assert all("open" not in block for block in message["content"])
    message |= events[-2]["delta"]
    message["usage"] = events[-2]["usage"]
    return checked(json.dumps(message).encode())


def _add(content: list[Json], event: Json) -> None:
    if event["type"] == "content_block_start":
        assert all("open" not in block for block in content)
        assert event["index"] == len(content)
        content.append({**event["content_block"], "open": ""})
        return
    assert event["index"] == len(content) - 1
    block = content[-1]
    if event["type"] == "content_block_stop":
        arguments = block.pop("open")
        if block["type"] == "tool_use" and arguments:
            block["input"] = _input(arguments)
        return
    delta = event["delta"]
    if delta["type"] == "citations_delta":
        block.setdefault("citations", []).append(delta["citation"])
    elif delta["type"] == "signature_delta":
        block["signature"] = delta["signature"]
    else:
        name = _FIELDS[delta["type"]]
        assert delta[name], "an empty delta"
        block["open" if name == "partial_json" else name] += delta[name]


def _input(arguments: str) -> Any:
    """Arguments as the whole answer has them."""
    try:
        found = json.loads(arguments)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"INVALID_JSON": arguments}
