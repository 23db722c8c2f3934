"""The body of a request to OpenAI's Responses API, decoded strictly where the real API is strict.

After OpenAI's API reference, "Create a model response". Members that the API does not have are refused.
"""

from typing import Any

import msgspec

from services.sandbox.errors import ApiError
from services.sandbox.openai_chat import body as chat_body


class Part(msgspec.Struct, frozen=True):
    """One part of an item's content; of media only the presence matters here."""

    type: str
    text: str = ""
    refusal: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the input, of any type; which types exist and what they need is checked later."""

    type: str = "message"
    role: str | None = None
    content: str | list[Part] | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool; those of types other than `function` are OpenAI's, and never called here."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A forced call, or a choice among some tools."""

    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[dict[str, Any]] | None = None


class TextFormat(msgspec.Struct, frozen=True, kw_only=True):
    """`text`, `json_object` or `json_schema`."""

    type: str
    name: str | None = None
    schema: dict[str, Any] | None = None


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """How the text is to be."""

    format: TextFormat | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model thinks, and whether that is summed up."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """Options of a stream."""

    include_obfuscation: bool | None = None


class ResponsesBody(msgspec.Struct, frozen=True, kw_only=True):
    """All members the API has; those of type Any change nothing but what the answer repeats."""

    model: str | None = None
    input: str | list[Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    tools: list[Tool] | None = None
    tool_choice: str | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    truncation: str | None = None
    user: str | None = None
    background: bool | None = None
    conversation: Any = None
    context_management: Any = None
    max_tool_calls: int | None = None
    moderation: Any = None
    prompt: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None

    @property
    def items(self) -> list[Item]:
        """The input as items."""
        return [Item(role="user", content=self.input)] if isinstance(self.input, str) else self.input or []


_MOVED = {"response_format": "text.format", "reasoning_effort": "reasoning.effort"}
_decoder = msgspec.json.Decoder(ResponsesBody)
_names_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode(body: bytes) -> ResponsesBody:
    """The body as a value. Raises ApiError 400 for what is no JSON, has an unknown member or one of a wrong type."""
    read = chat_body.decode(body, _decoder)
    for name in _names_decoder.decode(body):
        if name in ResponsesBody.__struct_fields__:
            continue
        if (moved := _MOVED.get(name)) is not None:
            text = f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{moved}'."
            raise ApiError(400, text, code="unsupported_parameter")
        raise ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return read
