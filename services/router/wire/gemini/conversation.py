"""Chat messages as Gemini's system instruction and turns.

Formats: Gemini API reference, "Content"; docs "Function calling" (responses stand in a user turn), "Thought signatures"
(what must come back, and what to send where none was given).
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.router.chat import UNREADABLE_JSON
from services.router.wire.gemini.choice import REASONING_FORMAT
from services.router.wire.gemini.generations import Generation
from services.router.wire.gemini.media import Part, part_of
from services.router.wire.gemini.messages import Detail, Message, ToolCall
from services.runtime.errors import InvalidField, UnsupportedFeature

_UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""`skip_thought_signature_validator` in base64: what Google documents for calls that another model made."""

_ROLES = "system, developer, user, assistant or tool"
_MEDIA = ("inlineData", "fileData")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])

Json = dict[str, Any]


@dataclass(slots=True)
class Conversation:
    """The turns so far; consecutive ones of the same role are one. `called` has the functions' names by call id."""

    generation: Generation
    system: list[Json] = field(default_factory=list)
    turns: list[Json] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)

    def add(self, message: Message, where: str) -> None:
        """Adds a message; `where` names it in errors.

        Raises:
            UnsupportedFeature: it says something that Gemini's format can't.
            InvalidField: its role is none, or something in it does not fit together.
        """
        if message.role in ("system", "developer"):
            self.system += self._texts(message, where)
        elif message.role == "user":
            self._turn("user", _content(message, where) or [{"text": ""}])
        elif message.role == "assistant":
            self._turn("model", self._said(message, where))
        elif message.role == "tool":
            self._turn("user", self._result(message, where))
        else:
            raise InvalidField(f"{where}.role", message.role, _ROLES)

    def _turn(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["parts"] += parts
        else:
            self.turns.append({"role": role, "parts": parts})

    def _texts(self, message: Message, where: str) -> list[Json]:
        parts = _content(message, where)
        if any("text" not in part for part in parts):
            field_name = f"{where}.content"
            raise UnsupportedFeature(f"{field_name}: Gemini takes only text in a system message", field=field_name)
        return parts

    def _said(self, message: Message, where: str) -> list[Json]:
        """The model's turn: what Google's tools did, thoughts, text, images, calls."""
        if message.function_call is not None:
            name = f"{where}.function_call"
            raise UnsupportedFeature(f"{name}: the old form of tool calls; send tool_calls", field=name)
        if message.audio is not None:
            name = f"{where}.audio"
            raise UnsupportedFeature(f"{name}: sound that another provider keeps", field=name)
        google = message.extra_content.google if message.extra_content else None
        parts: list[Any] = list((google.parts if google else None) or ())
        parts += _thoughts(message)
        said = _content(message, where)
        if message.refusal and not said:
            said = [{"text": message.refusal}]
        if google and google.thought_signature:
            if not said:
                said = [{"text": ""}]
            said[-1]["thoughtSignature"] = google.thought_signature
        parts += said
        for number, image in enumerate(message.images or ()):
            parts.append(part_of(Part("image_url", image_url=image.image_url), f"{where}.images[{number}]"))
        return parts + self._calls(message, where)

    def _calls(self, message: Message, where: str) -> list[Json]:
        signatures = {one.id: one.data for one in message.reasoning_details or () if one.id and _is_own(one)}
        parts: list[Json] = []
        for number, call in enumerate(message.tool_calls or ()):
            part = self._call(call, f"{where}.tool_calls[{number}]")
            signature = call.signature or signatures.get(call.id or "")
            if signature is None and not parts and self.generation.wants_signatures:
                signature = _UNSIGNED
            if signature is not None:
                part["thoughtSignature"] = signature
            parts.append(part)
        return parts

    def _call(self, call: ToolCall, where: str) -> Json:
        if call.function is None:
            message = f"{where}: Gemini has no tools of type {call.type[:64]!r}"
            raise UnsupportedFeature(message, field=f"{where}.type", value=call.type[:64])
        arguments = (call.function.arguments or "{}").encode()
        try:
            _object.decode(arguments)
        except UNREADABLE_JSON:
            raise InvalidField(f"{where}.function.arguments", "something else", "a JSON object in a text") from None
        found: Json = {"name": call.function.name, "args": msgspec.Raw(arguments)}
        if call.id:
            self.called[call.id] = call.function.name
            found["id"] = call.id
        return {"functionCall": found}

    def _result(self, message: Message, where: str) -> list[Json]:
        """The response to a call, and media in it beside it where the model does not take them inside."""
        name = self.called.get(message.tool_call_id or "") or message.name
        if name is None:
            field_name = f"{where}.tool_call_id"
            raise InvalidField(field_name, message.tool_call_id, "the id of a tool call in an earlier message")
        parts = _content(message, where)
        media = [part for part in parts if any(kind in part for kind in _MEDIA)]
        text = "".join(part["text"] for part in parts if "text" in part)
        found: Json = {"name": name, "response": _response(text)}
        if message.tool_call_id:
            found["id"] = message.tool_call_id
        if media and self.generation.takes_media_in_results:
            found["parts"] = media
            media = []
        return [{"functionResponse": found}, *media]


def _content(message: Message, where: str) -> list[Json]:
    """Gemini's parts; empty texts make none."""
    if isinstance(message.content, str):
        return [{"text": message.content}] if message.content else []
    found = (part_of(part, f"{where}.content[{number}]") for number, part in enumerate(message.content or ()))
    return [part for part in found if part.get("text") != ""]


def _thoughts(message: Message) -> list[Json]:
    """Gemini's own thoughts, as they came; those of other models mean nothing to it."""
    parts = []
    for detail in message.reasoning_details or ():
        if _is_own(detail) and detail.type == "reasoning.text" and detail.text:
            part: Json = {"text": detail.text, "thought": True}
            if detail.signature:
                part["thoughtSignature"] = detail.signature
            parts.append(part)
    return parts


def _is_own(detail: Detail) -> bool:
    """Whether a detail of reasoning came from Gemini."""
    return detail.format == REASONING_FORMAT


def _response(text: str) -> Any:
    """What a function returned: an object, which anything else is wrapped in."""
    if text.lstrip()[:1] == "{":
        try:
            _object.decode(text.encode())
        except UNREADABLE_JSON:
            return {"result": text}
        return msgspec.Raw(text.encode())
    return {"result": text}
