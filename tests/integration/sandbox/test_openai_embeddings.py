"""Simulated embeddings with OpenAI's own SDK: vectors, faults and the record of what was seen."""

import openai as sdk
import pytest
from openai import AsyncOpenAI

from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer

MODEL = "text-embedding-3-small"


@pytest.fixture
def own_openai(own_sandbox: SandboxServer) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=own_sandbox.openai_url, api_key="sk-test", max_retries=0, timeout=10)


async def test_the_sdk_reads_its_default_of_base64_and_numbers_alike(openai: AsyncOpenAI) -> None:
    packed = await openai.embeddings.create(model=MODEL, input=["one", "two"])
    plain = await openai.embeddings.create(model=MODEL, input=["one", "two"], encoding_format="float")
    assert [one.embedding for one in packed.data] == [one.embedding for one in plain.data]
    assert [one.index for one in packed.data] == [0, 1]
    assert (packed.usage.prompt_tokens, packed.usage.total_tokens) == (2, 2)


async def test_a_request_is_recorded_with_what_it_was_told(own_sandbox: SandboxServer, own_openai: AsyncOpenAI) -> None:
    async with own_openai as client:
        await client.embeddings.create(model=MODEL, input="Hello there")
    (record,) = own_sandbox.recorder
    assert (record.model, record.stream, record.status) == (MODEL, False, 200)
    assert record.usage is not None
    assert (record.usage.prompt_tokens, record.usage.completion_tokens) == (3, 0)


@pytest.mark.parametrize(
    ("directives", "error"),
    (
        (Directives(status=429), sdk.RateLimitError),
        (Directives(status=503), sdk.InternalServerError),
        (Directives(reset=True), sdk.APIConnectionError),
        (Directives(truncate=True), sdk.APIConnectionError),
    ),
)
async def test_it_goes_wrong_as_ordered(
    own_sandbox: SandboxServer, own_openai: AsyncOpenAI, directives: Directives, error: type[Exception]
) -> None:
    own_sandbox.rules.add(Rule(directives=directives))
    async with own_openai as client:
        with pytest.raises(error):
            await client.embeddings.create(model=MODEL, input="Hello")


async def test_the_usage_is_left_out_when_ordered(own_sandbox: SandboxServer, own_openai: AsyncOpenAI) -> None:
    async with own_openai as client:
        answer = await client.embeddings.create(model=f"{MODEL}:sandbox-no-usage", input="Hello")
    assert "usage" not in answer.model_fields_set
    (record,) = own_sandbox.recorder
    assert record.usage is None


async def test_a_bad_key_is_refused(sandbox: SandboxServer) -> None:
    async with AsyncOpenAI(base_url=sandbox.openai_url, api_key="sk-invalid", max_retries=0) as client:
        with pytest.raises(sdk.AuthenticationError):
            await client.embeddings.create(model=MODEL, input="Hello")
