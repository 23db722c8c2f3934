"""Google's own SDK, which is strict about shapes, as the client."""

from enum import Enum
from typing import Any

import httpx2 as httpx
import pydantic
import pytest
from google.genai import errors, types
from google.genai.client import AsyncClient

from services.sandbox.server import SandboxServer

MODEL = "gemini-2.5-flash"
THIRD = "gemini-3-flash-preview"
QUESTION = "What is the capital of Italy?"
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={
            "city": types.Schema(type=types.Type.STRING),
            "unit": types.Schema(type=types.Type.STRING, enum=["celsius", "fahrenheit"]),
        },
        required=["city", "unit"],
    ),
)
CLOCK = types.FunctionDeclaration(name="tell_time", parameters_json_schema={"type": "object", "properties": {}})
TOOLS: Any = [types.Tool(function_declarations=[WEATHER, CLOCK])]


async def complete(
    client: AsyncClient, contents: Any = QUESTION, model: str = MODEL, **config: Any
) -> types.GenerateContentResponse:
    settings = types.GenerateContentConfig(
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True), **config
    )
    return await client.models.generate_content(model=model, contents=contents, config=settings)


async def stream(
    client: AsyncClient, contents: Any = QUESTION, model: str = MODEL, **config: Any
) -> list[types.GenerateContentResponse]:
    settings = types.GenerateContentConfig(**config)
    chunks = await client.models.generate_content_stream(model=model, contents=contents, config=settings)
    return [chunk async for chunk in chunks]


def parts(answer: types.GenerateContentResponse, candidate: int = 0) -> list[types.Part]:
    content = (answer.candidates or [])[candidate].content
    return (content.parts if content else None) or []


def usage(answer: types.GenerateContentResponse) -> Any:
    return answer.usage_metadata


async def test_an_answer_is_whole_and_adds_up_with_thoughts_apart(gemini: AsyncClient) -> None:
    answer = await complete(gemini)

    counts = usage(answer)
    assert answer.text
    assert answer.model_version == MODEL
    assert counts.candidates_token_count == -(-len(answer.text) // 4)
    assert counts.thoughts_token_count > 0
    total = counts.prompt_token_count + counts.candidates_token_count + counts.thoughts_token_count
    assert counts.total_token_count == total


async def test_a_stream_says_the_same_as_the_body(gemini: AsyncClient) -> None:
    whole = await complete(gemini)

    chunks = await stream(gemini)

    assert len(chunks) > 3
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert usage(chunks[-1]) == usage(whole)
    reasons = [candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or ()]
    assert reasons == [None] * (len(chunks) - 1) + [types.FinishReason.STOP]


async def test_thoughts_are_shown_where_that_is_asked_for_and_left_out_where_switched_off(gemini: AsyncClient) -> None:
    shown = await complete(gemini, thinking_config=types.ThinkingConfig(include_thoughts=True))
    streamed = await stream(gemini, thinking_config=types.ThinkingConfig(include_thoughts=True))
    off = await complete(gemini, thinking_config=types.ThinkingConfig(thinking_budget=0))

    thought, said = parts(shown)
    pieces = [part for chunk in streamed for part in parts(chunk)]
    assert (thought.thought, said.thought) == (True, None)
    assert "".join(part.text or "" for part in pieces if part.thought) == thought.text
    assert usage(off).thoughts_token_count is None


async def test_a_forced_function_is_called_with_arguments_that_fit(gemini: AsyncClient) -> None:
    calling = types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["get_weather"]
    )

    answer = await complete(gemini, tools=TOOLS, tool_config=types.ToolConfig(function_calling_config=calling))

    (call,) = answer.function_calls or []
    assert (call.name, call.id) == ("get_weather", None)
    assert (call.args or {})["unit"] in ("celsius", "fahrenheit")


@pytest.mark.parametrize("streamed", (False, True))
async def test_functions_are_called_in_parallel_and_want_their_signature_back(
    gemini: AsyncClient, *, streamed: bool
) -> None:
    asked = types.UserContent("The weather and the time, please.")
    answers = [await complete(gemini, asked, THIRD, tools=TOOLS)]
    if streamed:
        answers = await stream(gemini, asked, THIRD, tools=TOOLS)
    called = [part for answer in answers for part in parts(answer) if part.function_call]
    results = [
        types.Part.from_function_response(name=part.function_call.name or "", response={"result": "fine"})
        for part in called
        if part.function_call
    ]
    turns = [asked, types.ModelContent(called), types.UserContent(results)]

    after = await complete(gemini, turns, THIRD, tools=TOOLS)

    calls = [part.function_call for part in called if part.function_call]
    assert [call.name for call in calls] == ["get_weather", "tell_time"]
    assert all(call.id for call in calls)
    assert [part.thought_signature is not None for part in called] == [True, False]
    assert after.text
    called[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="missing a thought_signature"):
        await complete(gemini, turns, THIRD, tools=TOOLS)


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Part(pydantic.BaseModel):
    name: str
    size: Size
    count: int = pydantic.Field(ge=1, le=9)
    parts: list[str]
    note: str | None


async def test_a_structured_answer_is_parsed(gemini: AsyncClient) -> None:
    own = await complete(gemini, response_mime_type="application/json", response_schema=Part)
    plain = await complete(gemini, response_mime_type="application/json", response_json_schema=Part.model_json_schema())

    assert isinstance(own.parsed, Part)
    assert isinstance(Part.model_validate_json(plain.text or ""), Part)


