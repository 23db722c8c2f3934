from typing import Any

import msgspec
import pytest

from services.sandbox.chat import ChatRequest, ToolChoice
from services.sandbox.errors import ApiError
from services.sandbox.gemini_contents.dialect import Contents, Form
from services.sandbox.provider import Call

HELLO = {"role": "user", "parts": [{"text": "Hello"}]}
LOOK = {"name": "look", "parameters": {"type": "OBJECT", "properties": {"at": {"type": "STRING", "nullable": True}}}}
TOOLS = [{"functionDeclarations": [LOOK, {"name": "jump"}]}]
CALL = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"result": "a cat"}}}]}
FLASH, THIRD = "gemini-2.5-flash", "gemini-3-flash-preview"


def parsed(model: str = FLASH, raw: bytes | None = None, form: Form = Form.WHOLE, **fields: Any) -> ChatRequest:
    body = msgspec.json.encode({"contents": [HELLO], **fields}) if raw is None else raw
    return Contents(form).parse(Call(body=body, path={"model": model}))


def config(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def calling(**fields: Any) -> dict[str, Any]:
    return {"toolConfig": {"functionCallingConfig": fields}}


@pytest.mark.parametrize(
    ("fields", "words"),
    (
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "user"}]}, "contents[0].parts: contents.parts must not be empty."),
        ({"contents": [{**HELLO, "role": "assistant"}]}, "Please use a valid role: user, model."),
        ({"contents": [{"parts": [{"thought": True}]}]}, "contents[0].parts[0].data: required oneof field"),
        ({"messages": []}, 'Unknown name "messages": Cannot find field.'),
        (config(maxTokens=5), "Unknown name \"maxTokens\" at 'generation_config': Cannot find field."),
        ({"contents": [{"parts": [{"type": "text", "text": "x"}]}]}, "Unknown name \"type\" at 'contents[0].parts[0]'"),
        (config(temperature="hot"), "Invalid value at 'generation_config.temperature' (TYPE_FLOAT)"),
        (config(temperature=3), "generation_config.temperature: temperature must be in the range [0.0, 2.0]."),
        (config(maxOutputTokens=0), "max_output_tokens must be positive."),
        (config(stopSequences=list("abcdef")), "At most 5 stop sequences"),
        (config(candidateCount=9), "candidate_count must be in the range [1, 8]."),
        (config(seed=2**31), "Invalid value at 'generation_config.seed' (TYPE_INT32)"),
        (config(logprobs=3), "logprobs is set but response_logprobs is not."),
        (config(responseSchema={"type": "OBJECT"}), "only supported with response_mime_type 'application/json'"),
        (
            config(responseMimeType="application/json", responseSchema={"type": "object", "$defs": {}}),
            "Unknown name \"$defs\" at 'generation_config.response_schema': Cannot find field.",
        ),
        (
            {"tools": [{"functionDeclarations": [{**LOOK, "parameters": {"type": "OBJECT", "strict": True}}]}]},
            "Unknown name \"strict\" at 'tools[0].function_declarations[0].parameters'",
        ),
        ({"tools": [{"functionDeclarations": [{"name": "look at"}]}]}, "Invalid function name."),
        ({"tools": [{"functionDeclarations": [LOOK, LOOK]}]}, "Duplicate function declaration found: look"),
        (calling(mode="ANY"), "Function calling config is set without function_declarations."),
        ({"tools": TOOLS, **calling(allowedFunctionNames=["look"])}, "only when function calling mode is ANY"),
        ({"tools": TOOLS, **config(responseMimeType="application/json")}, "response mime type: 'application/json'"),
        ({"contents": [CALL, RESULT]}, "function call turn comes immediately after a user turn"),
        ({"contents": [HELLO, CALL, HELLO]}, "number of function response parts is equal"),
        (config(thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}), "You can only set only one of"),
        (config(thinkingConfig={"thinkingLevel": "LOW"}), "Thinking level is not supported for this model."),
    ),
)
def test_a_wrong_request_is_refused_in_googles_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as refusal:
        parsed(**fields)

    assert refusal.value.status == 400
    assert words in refusal.value.message


@pytest.mark.parametrize("raw", (b"{", b"[]", b'{"contents": "\xff"}'))
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as refusal:
        parsed(raw=raw)

    assert refusal.value.status == 400


def test_names_may_be_written_in_snake_case() -> None:
    request = parsed(generation_config={"max_output_tokens": 7}, system_instruction={"parts": {"text": "Be brief."}})

    assert (request.max_tokens, request.prompt) == (7, "Be brief.\nuser\nHello")


def test_a_request_is_understood() -> None:
    request = parsed(
        contents=[
            {"role": "user", "parts": [{"text": "See"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
            CALL,
            RESULT,
        ],
        tools=TOOLS,
        form=Form.EVENTS,
        **config(stopSequences=["END"], candidateCount=2, maxOutputTokens=20),
        **calling(mode="ANY", allowedFunctionNames=["look"]),
    )

    assert request.prompt == 'user\nSee\n\nmodel\nlook {}\nuser\n{"result":"a cat"}'
    assert (request.stop, request.choices, request.max_tokens) == (("END",), 2, 20)
    assert (request.tool_choice, request.forced_tool) == (ToolChoice.REQUIRED, "look")
    assert [tool.parameters for tool in request.tools] == [
        {"type": "object", "properties": {"at": {"type": "string", "nullable": True}}}
    ]
    assert (request.stream, request.follows_tool_result) == (True, True)


@pytest.mark.parametrize(
    ("model", "thinks"),
    (
        (FLASH, True),
        (THIRD, True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-flash-lite", False),
        ("gemini-2.0-flash", False),
        ("gemma-3-27b-it", False),
    ),
)
def test_models_think_by_their_name(model: str, *, thinks: bool) -> None:
    assert parsed(model).reasons is thinks


def test_thinking_can_be_switched_off_only_where_the_model_allows_it() -> None:
    off = config(thinkingConfig={"thinkingBudget": 0})

    assert not parsed(**off).reasons
    with pytest.raises(ApiError, match="This model only works in thinking mode"):
        parsed("gemini-2.5-pro", **off)


def test_signatures_are_wanted_back_for_the_calls_of_the_turn_under_way_alone() -> None:
    over = [HELLO, CALL, RESULT, HELLO]

    assert parsed(THIRD, contents=over).question == "Hello"
    with pytest.raises(ApiError, match="missing a thought_signature in functionCall parts") as refusal:
        parsed(THIRD, contents=over[:3])
    assert "`default_api:look` , position 2" in refusal.value.message
