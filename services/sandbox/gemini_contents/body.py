"""The body of a Gemini request, decoded as strictly as the real API does: unknown names are refused.

After Google's reference of the Gemini API (v1beta), `GenerateContentRequest`, `CountTokensRequest` and
`EmbedContentRequest`. As with all of Google's APIs, names may be written in camelCase or in snake_case.
"""

import re
from typing import Any, TypeVar

import msgspec

from services.sandbox.errors import ApiError
from services.sandbox.gemini_contents import refusals

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]+)`(?: - at `\$\.?(?P<path>[^`]*)`)?")
_WRONG_TYPE = re.compile(r"Expected `(?P<expected>[^`]+)`, got `[^`]+` - at `\$\.?(?P<path>[^`]*)`")
_SNAKE = re.compile(r"_([a-z0-9])")
_FREE = frozenset(
    ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels")
)
"""Members whose own members are the client's."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A message of the API, as JSON."""


class FunctionCall(_Message, frozen=True, kw_only=True):
    """A call the model made earlier."""

    name: str = ""
    args: dict[str, Any] | None = None
    id: str | None = None


class FunctionResponse(_Message, frozen=True, kw_only=True):
    """What a called function returned."""

    name: str = ""
    response: dict[str, Any] | None = None
    id: str | None = None
    parts: Any = None
    will_continue: Any = None
    scheduling: Any = None


class Part(_Message, frozen=True, kw_only=True):
    """One part of a content; of media only the presence matters here."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: dict[str, Any] | None = None
    file_data: dict[str, Any] | None = None
    executable_code: Any = None
    code_execution_result: Any = None
    video_metadata: Any = None
    media_resolution: Any = None
    part_metadata: Any = None


class Content(_Message, frozen=True, kw_only=True):
    """One turn. A lone part may stand for a list of it."""

    role: str | None = None
    parts: list[Part] | Part | None = None

    @property
    def all_parts(self) -> list[Part]:
        """The parts, none where there are none."""
        return [self.parts] if isinstance(self.parts, Part) else self.parts or []


class ThinkingConfig(_Message, frozen=True, kw_only=True):
    """How much the model thinks, and whether that is shown."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(_Message, frozen=True, kw_only=True):
    """How the answer is to be."""

    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: Any = None
    response_modalities: list[str] | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    thinking_config: ThinkingConfig | None = None
    media_resolution: Any = None
    speech_config: Any = None
    image_config: Any = None
    enable_enhanced_civic_answers: Any = None


class FunctionDeclaration(_Message, frozen=True, kw_only=True):
    """A function the model may call."""

    name: str = ""
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: Any = None
    response: Any = None
    response_json_schema: Any = None
    behavior: Any = None


class Tool(_Message, frozen=True, kw_only=True):
    """Functions of the client's, or a tool of Google's, which is never called here."""

    function_declarations: list[FunctionDeclaration] | None = None
    google_search: Any = None
    google_search_retrieval: Any = None
    code_execution: Any = None
    url_context: Any = None
    google_maps: Any = None
    file_search: Any = None
    computer_use: Any = None


class FunctionCallingConfig(_Message, frozen=True, kw_only=True):
    """Whether and which functions have to be called."""

    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(_Message, frozen=True, kw_only=True):
    """What holds for all tools."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Any = None


class GenerateBody(_Message, frozen=True, kw_only=True):
    """`GenerateContentRequest`."""

    model: str | None = None
    contents: list[Content] | Content | None = None
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None
    safety_settings: list[dict[str, Any]] | None = None
    cached_content: str | None = None
    service_tier: Any = None
    labels: Any = None

    @property
    def turns(self) -> list[Content]:
        """The contents, none where there are none."""
        return [self.contents] if isinstance(self.contents, Content) else self.contents or []

    @property
    def functions(self) -> list[FunctionDeclaration]:
        """All functions of all tools."""
        return [function for tool in self.tools or () for function in tool.function_declarations or ()]


class CountBody(_Message, frozen=True, kw_only=True):
    """`CountTokensRequest`."""

    contents: list[Content] | Content | None = None
    generate_content_request: GenerateBody | None = None


class EmbedBody(_Message, frozen=True, kw_only=True):
    """`EmbedContentRequest`."""

    model: str | None = None
    content: Content | None = None
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None
    embed_content_config: Any = None


class BatchEmbedBody(_Message, frozen=True, kw_only=True):
    """`BatchEmbedContentsRequest`."""

    requests: list[EmbedBody] | None = None


_Body = TypeVar("_Body", bound=_Message)


def decode(body: bytes, kind: type[_Body]) -> _Body:
    """The body as a value. Raises ApiError 400 for what is no JSON, or has a name or a type that does not fit."""
    try:
        return msgspec.convert(_camel(msgspec.json.decode(body or b"{}")), kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusals.not_json() from error


def camel_case(name: str) -> str:
    """A name, however it was written, in camelCase."""
    return _SNAKE.sub(lambda match: match[1].upper(), name)


def _camel(value: Any) -> Any:
    """JSON with all names in camelCase, the client's own aside."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {camel_case(name): inner for name, inner in value.items()}
    return {name: inner if name in _FREE else _camel(inner) for name, inner in named.items()}


def _refusal(message: str) -> ApiError:
    """msgspec's finding in the words of the real API."""
    if (unknown := _UNKNOWN.match(message)) is not None:
        return refusals.unknown_name(unknown["field"], unknown["path"] or "")
    if (wrong := _WRONG_TYPE.match(message)) is not None:
        return refusals.wrong_value(wrong["path"], wrong["expected"].split(" | ")[0])
    return refusals.invalid(message)