async def test_candidates_are_made_side_by_side(gemini: AsyncClient) -> None:
    whole = await complete(gemini, candidate_count=2)
    chunks = await stream(gemini, candidate_count=2)

    texts = ["".join(part.text or "" for part in parts(whole, index)) for index in range(2)]
    streamed = [
        "".join(
            part.text or ""
            for chunk in chunks
            for candidate in chunk.candidates or ()
            if candidate.index == index and candidate.content
            for part in candidate.content.parts or ()
        )
        for index in range(2)
    ]
    assert texts[0] != texts[1]
    assert streamed == texts


async def test_stop_sequences_and_token_limits_end_the_text(gemini: AsyncClient) -> None:
    off = types.ThinkingConfig(thinking_budget=0)
    stopped = await complete(gemini, stop_sequences=[":"], thinking_config=off)
    limited = await complete(gemini, max_output_tokens=5, thinking_config=off)
    spent = await complete(gemini, max_output_tokens=5)

    assert ":" not in (stopped.text or "")
    assert (limited.candidates or [])[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert usage(limited).candidates_token_count == 5
    assert (parts(spent), usage(spent).thoughts_token_count) == ([], 5)


async def test_safety_ends_an_answer_or_blocks_the_prompt(gemini: AsyncClient) -> None:
    ended = await complete(gemini, model=f"{MODEL}:sandbox-filter-after-3")
    blocked = await complete(gemini, model=f"{MODEL}:sandbox-filter-after-0")

    assert (ended.candidates or [])[0].finish_reason == types.FinishReason.SAFETY
    assert blocked.candidates is None
    assert blocked.prompt_feedback is not None
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.SAFETY


async def test_a_repeated_long_prompt_is_cached(gemini: AsyncClient) -> None:
    first, second = [await complete(gemini, "A rule to keep. " * 400) for _ in range(2)]

    assert usage(first).cached_content_token_count is None
    assert usage(second).cached_content_token_count == 1536


async def test_tokens_are_counted_as_they_are_billed(gemini: AsyncClient) -> None:
    counted = await gemini.models.count_tokens(model=MODEL, contents=QUESTION)

    assert counted.total_tokens == usage(await complete(gemini)).prompt_token_count


async def test_texts_are_embedded_one_by_one_and_in_batches(gemini: AsyncClient) -> None:
    one = await gemini.models.embed_content(model="gemini-embedding-001", contents="bees")
    several = await gemini.models.embed_content(
        model="gemini-embedding-001",
        contents=["bees", "wasps"],
        config=types.EmbedContentConfig(output_dimensionality=8),
    )

    assert [len(embedding.values or ()) for embedding in one.embeddings or ()] == [3072]
    first, second = [embedding.values for embedding in several.embeddings or ()]
    assert first != second
    assert len(first or ()) == len(second or ()) == 8


@pytest.mark.parametrize(
    ("model", "code", "status"),
    (
        ("no-such-model", 404, "NOT_FOUND"),
        (f"{MODEL}:sandbox-status-400", 400, "INVALID_ARGUMENT"),
        (f"{MODEL}:sandbox-status-403", 403, "PERMISSION_DENIED"),
        (f"{MODEL}:sandbox-status-429:sandbox-retry-after-2", 429, "RESOURCE_EXHAUSTED"),
        (f"{MODEL}:sandbox-status-500", 500, "INTERNAL"),
        (f"{MODEL}:sandbox-status-503", 503, "UNAVAILABLE"),
    ),
)
@pytest.mark.parametrize("ask", (complete, stream))
async def test_refusals_raise_the_sdks_own_errors(
    gemini: AsyncClient, ask: Any, model: str, code: int, status: str
) -> None:
    with pytest.raises(errors.APIError) as refusal:
        await ask(gemini, model=model)

    assert (refusal.value.code, refusal.value.status) == (code, status)


async def test_an_error_within_a_stream_is_raised(gemini: AsyncClient) -> None:
    with pytest.raises(errors.ServerError, match="overloaded"):
        await stream(gemini, model=f"{MODEL}:sandbox-error-after-2")


async def test_models_are_listed_and_found(gemini: AsyncClient) -> None:
    names = {model.name async for model in await gemini.models.list()}

    assert {f"models/{MODEL}", "models/gemini-embedding-001"} <= names
    assert (await gemini.models.get(model=MODEL)).thinking


async def test_lines_end_as_google_ends_them(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    url = f"{sandbox.gemini_url}/v1beta/models/{MODEL}:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}

    events = await http.post(url, params={"alt": "sse", "key": "test"}, json=body)
    array = await http.post(url, params={"key": "test"}, json=body)

    assert events.headers["content-type"] == "text/event-stream"
    assert all(event.startswith("data: {") for event in events.text.removesuffix("\r\n\r\n").split("\r\n\r\n"))
    assert array.text.startswith("[{\n")
    assert "\n}\n,\r\n{\n" in array.text
    assert len(array.json()) > 3
    assert array.headers["content-type"] == "application/json; charset=UTF-8"


async def test_a_key_has_to_be_named_and_good(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    url = f"{sandbox.gemini_url}/v1beta/models/{MODEL}:generateContent"

    missing = await http.post(url, json={})
    bad = await http.post(url, json={}, headers={"x-goog-api-key": "invalid"})

    assert (missing.status_code, missing.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert (bad.status_code, bad.json()["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
