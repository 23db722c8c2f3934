"""What OpenAI's Responses API demands of a request beyond types; wording as in answers of the real API."""

from services.sandbox.errors import ApiError
from services.sandbox.openai_chat import refusals
from services.sandbox.openai_responses import thoughts
from services.sandbox.openai_responses.body import Item, NamedChoice, ResponsesBody

_ROLES = ("assistant", "system", "developer", "user")
_ITEMS = (
    *("message", "function_call", "function_call_output", "reasoning", "item_reference", "compaction"),
    *("file_search_call", "web_search_call", "computer_call", "computer_call_output", "image_generation_call"),
    *("code_interpreter_call", "mcp_list_tools", "mcp_call", "custom_tool_call", "custom_tool_call_output"),
)
_GIVEN = ("input_text", "input_image", "input_file", "input_audio")
_SAID = ("output_text", "refusal")
_CHOICES = ("none", "auto", "required")
_FORMATS = ("text", "json_object", "json_schema")
_LEAST_TOKENS = 16
_DECIMALS = (("temperature", 0, 2), ("top_p", 0, 1))


def check(body: ResponsesBody, *, reasons: bool) -> None:
    """Raises ApiError 400 for the first thing the real API would refuse. A model is taken as given."""
    if body.input is None or body.input == []:
        raise refusals.missing("input") if body.input is None else refusals.empty("input")
    if body.previous_response_id is not None:
        text = f"Previous response with id '{body.previous_response_id}' not found."
        raise ApiError(400, text, param="previous_response_id", code="previous_response_not_found")
    _check_numbers(body, reasons=reasons)
    for position, item in enumerate(body.items):
        _check_item(item, f"input[{position}]")
    _check_calls(body.items)
    _check_tools(body)
    _check_format(body)


def _check_numbers(body: ResponsesBody, *, reasons: bool) -> None:
    if body.max_output_tokens is not None and body.max_output_tokens < _LEAST_TOKENS:
        raise refusals.below("max_output_tokens", body.max_output_tokens, _LEAST_TOKENS, "integer")
    for name, low, high in _DECIMALS:
        value: float | None = getattr(body, name)
        if value is None:
            continue
        if reasons:
            raise ApiError(400, f"Unsupported parameter: '{name}' is not supported with this model.", param=name)
        if value < low:
            raise refusals.below(name, value, low, "decimal")
        if value > high:
            raise refusals.above(name, value, high, "decimal")


def _check_item(item: Item, place: str) -> None:
    if item.type not in _ITEMS:
        raise refusals.unsupported(place, item.type, _ITEMS)
    if item.type == "message":
        _check_message(item, place)
    for name in {"function_call": ("call_id", "name", "arguments"), "function_call_output": ("call_id", "output")}.get(
        item.type, ()
    ):
        if getattr(item, name) is None:
            raise refusals.missing(f"{place}.{name}")
    if item.type == "reasoning" and item.summary is None:
        raise refusals.missing(f"{place}.summary")
    if item.encrypted_content is not None and not thoughts.is_encrypted(item.encrypted_content):
        shown = item.encrypted_content[:8]
        text = (
            f"The encrypted content {shown}... could not be verified. Reason: Encrypted content could not be decrypted."
        )
        raise ApiError(400, text, code="invalid_encrypted_content")


def _check_message(item: Item, place: str) -> None:
    if item.role not in _ROLES:
        raise refusals.unsupported(f"{place}.role", item.role or "", _ROLES)
    if item.content is None:
        raise refusals.missing(f"{place}.content")
    allowed = _SAID if item.role == "assistant" else _GIVEN
    for position, part in enumerate(item.content if isinstance(item.content, list) else ()):
        if part.type not in allowed:
            raise refusals.unsupported(f"{place}.content[{position}]", part.type, allowed)


def _check_calls(items: list[Item]) -> None:
    called = [item.call_id for item in items if item.type == "function_call"]
    answered = [item.call_id for item in items if item.type == "function_call_output"]
    for call in answered:
        if call not in called:
            raise ApiError(400, f"No tool call found for function call output with call_id {call}.", param="input")
    for call in called:
        if call not in answered:
            raise ApiError(400, f"No tool output found for function call {call}.", param="input")


def _check_tools(body: ResponsesBody) -> None:
    for position, tool in enumerate(body.tools or ()):
        if tool.type == "function" and not tool.name:
            raise refusals.missing(f"tools[{position}].name")
    choice = body.tool_choice
    if isinstance(choice, str) and choice not in _CHOICES:
        raise refusals.unsupported("tool_choice", choice, _CHOICES)
    if isinstance(choice, NamedChoice) and choice.type == "function":
        if choice.name is None:
            raise refusals.missing("tool_choice.name")
        if choice.name not in {tool.name for tool in body.tools or ()}:
            text = f"Tool choice 'function' not found in 'tools' parameter: '{choice.name}'."
            raise ApiError(400, text, param="tool_choice")


def _check_format(body: ResponsesBody) -> None:
    wanted = body.text.format if body.text else None
    if wanted is None:
        return
    if wanted.type not in _FORMATS:
        raise refusals.unsupported("text.format.type", wanted.type, _FORMATS)
    for name in ("name", "schema") if wanted.type == "json_schema" else ():
        if getattr(wanted, name) is None:
            raise refusals.missing(f"text.format.{name}")
