import json

import msgspec
import pytest

from services.sandbox.answers import called_tools, completion_tokens, compose, logprobs
from services.sandbox.chat import ChatRequest, Choice, JsonObject, Tool, ToolChoice
from services.sandbox.errors import ApiError
from services.sandbox.text import count_tokens

WEATHER = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = Tool("tell_time")


def asking(question: str = "What is the capital of Italy?", **fields: object) -> ChatRequest:
    values = {"model": "gpt-4o", "prompt": f"user\n{question}", "question": question, "prompt_tokens": 16, **fields}
    return ChatRequest(**values)  # type: ignore[arg-type]


def only(request: ChatRequest, seed: int = 0, length: int | None = None) -> Choice:
    (choice,) = compose(request, seed, length=length)
    return choice


def test_the_same_request_and_seed_give_the_same_answer() -> None:
    assert compose(asking(), 7) == compose(asking(), 7)


@pytest.mark.parametrize(
    "other",
    (asking("What is the capital of Spain?"), asking(model="gpt-4.1"), asking(seed=1), asking(tools=(CLOCK,))),
)
def test_another_request_gives_another_answer(other: ChatRequest) -> None:
    assert only(other).content != only(asking()).content


def test_another_seed_gives_another_answer() -> None:
    assert only(asking(), seed=1).content != only(asking(), seed=2).content


def test_choices_differ_from_each_other() -> None:
    choices = compose(asking(choices=4), 0)

    assert [choice.index for choice in choices] == [0, 1, 2, 3]
    assert len({choice.content for choice in choices}) == 4


def test_an_answer_quotes_the_question_and_grows_with_the_prompt() -> None:
    short, long = only(asking()).content, only(asking(prompt_tokens=4000)).content

    assert short is not None
    assert long is not None
    assert short.startswith("On “What is the capital of Italy?”:")
    assert count_tokens(long) > count_tokens(short) + 300


@pytest.mark.parametrize("limit", (1, 5, 17))
def test_a_token_limit_cuts_the_answer_there(limit: int) -> None:
    choice = only(asking(max_tokens=limit))

    assert choice.finish_reason == "length"
    assert completion_tokens(choice) == limit


def test_a_generous_limit_cuts_nothing() -> None:
    choice = only(asking(max_tokens=10_000))

    assert choice.finish_reason == "stop"
    assert choice.content == only(asking()).content


def test_an_answer_ends_before_the_first_stop_sequence() -> None:
    whole = only(asking()).content
    assert whole is not None

    choice = only(asking(stop=("never said", "capital", "Italy")))

    assert choice.content == whole[: whole.index("capital")]
    assert choice.finish_reason == "stop"


def test_a_stop_sequence_behind_the_limit_is_never_reached() -> None:
    assert only(asking(stop=("Italy",), max_tokens=2)).finish_reason == "length"


def test_an_ordered_length_is_kept_to_the_token() -> None:
    choice = only(asking(), length=333)

    assert completion_tokens(choice) == 333
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize(("effort", "least", "most"), (("minimal", 0, 0), ("low", 64, 64), ("high", 256, 768)))
def test_thinking_is_counted_and_follows_the_effort(effort: str, least: int, most: int) -> None:
    choice = only(asking(reasons=True, reasoning_effort=effort))

    assert least <= count_tokens(choice.reasoning) <= most
    assert completion_tokens(choice) == count_tokens(choice.reasoning) + count_tokens(choice.content or "")


def test_thinking_may_use_up_the_limit_and_leave_no_answer() -> None:
    choice = only(asking(reasons=True, reasoning_effort="high", max_tokens=50))

    assert (choice.content, choice.finish_reason) == ("", "length")
    assert count_tokens(choice.reasoning) == 50


@pytest.mark.parametrize(
    ("fields", "expected"),
    (
        ({"tool_choice": ToolChoice.REQUIRED}, ["get_weather"]),
        ({"tool_choice": ToolChoice.NONE, "question": "the weather?"}, []),
        ({"question": "hello"}, []),
        ({"question": "How is the WEATHER?"}, ["get_weather"]),
        ({"question": "the weather and the time"}, ["get_weather", "tell_time"]),
        ({"question": "the weather and the time", "parallel_tool_calls": False}, ["get_weather"]),
        ({"question": "the weather", "follows_tool_result": True}, []),
        ({"question": "time", "tool_choice": ToolChoice.REQUIRED, "follows_tool_result": True}, ["tell_time"]),
        ({"forced_tool": "tell_time", "question": "the weather"}, ["tell_time"]),
    ),
)
def test_tools_are_called_when_forced_required_or_mentioned(fields: dict[str, object], expected: list[str]) -> None:
    request = msgspec.structs.replace(asking(tools=(WEATHER, CLOCK)), **fields)

    assert [tool.name for tool in called_tools(request)] == expected


def test_arguments_fit_the_tool_and_calls_have_ids_of_their_own() -> None:
    choice = only(asking("the weather and the time", tools=(WEATHER, CLOCK)))

    weather, clock = choice.tool_calls
    assert isinstance(json.loads(weather.arguments)["city"], str)
    assert json.loads(clock.arguments) == {}
    assert weather.id != clock.id
    assert (choice.content, choice.finish_reason) == (None, "tool_calls")


@pytest.mark.parametrize("limit", range(1, 12))
def test_a_token_limit_cuts_arguments_short(limit: int) -> None:
    choice = only(asking(tools=(WEATHER,), tool_choice=ToolChoice.REQUIRED, max_tokens=limit))

    assert choice.finish_reason == "length"
    assert completion_tokens(choice) <= limit


def test_a_structured_answer_is_json_that_fits() -> None:
    schema: JsonObject = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}

    assert json.loads(only(asking(json_schema=schema)).content or "")["n"] >= 3
    assert isinstance(json.loads(only(asking(json_object=True)).content or ""), dict)


def test_a_schema_that_nothing_fits_is_the_callers_mistake() -> None:
    with pytest.raises(ApiError) as refusal:
        compose(asking(json_schema={"type": "integer", "minimum": 2, "maximum": 1}), 0)

    assert refusal.value.status == 400


def test_log_probabilities_name_every_token_and_the_alternatives_asked_for() -> None:
    entries = logprobs("On “it”", 3)

    assert "".join(str(entry["token"]) for entry in entries) == "On “it”"
    assert [len(entry["top_logprobs"]) for entry in entries] == [3, 3]  # type: ignore[arg-type]
    assert logprobs("word", 0)[0]["top_logprobs"] == []


def test_the_stop_sequence_that_ended_a_text_is_told() -> None:
    plain = compose(asking(), 0)[0]
    word = (plain.content or "").split()[3]

    stopped = compose(asking(stop=("nowhere to be found", word)), 0)[0]

    assert (plain.stop_sequence, stopped.stop_sequence) == (None, word)
    assert plain.content is not None
    assert stopped.content == plain.content[: plain.content.index(word)]


def test_a_content_filter_ends_a_text_and_calls_no_tool() -> None:
    filtered = compose(asking(tools=(Tool("look"),), tool_choice=ToolChoice.REQUIRED), 0, filter_after=3)[0]

    assert (len(filtered.content or ""), filtered.tool_calls, filtered.finish_reason) == (12, (), "content_filter")


def test_thinking_keeps_to_its_bound() -> None:
    thought = compose(asking(reasons=True, reasoning_effort="high", reasoning_limit=100), 0)[0].reasoning

    assert len(thought) == 400
