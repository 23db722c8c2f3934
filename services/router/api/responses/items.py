"""The items of a response's output as they grow: each tells every step by events, and is there whole at its end.

Format: OpenAI API reference, "Streaming events" and "The response object" (`output`).
"""

from collections.abc import Mapping
from typing import Any, Protocol

from services.router.api.halves import Halves

Item = dict[str, Any]


class Emit(Protocol):
    """Writes an event."""

    def __call__(self, kind: str, **members: Any) -> None:
        """`kind` is the event's type; its number is added."""


class _Growing:
    """What all items have in common: an id, a place in the output, an event when they begin and when they are done."""

    def __init__(self, emit: Emit, index: int, item: Item) -> None:
        self.id: str = item["id"]
        self.index = index
        self._emit = emit
        emit("response.output_item.added", output_index=index, item=item)

    def _tell(self, kind: str, **members: Any) -> None:
        self._emit(kind, item_id=self.id, output_index=self.index, **members)

    def _done(self, item: Item) -> Item:
        self._emit("response.output_item.done", output_index=self.index, item=item)
        return item


class Reasoning(_Growing):
    """What the model thought, as a summary of one part."""

    def __init__(self, emit: Emit, index: int, item_id: str) -> None:
        super().__init__(emit, index, {"id": item_id, "type": "reasoning", "status": "in_progress", "summary": []})
        self._texts: list[str] = []
        self._halves = Halves()

    def say(self, text: str, *, last: bool = False) -> None:
        """Takes some more of it."""
        if not self._texts and text:
            part = {"type": "summary_text", "text": ""}
            self._tell("response.reasoning_summary_part.added", summary_index=0, part=part)
        text = self._halves.join(text, last=last)
        if text:
            self._texts.append(text)
            self._tell("response.reasoning_summary_text.delta", summary_index=0, delta=text)

    def end(self, encrypted: str | None, status: str) -> Item:
        """The item, whole; `encrypted` is what the client is to bring back."""
        self.say("", last=True)
        item: Item = {"id": self.id, "type": "reasoning", "status": status, "summary": []}
        if self._texts:
            part = {"type": "summary_text", "text": "".join(self._texts)}
            self._tell("response.reasoning_summary_text.done", summary_index=0, text=part["text"])
            self._tell("response.reasoning_summary_part.done", summary_index=0, part=part)
            item["summary"] = [part]
        item["encrypted_content"] = encrypted
        return self._done(item)


class Message(_Growing):
    """What the model says: parts of text and of refusal."""

    def __init__(self, emit: Emit, index: int, item_id: str) -> None:
        self._about = {"id": item_id, "type": "message", "role": "assistant"}
        super().__init__(emit, index, {**self._about, "status": "in_progress", "content": []})
        self._parts: list[Item] = []
        self._part: _Text | _Refusal | None = None

    def text(self) -> "_Text":
        """The part to put text into; the one before is done if it is a refusal."""
        if not isinstance(self._part, _Text):
            self._end_part()
            self._part = _Text(self._tell, len(self._parts))
        return self._part

    def refusal(self) -> "_Refusal":
        """The part to put a refusal into; the one before is done if it is a text."""
        if not isinstance(self._part, _Refusal):
            self._end_part()
            self._part = _Refusal(self._tell, len(self._parts))
        return self._part

    def end(self, status: str) -> Item:
        """The item, whole."""
        self._end_part()
        return self._done({**self._about, "status": status, "content": self._parts})

    def _end_part(self) -> None:
        if self._part is not None:
            self._parts.append(self._part.end())
            self._part = None


class _Text:
    def __init__(self, tell: Emit, index: int) -> None:
        self._tell = tell
        self._index = index
        self._texts: list[str] = []
        self._annotations: list[Item] = []
        self._logprobs: list[Item] = []
        self._halves = Halves()
        tell("response.content_part.added", content_index=index, part=self._whole())

    def say(self, text: str, logprobs: list[Item], *, last: bool = False) -> None:
        """Takes some more text, with the log probabilities of its tokens where they are known."""
        text = self._halves.join(text, last=last)
        if text or logprobs:
            self._texts.append(text)
            self._logprobs += logprobs
            self._tell("response.output_text.delta", content_index=self._index, delta=text, logprobs=logprobs)

    def annotate(self, annotation: Item) -> None:
        """Takes a citation."""
        place = len(self._annotations)
        self._annotations.append(annotation)
        self._tell(
            "response.output_text.annotation.added",
            content_index=self._index,
            annotation_index=place,
            annotation=annotation,
        )

    def end(self) -> Item:
        """The part, whole."""
        self.say("", [], last=True)
        part = self._whole()
        self._tell("response.output_text.done", content_index=self._index, text=part["text"], logprobs=part["logprobs"])
        self._tell("response.content_part.done", content_index=self._index, part=part)
        return part

    def _whole(self) -> Item:
        return {
            "type": "output_text",
            "text": "".join(self._texts),
            "annotations": self._annotations,
            "logprobs": self._logprobs,
        }


class _Refusal:
    def __init__(self, tell: Emit, index: int) -> None:
        self._tell = tell
        self._index = index
        self._texts: list[str] = []
        self._halves = Halves()
        tell("response.content_part.added", content_index=index, part={"type": "refusal", "refusal": ""})

    def say(self, text: str, *, last: bool = False) -> None:
        """Takes some more of it."""
        text = self._halves.join(text, last=last)
        if text:
            self._texts.append(text)
            self._tell("response.refusal.delta", content_index=self._index, delta=text)

    def end(self) -> Item:
        """The part, whole."""
        self.say("", last=True)
        part = {"type": "refusal", "refusal": "".join(self._texts)}
        self._tell("response.refusal.done", content_index=self._index, refusal=part["refusal"])
        self._tell("response.content_part.done", content_index=self._index, part=part)
        return part


class ToolCall(_Growing):
    """A call of a function, or of a custom tool, which has one text as its `input` in place of `arguments`.

    `name` has the tool's, and its `namespace` where it is in one.
    """

    def __init__(
        self, emit: Emit, index: int, item_id: str, call_id: str, name: Mapping[str, str], *, custom: bool
    ) -> None:
        self.call_id = call_id
        self._member = "input" if custom else "arguments"
        self._events = "response.custom_tool_call_input" if custom else "response.function_call_arguments"
        kind = "custom_tool_call" if custom else "function_call"
        self._about = {"id": item_id, "type": kind, "call_id": call_id, **name}
        super().__init__(emit, index, {**self._about, self._member: "", "status": "in_progress"})
        self._texts: list[str] = []
        self._halves = Halves()

    def say(self, text: str, *, last: bool = False) -> None:
        """Takes some more of its arguments."""
        text = self._halves.join(text, last=last)
        if text:
            self._texts.append(text)
            self._tell(f"{self._events}.delta", delta=text)

    def end(self, status: str) -> Item:
        """The item, whole. A function that was given nothing was given no arguments, and that is JSON, too."""
        self.say("", last=True)
        if not self._texts and self._member == "arguments":
            self.say("{}")
        said = {self._member: "".join(self._texts)}
        self._tell(f"{self._events}.done", **said)
        return self._done({**self._about, **said, "status": status})


class Image(_Growing):
    """An image that came at once."""

    def __init__(self, emit: Emit, index: int, item_id: str) -> None:
        self._about = {"id": item_id, "type": "image_generation_call"}
        super().__init__(emit, index, {**self._about, "status": "in_progress", "result": None})

    def end(self, result: str) -> Item:
        """The item, whole; `result` is base64."""
        return self._done({**self._about, "status": "completed", "result": result})
