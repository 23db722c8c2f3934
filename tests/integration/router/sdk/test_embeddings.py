"""OpenAI's SDK, embeddings: vectors of every provider that makes them."""

import pytest
from openai import AsyncOpenAI

from pantheon.usage.v1.ledger_pb2 import LedgerState
from tests.integration.router.running import RunningRouter

MODELS = ("openai/text-embedding-3-small", "gemini/gemini-embedding-001", "other/text-embedding-3-large")


@pytest.mark.parametrize("model", MODELS)
async def test_texts_are_embedded_each_and_booked(router: RunningRouter, openai: AsyncOpenAI, model: str) -> None:
    answer = await openai.embeddings.create(model=model, input=["bees", "wasps", "bees"], dimensions=8)

    vectors = [item.embedding for item in answer.data]
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert [len(vector) for vector in vectors] == [8, 8, 8]
    assert vectors[0] == vectors[2] != vectors[1]
    finished = await router.one_finished()
    assert finished.started.target.provider == model.partition("/")[0]
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert finished.tokens.prompt_tokens == answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("model", MODELS)
async def test_vectors_come_as_numbers_whichever_way_the_sdk_has_them_sent(
    router: RunningRouter, openai: AsyncOpenAI, model: str
) -> None:
    packed = await openai.embeddings.create(model=model, input="bees")
    plain = await openai.embeddings.create(model=model, input="bees", encoding_format="float")

    assert len(plain.data[0].embedding) in (1536, 3072)
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
