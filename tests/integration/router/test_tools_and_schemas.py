"""Tools and structured answers through the router, as OpenAI's own SDK asks for them."""

import json
from typing import Any

import pydantic
import pytest
from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

from pantheon.router.v1 import completion_pb2 as spec_pb2
from pantheon.router.v1.completion_pb2 import ResponseFormat, Tool, ToolChoice
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart, ToolResultPart
from tests.integration.router.running import RunningRouter, spec

MODELS = ("gpt-4", "anthropic/claude-3-opus")
QUESTION: Any = [{"role": "user", "content": "What is the weather in Rome?"}]
PARAMETERS: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER: Any = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
GRPC_WEATHER = Tool(name="get_weather", parameters_json_schema=json.dumps(PARAMETERS))


class Forecast(pydantic.BaseModel):
    city: str
    degrees: int
    rain: bool


@pytest.mark.parametrize("model", MODELS)
async def test_a_tool_is_called_and_its_result_sent_back(
    router: RunningRouter, openai: AsyncOpenAI, model: str
) -> None:
    asked = await openai.chat.completions.create(model=model, messages=QUESTION, tools=[WEATHER])
    said = asked.choices[0].message
    assert asked.choices[0].finish_reason == "tool_calls"
    assert said.tool_calls is not None
    (call,) = said.tool_calls
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) == {"city", "days"}
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "Sunny"}
    turns: Any = [*QUESTION, said.model_dump(exclude_none=True), result]
    answered = await openai.chat.completions.create(model=model, messages=turns, tools=[WEATHER])
    assert answered.choices[0].message.content
    assert [finished.finish_reason for finished in await router.finished()] == ["tool_calls", "stop"]


@pytest.mark.parametrize("model", MODELS)
async def test_a_streamed_tool_call_adds_up(router: RunningRouter, openai: AsyncOpenAI, model: str) -> None:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    stream = await openai.chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER], stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        if chunk.choices or chunk.usage:
            state.handle_chunk(chunk)
    choice = state.current_completion_snapshot.choices[0]
    assert choice.message.tool_calls is not None
    assert set(json.loads(choice.message.tool_calls[0].function.arguments)) == {"city", "days"}
    finished = await router.one_finished()
    assert finished.timing.time_to_first_token.ToNanoseconds() < finished.timing.total.ToNanoseconds()


@pytest.mark.parametrize("model", MODELS)
async def test_a_structured_answer_is_parsed(openai: AsyncOpenAI, model: str) -> None:
    answer = await openai.chat.completions.parse(model=model, messages=QUESTION, response_format=Forecast)
    assert isinstance(answer.choices[0].message.parsed, Forecast)


@pytest.mark.parametrize("model", MODELS)
async def test_a_structured_answer_is_parsed_from_a_stream(openai: AsyncOpenAI, model: str) -> None:
    async with openai.chat.completions.stream(model=model, messages=QUESTION, response_format=Forecast) as stream:
        answer = await stream.get_final_completion()
    assert isinstance(answer.choices[0].message.parsed, Forecast)


@pytest.mark.parametrize("model", MODELS)
async def test_a_tool_is_called_over_grpc_and_its_result_sent_back(router: RunningRouter, model: str) -> None:
    asking = spec(model, "What is the weather in Rome?", tools=[GRPC_WEATHER])
    answer = (await router.complete(asking)).choices[0]
    assert answer.finish_reason == "tool_calls"
    (part,) = answer.message.parts
    assert part.tool_call.name == "get_weather"
    assert set(json.loads(part.tool_call.arguments_json)) == {"city", "days"}
    result = Part(tool_result=ToolResultPart(tool_call_id=part.tool_call.id, content="Sunny"))
    asking.messages.extend([answer.message, Message(role=MessageRole.MESSAGE_ROLE_TOOL, parts=[result])])
    answered = await router.complete(asking)
    assert answered.choices[0].message.parts[0].text.text


@pytest.mark.parametrize("model", MODELS)
async def test_a_forced_tool_streams_over_grpc(router: RunningRouter, model: str) -> None:
    choice = ToolChoice(mode=spec_pb2.TOOL_CHOICE_MODE_NAMED, name="get_weather")
    asking = spec(model, "Hello", tools=[GRPC_WEATHER], tool_choice=choice)
    events = [event async for event in router.stream_complete(asking)]
    pieces = [event.delta.tool_call for event in events if event.HasField("delta")]
    (part,) = events[-1].completion.choices[0].message.parts
    assert "".join(piece.arguments_json for piece in pieces) == part.tool_call.arguments_json
    assert (pieces[0].id, pieces[0].name) == (part.tool_call.id, "get_weather")


@pytest.mark.parametrize("model", MODELS)
async def test_a_schema_is_kept_to_over_grpc(router: RunningRouter, model: str) -> None:
    wish = ResponseFormat(
        type=spec_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, json_schema=json.dumps(Forecast.model_json_schema())
    )
    answer = await router.complete(spec(model, response_format=wish))
    assert Forecast.model_validate_json(answer.choices[0].message.parts[0].text.text).city


async def test_several_answers_come_side_by_side(router: RunningRouter) -> None:
    whole = await router.complete(spec(choices=3))
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    *_, last = [event async for event in router.stream_complete(spec(choices=3))]
    texts = [choice.message.parts[0].text for choice in last.completion.choices]
    assert texts == [choice.message.parts[0].text for choice in whole.choices]


async def test_reasoning_is_shown_and_goes_back(router: RunningRouter) -> None:
    extra = '{"reasoning":{"enabled":true}}'
    events = [event async for event in router.stream_complete(spec("deepseek/deepseek-r1", extra_body_json=extra))]
    shown = "".join(event.delta.reasoning for event in events)
    message = events[-1].completion.choices[0].message
    assert shown
    assert message.parts[0].reasoning.text == shown
    asking = spec("deepseek/deepseek-r1", extra_body_json=extra)
    asking.messages.extend(
        [message, Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[Part(text=TextPart(text="?"))])]
    )
    assert (await router.complete(asking)).choices
