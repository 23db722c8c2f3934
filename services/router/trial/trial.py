"""One completion, streamed, to see how a model does."""

from contextlib import aclosing

from pantheon.router.v1.completion_pb2 import Completion
from pantheon.router.v1.model_test_pb2 import ModelTest
from services.router.api.grpc_response import Accumulator
from services.router.attempts import Call
from services.router.engine import Engine
from services.router.trial.language import same_language
from services.router.trial.verdict import judge, judge_refusal
from services.runtime.errors import ProviderError

PROMPT = "In one short sentence, and in plain English: what is a ledger?"
"""What is asked where nobody says what to ask."""


async def try_out(engine: Engine, call: Call, prompt: str) -> ModelTest:
    """Streams the call, which asks `prompt`, and judges the answer. A provider's refusal is a result.

    Raises:
        PantheonError: as `Engine.open`, but no ProviderError.
    """
    accumulator = Accumulator()
    try:
        async with await engine.open(call) as streaming, aclosing(streaming.frames()) as frames:
            async for batch in frames:
                for frame in batch:
                    if frame.data:
                        accumulator.add(frame.data)
    except ProviderError as error:
        return ModelTest(
            request_id=call.id,
            model=call.plan.model,
            provider=error.metadata.get("provider", ""),
            refusal=error.message,
            verdict=judge_refusal(error),
        )
    receipt, facts = streaming.final_receipt(), streaming.facts
    text = text_of(accumulator.completion(call, streaming.candidate, facts, receipt))
    return ModelTest(
        request_id=call.id,
        model=call.plan.model,
        provider=streaming.candidate.provider.name,
        served_model=facts.served_model,
        text=text,
        finish_reason=facts.finish_reason,
        timing=receipt.timing,
        tokens=receipt.tokens,
        cost=receipt.cost,
        verdict=judge(text, facts.finish_reason, same_language=await same_language(prompt, text)),
    )


def text_of(completion: Completion) -> str:
    """The text of the first answer."""
    parts = (part for choice in completion.choices[:1] for part in choice.message.parts)
    return "".join(part.text.text for part in parts)
