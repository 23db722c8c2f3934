"""What the Gemini API demands of a request beyond names and types.

After Google's reference and guides ("Function calling", "Thinking", "Thought signatures", "Structured output");
wording as in answers of the real API.
"""

import re

from services.sandbox.errors import ApiError
from services.sandbox.gemini_contents import models, refusals
from services.sandbox.gemini_contents.body import Content, GenerateBody, GenerationConfig, ThinkingConfig

_ROLES = (None, "user", "model", "function")
_MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_FUNCTION_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_MOST_STOPS = 5
_MOST_CANDIDATES = 8
_INT32 = 2**31
_RANGES = (("temperature", 0, 2), ("top_p", 0, 1), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2))


def check(body: GenerateBody, model: str) -> None:
    """Raises ApiError 400 for the first thing the real API would refuse."""
    _check_contents(body.turns)
    _check_functions(body)
    _check_config(body.generation_config or GenerationConfig())
    _check_calls(body.turns, model)
    config = body.generation_config
    if config is not None and config.thinking_config is not None:
        _check_thinking(config.thinking_config, model)
    wants_json = config is not None and config.response_mime_type == "application/json"
    if wants_json and body.functions and not models.is_third(model):
        raise refusals.invalid("Function calling with a response mime type: 'application/json' is unsupported")


def _check_contents(turns: list[Content]) -> None:
    if not turns:
        raise refusals.invalid_field("contents", "contents is not specified")
    for position, turn in enumerate(turns):
        if turn.role not in _ROLES:
            raise refusals.invalid("Please use a valid role: user, model.")
        if not turn.all_parts:
            raise refusals.invalid_field(f"contents[{position}].parts", "contents.parts must not be empty.")
        for number, part in enumerate(turn.all_parts):
            said = (part.text, part.function_call, part.function_response, part.inline_data, part.file_data)
            if all(member is None for member in (*said, part.executable_code, part.code_execution_result)):
                place = f"contents[{position}].parts[{number}].data"
                raise refusals.invalid_field(place, "required oneof field 'data' must have one initialized field")


def _check_functions(body: GenerateBody) -> None:
    names = set()
    for position, function in enumerate(body.functions):
        place = f"tools[0].function_declarations[{position}].name"
        if not _FUNCTION_NAME.fullmatch(function.name):
            what = "Invalid function name. Must start with a letter or an underscore."
            raise refusals.invalid_field(place, what)
        if function.name in names:
            raise refusals.invalid(f"Duplicate function declaration found: {function.name}")
        names.add(function.name)
    calling = body.tool_config.function_calling_config if body.tool_config else None
    if calling is None:
        return
    if (calling.mode or "AUTO").upper() not in _MODES:
        raise refusals.wrong_value("toolConfig.functionCallingConfig.mode", "enum")
    if calling.mode == "ANY" and not names:
        raise refusals.invalid("Function calling config is set without function_declarations.")
    if calling.allowed_function_names and (calling.mode or "AUTO") not in ("ANY", "VALIDATED"):
        text = "Please set allowed_function_names only when function calling mode is ANY."
        raise refusals.invalid_field("tool_config.function_calling_config.allowed_function_names", text)


def _check_config(config: GenerationConfig) -> None:
    for name, low, high in _RANGES:
        value: float | None = getattr(config, name)
        if value is not None and not low <= value <= high:
            raise refusals.invalid_field(
                f"generation_config.{name}", f"{name} must be in the range [{low}.0, {high}.0]."
            )
    if config.max_output_tokens is not None and config.max_output_tokens < 1:
        raise refusals.invalid_field("generation_config.max_output_tokens", "max_output_tokens must be positive.")
    if len(config.stop_sequences or ()) > _MOST_STOPS:
        what = f"At most {_MOST_STOPS} stop sequences can be specified."
        raise refusals.invalid_field("generation_config.stop_sequences", what)
    if config.candidate_count is not None and not 1 <= config.candidate_count <= _MOST_CANDIDATES:
        what = f"candidate_count must be in the range [1, {_MOST_CANDIDATES}]."
        raise refusals.invalid_field("generation_config.candidate_count", what)
    if config.seed is not None and not -_INT32 <= config.seed < _INT32:
        raise refusals.wrong_value("generationConfig.seed", "int")
    if config.logprobs is not None and not config.response_logprobs:
        what = "logprobs is set but response_logprobs is not."
        raise refusals.invalid_field("generation_config.logprobs", what)
    if config.response_schema is not None and config.response_json_schema is not None:
        raise refusals.invalid("Only one of response_schema and response_json_schema may be set.")
    has_schema = config.response_schema is not None or config.response_json_schema is not None
    if has_schema and config.response_mime_type not in ("application/json", "text/x.enum"):
        raise refusals.invalid("A response schema is only supported with response_mime_type 'application/json'.")


def _check_thinking(thinking: ThinkingConfig, model: str) -> None:
    if thinking.thinking_budget is not None and thinking.thinking_level is not None:
        raise refusals.invalid("You can only set only one of thinking budget and thinking level.")
    if thinking.thinking_level is not None:
        if thinking.thinking_level.upper() not in _LEVELS:
            raise refusals.wrong_value("generationConfig.thinkingConfig.thinkingLevel", "enum")
        if not models.is_third(model):
            raise refusals.invalid("Thinking level is not supported for this model.")
    if thinking.thinking_budget == 0 and models.always_thinks(model):
        raise refusals.invalid("Budget 0 is invalid. This model only works in thinking mode.")
    if thinking.thinking_budget is not None and thinking.thinking_budget < -1:
        raise refusals.invalid("The thinking budget must be -1 or greater.")


def _check_calls(turns: list[Content], model: str) -> None:
    """Every turn with calls follows a user's and is answered in full; Gemini 3 wants its signatures back."""
    this_turn = max((place for place, turn in enumerate(turns) if _is_question(turn)), default=-1)
    for position, turn in enumerate(turns):
        calls = sum(part.function_call is not None for part in turn.all_parts)
        if not calls:
            continue
        before = turns[position - 1].role if position else "model"
        if before == "model":
            text = (
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
            raise refusals.invalid(text)
        if position + 1 < len(turns) and calls != _responses(turns[position + 1]):
            text = (
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
            raise refusals.invalid(text)
        if position > this_turn and models.is_third(model):
            _check_signature(turn, position)


def _check_signature(turn: Content, position: int) -> None:
    """The first call of each step carries the signature."""
    first = next(part for part in turn.all_parts if part.function_call is not None)
    if first.thought_signature or first.function_call is None:
        return
    text = (
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{first.function_call.name}` , position {position + 1}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )
    raise ApiError(400, text)


def _is_question(turn: Content) -> bool:
    return turn.role in (None, "user") and not _responses(turn)


def _responses(turn: Content) -> int:
    return sum(part.function_response is not None for part in turn.all_parts)
