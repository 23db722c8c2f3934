"""POST /v1/messages and what belongs to it, with Anthropic's own SDK, against models of any provider."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import pydantic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message, ThinkingBlock, ToolUseBlock

from pantheon.catalog.v1 import provider_pb2
from pantheon.events.v1.change_pb2 import Change
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome, Surface
from services.sandbox.faults import Directives, Rule
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.running import KEY, MESSAGES, RunningRouter, model, provider, running_router

MODELS = ("gpt-4", "anthropic/claude-3-opus", "anthropic/claude-haiku-4-5")
"""OpenAI's, one that OpenRouter serves, and one that Anthropic serves itself."""
SLOW = "openai/gpt-4o:sandbox-length-10000:sandbox-rate-100"
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
}
QUESTION: Any = [{"role": "user", "content": "What is the weather in Rome?"}]
FORCED: Any = {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}}


class Forecast(pydantic.BaseModel):
    city: str
    degrees: int
    rain: bool


@pytest.fixture(scope="session")
def changes(one_sandbox: SandboxServer) -> list[Change]:
    own = provider("anthropic", one_sandbox.anthropic_url)
    own.provider_changed.provider.wire_format = provider_pb2.WIRE_FORMAT_ANTHROPIC_MESSAGES
    own.provider_changed.provider.auth_style = provider_pb2.AUTH_STYLE_X_API_KEY
    return [
        provider("openai", one_sandbox.openai_url, renames_max_tokens=True),
        provider("openrouter", one_sandbox.openrouter_url, aggregates_vendors=True, reports_cost=True),
        own,
        model("openai/gpt-4", ("openai", "gpt-4"), ("openrouter", "openai/gpt-4"), aliases=("gpt-4",)),
        model("anthropic/claude-3-opus", ("openrouter", "anthropic/claude-3-opus")),
        model("anthropic/claude-haiku-4-5", ("anthropic", "claude-haiku-4-5")),
    ]


@pytest.fixture(scope="session")
async def one_router(tmp_path_factory: pytest.TempPathFactory, changes: list[Change]) -> AsyncIterator[RunningRouter]:
    keys = dict.fromkeys(("openai", "openrouter", "anthropic"), ("sandbox",))
    async with running_router(tmp_path_factory.mktemp("router"), changes, keys) as running:
        yield running


@pytest.fixture(scope="session")
async def claude(one_router: RunningRouter) -> AsyncIterator[AsyncAnthropic]:
    """Anthropic's own client, pointed at the router."""
    async with AsyncAnthropic(base_url=one_router.base_url, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


async def create(client: AsyncAnthropic, **members: Any) -> Message:
    answer = await client.messages.create(**{"model": "gpt-4", "max_tokens": 500, "messages": MESSAGES, **members})
    assert isinstance(answer, Message)
    return Message.model_validate(answer.model_dump(exclude_unset=True), strict=True)


async def stream(client: AsyncAnthropic, **members: Any) -> Message:
    async with client.messages.stream(
        **{"model": "gpt-4", "max_tokens": 500, "messages": MESSAGES, **members}
    ) as events:
        return await events.get_final_message()


def assert_booked(finished: Any, answer: Message) -> None:
    usage = answer.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    assert finished.started.target.surface == Surface.SURFACE_ANTHROPIC_MESSAGES
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_SETTLED)
    assert finished.tokens.prompt_tokens == usage.input_tokens + cached
    assert finished.tokens.completion_tokens == usage.output_tokens


@pytest.mark.parametrize("name", MODELS)
async def test_the_sdk_completes(router: RunningRouter, claude: AsyncAnthropic, name: str) -> None:
    answer = await create(claude, model=name, system="Be brief.")
    assert answer.stop_reason == "end_turn"
    (block,) = answer.content
    assert block.type == "text"
    assert block.text
    assert_booked(await router.one_finished(), answer)


@pytest.mark.parametrize("name", MODELS)
async def test_the_sdk_streams_what_it_gets_whole(router: RunningRouter, claude: AsyncAnthropic, name: str) -> None:
    streamed, whole = await stream(claude, model=name), await create(claude, model=name)
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert streamed.stop_reason == "end_turn"
    finished, _ = await router.finished()
    assert finished.started.target.stream
    assert_booked(finished, streamed)


