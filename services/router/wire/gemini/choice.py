"""A candidate as a choice of chat: its parts become text, reasoning, tool calls, images and sound.

Formats: Gemini API reference, "Part"; docs "Thought signatures" (they come back in `extra_content`, as in Google's
OpenAI compatibility); OpenRouter, "Reasoning tokens" (`reasoning_details`) and "Image generation" (`images`).
"""

from hashlib import blake2b
from typing import Any

import msgspec

from services.router.wire.gemini.annotations import annotations_of
from services.router.wire.gemini.answer import Blob, Candidate, FunctionCall, Part
from services.router.wire.gemini.finish import finish_reason, native_reason
from services.router.wire.gemini.logprobs import chat_logprobs
from services.router.wire.gemini.writing import compact
from services.runtime.errors import ProviderBroken

REASONING_FORMAT = "google-gemini-v1"
"""OpenRouter's name for thoughts of Gemini's, so that they go back to no other model."""

_OWN_PARTS = {
    "executable_code": "executableCode",
    "code_execution_result": "codeExecutionResult",
    "tool_call": "toolCall",
    "tool_response": "toolResponse",
    "file_data": "fileData",
}
"""What Google's own tools do, which chat has no form for: our name and Google's."""

_NO_ARGUMENTS = (b"", b"null")

Json = dict[str, Any]


class Choice:
    """Reads one candidate, whole or chunk by chunk. `written` counts the characters the model wrote."""

    __slots__ = ("_answer_id", "_calls", "_cited", "_index", "_text", "ended", "written")

    def __init__(self, index: int, answer_id: str) -> None:
        self._index = index
        self._answer_id = answer_id
        self._calls = 0
        self._text: list[str] = []
        self._cited: set[tuple[Any, ...]] = set()
        self.ended: str | None = None
        self.written = 0

    def read(self, candidate: Candidate) -> Json:
        """What the candidate says, as the members of a chat message; tool calls are numbered.

        `ended` is the finish reason, once it has come.

        Raises:
            ProviderBroken: a call has no name.
        """
        parts = (candidate.content.parts if candidate.content else None) or ()
        said: Json = {}
        texts = [part.text if part.text and not part.thought else "" for part in parts]
        self._say(said, parts, "".join(texts))
        if candidate.grounding_metadata or candidate.citation_metadata:
            found = annotations_of(candidate, self._text, texts, self._cited)
            if found:
                said["annotations"] = found
        self._text.extend(texts)
        return said

    def end_of(self, candidate: Candidate) -> Json:
        """The members of a chat choice that tell of its end and its tokens; `finish_reason` is null before the end."""
        end: Json = {"finish_reason": None}
        native = native_reason(candidate.finish_reason)
        if native is not None:
            self.ended = end["finish_reason"] = finish_reason(native, called=bool(self._calls))
            end["native_finish_reason"] = native
        if candidate.logprobs_result is not None:
            end["logprobs"] = chat_logprobs(candidate.logprobs_result)
        return end

    def _say(self, said: Json, parts: list[Part] | tuple[()], text: str) -> None:
        if text:
            said["content"] = text
            self.written += len(text)
        google: Json = {}
        thoughts: list[Part] = []
        for part in parts:
            if part.function_call is not None:
                said.setdefault("tool_calls", []).append(self._call(part.function_call, part.thought_signature))
            elif part.thought:
                thoughts.append(part)
            elif part.inline_data is None and part.text is None:
                self._add_own(google, part)
            else:
                if part.inline_data is not None:
                    self._add_blob(said, part.inline_data)
                if part.thought_signature:
                    google["thought_signature"] = part.thought_signature
        if thoughts:
            self._add_thoughts(said, thoughts)
        if google:
            said["extra_content"] = {"google": google}

    def _call(self, call: FunctionCall, signature: str | None) -> Json:
        if not call.name or call.will_continue:
            raise ProviderBroken("A function call has no name, or comes in pieces nobody asked for", phase="body")
        arguments = "{}" if bytes(call.args) in _NO_ARGUMENTS else compact(call.args)
        self.written += len(call.name) + len(arguments)
        found = {
            "index": self._calls,
            "id": call.id or self._id_of(call.name, arguments),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        }
        if signature:
            found["extra_content"] = {"google": {"thought_signature": signature}}
        self._calls += 1
        return found

    def _id_of(self, name: str, arguments: str) -> str:
        """The same for the same answer, another for each of its calls."""
        seed = f"{self._answer_id} {self._index} {self._calls} {name} {arguments}"
        return "call_" + blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def _add_thoughts(self, said: Json, thoughts: list[Part]) -> None:
        text = "".join(part.text or "" for part in thoughts)
        self.written += len(text)
        detail = {"type": "reasoning.text", "text": text, "format": REASONING_FORMAT, "index": 0}
        signature = next((part.thought_signature for part in reversed(thoughts) if part.thought_signature), None)
        if signature:
            detail["signature"] = signature
        if text:
            said["reasoning"] = text
        said["reasoning_details"] = [detail]

    def _add_blob(self, said: Json, blob: Blob) -> None:
        if blob.mime_type.startswith("audio/"):
            said["audio"] = {"id": self._answer_id, "data": blob.data, "expires_at": 0, "transcript": ""}
            return
        url = f"data:{blob.mime_type};base64,{blob.data}"
        said.setdefault("images", []).append({"type": "image_url", "image_url": {"url": url}})

    def _add_own(self, google: Json, part: Part) -> None:
        """Keeps the part as it came, so that it can go back."""
        own: Json = {}
        for field, name in _OWN_PARTS.items():
            if raw := getattr(part, field):
                text = compact(raw)
                self.written += len(text)
                own[name] = msgspec.Raw(text.encode())
        if part.thought_signature:
            own["thoughtSignature"] = part.thought_signature
        if own:
            google.setdefault("parts", []).append(own)
