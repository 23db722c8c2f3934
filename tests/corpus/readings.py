"""What a client makes of an answer: each surface's format read as its SDKs read it, by code of the tests' own."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Said:
    """One choice of an answer."""

    text: str = ""
    finish: str | None = None
    calls: dict[int, list[str]] = field(default_factory=dict)
    """Name and arguments of the tool calls, by their place."""

    @property
    def tool_calls(self) -> list[tuple[str, object]]:
        """Names and arguments (see `arguments_of`), in order."""
        return [(name, arguments_of(given)) for _, (name, given) in sorted(self.calls.items())]


@dataclass(slots=True)
class Reading:
    """What a client ends with. `usage` is in the format's own words; `ended` says that the terminal marker came,
    `streamed` that it was an event stream.
    """

    choices: dict[int, Said] = field(default_factory=dict)
    usage: Json | None = None
    error: Json | None = None
    ended: bool = True
    streamed: bool = False

    def choice(self, index: int = 0) -> Said:
        """A choice, begun if it isn't yet."""
        return self.choices.setdefault(index, Said())


@dataclass(frozen=True, slots=True)
class SseEvent:
    """An event of a stream as the gateway writes it."""

    name: str
    data: str


def arguments_of(given: str) -> object:
    """Arguments of a tool call, read; as they are where they are no JSON."""
    try:
        return json.loads(given) if given else {}
    except ValueError:
        return given


def events_of(stream: str) -> list[SseEvent]:
    """The events of a whole stream."""
    blocks = stream.split("\n\n")
    assert blocks.pop() == "", "the stream is cut off"
    return [event for block in blocks if (event := _event(block.split("\n"))) is not None]


def _event(lines: Iterable[str]) -> SseEvent | None:
    name, parts = "", []
    for line in lines:
        if line.startswith("data: "):
            parts.append(line[6:])
        elif line.startswith("event: "):
            name = line[7:]
        else:
            assert line.startswith(":"), f"no line of an event stream: {line[:40]!r}"
    return SseEvent(name, "\n".join(parts)) if parts else None


def read_whole(surface: str, body: Json) -> Reading:
    """A whole answer, or the body of an error."""
    if body.get("error") and not body.get("choices") and not body.get("output"):
        return Reading(error=body["error"])
    return _WHOLE[surface](body)


def read_stream(surface: str, events: Iterable[SseEvent]) -> Reading:
    """A streamed answer."""
    reading = _STREAMS[surface](list(events))
    reading.streamed = True
    return reading


def _chat(body: Json) -> Reading:
    reading = Reading(usage=body.get("usage"))
    for place, choice in enumerate(body["choices"]):
        _take_choice(reading.choice(choice.get("index") or place), choice, choice.get("message") or {}, streamed=False)
    return reading


def _chat_stream(events: list[SseEvent]) -> Reading:
    reading = Reading(ended=bool(events) and events[-1].data == "[DONE]")
    for event in events:
        if event.data == "[DONE]":
            continue
        chunk = json.loads(event.data)
        reading.error = chunk.get("error") or reading.error
        reading.usage = chunk.get("usage") or reading.usage
        for choice in chunk.get("choices") or ():
            said = choice.get("delta") or {}
            _take_choice(reading.choice(choice.get("index") or 0), choice, said, streamed=True)
    return reading


def _take_choice(said: Said, choice: Json, message: Json, *, streamed: bool) -> None:
    said.finish = choice.get("finish_reason") or said.finish
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    said.text += content if isinstance(content, str) else "".join(part.get("text") or "" for part in parts)
    old = message.get("function_call") or {}
    legacy = [{"index": 0, "function": old}] if old.get("name") or old.get("arguments") else []
    for place, call in enumerate(message.get("tool_calls") or legacy):
        number = call.get("index", place) if streamed else place
        function = call.get("function") or call.get("custom") or {}
        grown = said.calls.setdefault(number, ["", ""])
        grown[0] = grown[0] or function.get("name") or ""
        grown[1] += function.get("arguments") or function.get("input") or ""


def _message(body: Json) -> Reading:
    reading = Reading(usage=body.get("usage"))
    said = reading.choice()
    said.finish = body.get("stop_reason")
    for place, block in enumerate(body.get("content") or ()):
        if block["type"] == "text":
            said.text += block["text"]
        elif block["type"] == "tool_use":
            said.calls[place] = [block["name"], json.dumps(block["input"])]
    return reading


def _message_stream(events: list[SseEvent]) -> Reading:
    """Counts that `message_delta` repeats are the later ones."""
    reading = Reading(ended=bool(events) and events[-1].name == "message_stop", usage={})
    said = reading.choice()
    for event in events:
        body = json.loads(event.data)
        assert event.name in (body["type"], ""), "an event of two names"
        if body["type"] == "message_start":
            reading.usage = dict(body["message"].get("usage") or {})
        elif body["type"] == "content_block_start":
            _begin_block(said, body["index"], body["content_block"])
        elif body["type"] == "content_block_delta":
            said.text += body["delta"].get("text", "") if body["delta"]["type"] == "text_delta" else ""
            if body["delta"]["type"] == "input_json_delta" and body["index"] in said.calls:
                said.calls[body["index"]][1] += body["delta"]["partial_json"]
        elif body["type"] == "message_delta":
            said.finish = body["delta"].get("stop_reason") or said.finish
            given = {name: value for name, value in (body.get("usage") or {}).items() if value is not None}
            reading.usage = {**(reading.usage or {}), **given}
        elif body["type"] == "error":
            reading.error = body["error"]
    return reading


def _begin_block(said: Said, index: int, block: Json) -> None:
    if block["type"] == "text":
        said.text += block.get("text") or ""
    elif block["type"] == "tool_use":
        said.calls[index] = [block["name"], json.dumps(block["input"]) if block.get("input") else ""]


def _response(body: Json) -> Reading:
    reading = Reading(usage=body.get("usage"), error=body.get("error"))
    said = reading.choice()
    said.finish = _finish_of_response(body)
    _take_items(said, body.get("output") or ())
    return reading


def _finish_of_response(body: Json) -> str | None:
    reason = (body.get("incomplete_details") or {}).get("reason")
    status: str | None = body.get("status")
    return f"{status}:{reason}" if status == "incomplete" and reason else status


def _take_items(said: Said, items: Iterable[Json]) -> None:
    for place, item in enumerate(items):
        if item["type"] == "message":
            said.text += "".join(part["text"] for part in item["content"] if part["type"] == "output_text")
        elif item["type"] == "function_call":
            said.calls[place] = [item["name"], item["arguments"]]
        elif item["type"] == "custom_tool_call":
            said.calls[place] = [item["name"], json.dumps(item["input"])]


def _response_stream(events: list[SseEvent]) -> Reading:
    """The last event holds the whole answer, but for providers that leave its output out."""
    reading, items = Reading(ended=False), []
    for event in events:
        if event.data == "[DONE]":
            continue
        body = json.loads(event.data)
        kind = body.get("type")
        if kind == "response.output_item.done":
            items.append(body["item"])
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            reading = _response(body["response"])
            if not body["response"].get("output"):
                _take_items(reading.choice(), items)
        elif kind == "error" or (kind is None and body.get("error")):
            reading.error = body.get("error") or body
    return reading


_WHOLE: Mapping[str, Callable[[Json], Reading]] = {"chat": _chat, "messages": _message, "responses": _response}
_STREAMS: Mapping[str, Callable[[list[SseEvent]], Reading]] = {
    "chat": _chat_stream,
    "messages": _message_stream,
    "responses": _response_stream,
}