@pytest.mark.parametrize("name", MODELS)
async def test_the_beta_client_does_the_same(claude: AsyncAnthropic, name: str) -> None:
    members: Any = {"model": name, "max_tokens": 500, "messages": MESSAGES}
    answer = await claude.beta.messages.create(betas=["context-management-2025-06-27"], **members)
    assert answer.content[0].type == "text"


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("ask", (create, stream))
async def test_a_tool_is_called_and_its_result_sent_back(claude: AsyncAnthropic, name: str, ask: Any) -> None:
    asked = await ask(claude, model=name, messages=QUESTION, **FORCED)
    assert asked.stop_reason == "tool_use"
    (use,) = (block for block in asked.content if isinstance(block, ToolUseBlock))
    assert use.name == "get_weather"
    assert set(use.input) == {"city", "days"}
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "Sunny"}]}
    turns: Any = [
        *QUESTION,
        {"role": "assistant", "content": [block.to_dict() for block in asked.content]},
        {"role": "user", "content": [result]},
    ]
    answered = await ask(claude, model=name, messages=turns, tools=[WEATHER])
    assert answered.stop_reason == "end_turn"
    assert answered.content[-1].type == "text"


@pytest.mark.parametrize("name", MODELS)
async def test_a_structured_answer_is_parsed(claude: AsyncAnthropic, name: str) -> None:
    answer = await claude.messages.parse(model=name, max_tokens=500, messages=QUESTION, output_format=Forecast)
    assert isinstance(answer.parsed_output, Forecast)


@pytest.mark.parametrize("name", ("deepseek/deepseek-r1", "anthropic/claude-haiku-4-5"))
@pytest.mark.parametrize("ask", (create, stream))
async def test_thinking_is_shown_and_goes_back(
    sandbox: SandboxServer, claude: AsyncAnthropic, name: str, ask: Any
) -> None:
    wish: Any = {"model": name, "max_tokens": 4_000, "thinking": {"type": "enabled", "budget_tokens": 1_024}}
    answer = await ask(claude, **wish)
    thought, *_ = answer.content
    assert isinstance(thought, ThinkingBlock)
    assert thought.thinking
    assert thought.signature
    turns = [*MESSAGES, {"role": "assistant", "content": [block.to_dict() for block in answer.content]}, *QUESTION]
    assert (await ask(claude, messages=turns, **wish)).content
    received = sandbox.recorder.received(sandbox.recorder.seen)
    assert received is not None
    assert thought.thinking.encode() in received.body


async def test_thinking_of_another_vendor_s_model_is_kept_from_anthropic(
    sandbox: SandboxServer, claude: AsyncAnthropic
) -> None:
    wish: Any = {"max_tokens": 4_000, "thinking": {"type": "enabled", "budget_tokens": 1_024}}
    answer = await create(claude, model="deepseek/deepseek-r1", **wish)
    turns = [*MESSAGES, {"role": "assistant", "content": [block.to_dict() for block in answer.content]}, *QUESTION]
    assert (await create(claude, model="anthropic/claude-haiku-4-5", messages=turns, **wish)).content
    received = sandbox.recorder.received(sandbox.recorder.seen)
    assert received is not None
    assert b'"signature"' not in received.body


@pytest.mark.parametrize(("name", "estimated"), (("gpt-4", "true"), ("anthropic/claude-haiku-4-5", None)))
async def test_tokens_are_counted_or_estimated_and_nothing_is_booked(
    router: RunningRouter, claude: AsyncAnthropic, name: str, estimated: str | None
) -> None:
    answer = await claude.messages.with_raw_response.count_tokens(model=name, messages=MESSAGES, tools=[WEATHER])
    assert answer.headers.get("x-pantheon-estimate") == estimated
    assert (await answer.parse()).input_tokens > 10
    assert await router.events() == []


async def test_tokens_are_counted_with_the_next_key_where_one_is_refused(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    asked: Any = {"model": "anthropic/claude-haiku-4-5", "messages": MESSAGES}
    keys = {"anthropic": ("invalid-1", "good")}
    async with running_router(tmp_path, changes, keys) as running:
        assert (await running.http.post("/v1/messages/count_tokens", json=asked)).json()["input_tokens"] > 0
    assert [seen.status for seen in sandbox.recorder] == [401, 200]


async def test_what_a_count_of_tokens_fails_with_says_whose_failure_it_is(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(malformed=True), provider="anthropic"))
    asked: Any = {"model": "anthropic/claude-haiku-4-5", "messages": MESSAGES}
    answer = await router.http.post("/v1/messages/count_tokens", json=asked)
    assert answer.status_code == 502
    assert answer.json()["error"]["details"]["metadata"]["provider"] == "anthropic"


async def test_models_are_listed_page_by_page(claude: AsyncAnthropic, router: RunningRouter) -> None:
    found = [one.id async for one in claude.models.list(limit=2)]
    assert found == ["openai/gpt-4", "anthropic/claude-3-opus", "anthropic/claude-haiku-4-5"]
    assert (await claude.models.retrieve("openai/gpt-4")).id == "openai/gpt-4"
    listed = await router.http.get("/v1/models")
    assert listed.json()["object"] == "list"


async def test_headers_tell_who_answered(claude: AsyncAnthropic) -> None:
    answer = await claude.messages.with_raw_response.create(model="gpt-4", max_tokens=5, messages=MESSAGES)
    headers = answer.headers
    assert headers["request-id"] == headers["x-request-id"] == (await answer.parse())._request_id
    assert (headers["x-pantheon-model"], headers["x-pantheon-provider"]) == ("openai/gpt-4", "openai")
    assert "x-pantheon-cost" in headers


async def test_what_anthropic_answers_reaches_the_client_unchanged(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    rest = b',"max_tokens":50,"metadata":{"user_id" : "u\\u00e9"},"messages":[{"role":"user","content":"Hi"}]}'
    body = b'{"model":"anthropic/claude-haiku-4-5"' + rest
    answer = await router.http.post(
        "/v1/messages?beta=true",
        content=body,
        headers={"anthropic-beta": "some-beta", "anthropic-version": "2023-06-01"},
    )
    assert answer.json()["type"] == "message"
    received = sandbox.recorder.received(sandbox.recorder.seen)
    assert received is not None
    assert received.body == b'{"model":"claude-haiku-4-5"' + rest
    assert received.headers["anthropic-beta"] == "some-beta"


@pytest.mark.parametrize("name", MODELS)
async def test_the_limit_of_tokens_is_kept_to(claude: AsyncAnthropic, name: str) -> None:
    for ask in (create, stream):
        answer = await ask(claude, model=name, max_tokens=3)
        assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 3)


@pytest.mark.parametrize(
    ("members", "kind"),
    (
        ({"model": "no-such-model"}, anthropic.NotFoundError),
        ({"extra_body": {"temperature": 3}}, anthropic.BadRequestError),
        ({"max_tokens": 1_000_000}, anthropic.BadRequestError),
        ({"messages": []}, anthropic.BadRequestError),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, anthropic.BadRequestError),
        ({"model": "openai/gpt-4o:sandbox-status-429:sandbox-retry-after-2"}, anthropic.RateLimitError),
        ({"model": "openai/gpt-4o:sandbox-status-503"}, anthropic.InternalServerError),
    ),
)
@pytest.mark.parametrize("ask", (create, stream))
async def test_an_error_raises_the_sdk_s_own(
    router: RunningRouter, claude: AsyncAnthropic, members: Any, kind: type[anthropic.APIStatusError], ask: Any
) -> None:
    with pytest.raises(kind) as caught:
        await ask(claude, **members)
    body: Any = caught.value.body
    assert body["type"] == "error"
    assert body["error"]["message"]
    assert body["request_id"] == caught.value.request_id


async def test_a_wrong_key_is_not_let_in(router: RunningRouter) -> None:
    async with AsyncAnthropic(base_url=router.base_url, api_key="pan-wrong", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            await create(client)
    assert await router.events() == []


async def test_a_bearer_token_does_as_well(router: RunningRouter) -> None:
    async with AsyncAnthropic(base_url=router.base_url, auth_token=KEY, max_retries=0) as client:
        assert (await create(client)).content


@pytest.mark.parametrize("name", ("openai/gpt-4o", "anthropic/claude-haiku-4-5"))
async def test_an_error_in_mid_stream_is_an_event(
    router: RunningRouter, sandbox: SandboxServer, claude: AsyncAnthropic, name: str
) -> None:
    sandbox.rules.add(Rule(directives=Directives(error_after=3)))
    with pytest.raises(anthropic.APIStatusError) as caught:
        await stream(claude, model=name)
    body: Any = caught.value.body
    assert body["type"] == "error"
    assert (await router.one_finished()).outcome == Outcome.OUTCOME_FAILED


async def test_a_stream_left_is_cut_off_and_booked(
    router: RunningRouter, sandbox: SandboxServer, claude: AsyncAnthropic
) -> None:
    async with claude.messages.stream(model=SLOW, max_tokens=20_000, messages=MESSAGES) as events:
        async for text in events.text_stream:
            if text:
                break
    await sandbox.recorder.wait_until(lambda seen: any(one.outcome is Seen.ABANDONED for one in seen), timeout=1)
    finished = await router.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_CANCELLED, LedgerState.LEDGER_STATE_ESTIMATED)
    assert finished.tokens.completion_tokens > 0
