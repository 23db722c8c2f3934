from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import grpc
import pytest

from pantheon.router.v1.completion_pb2 import Choice, Completion
from pantheon.router.v1.message_pb2 import MessageRole
from pantheon.router.v1.router_service_pb2 import StreamCompleteRequest, StreamCompleteResponse
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceServicer, add_RouterServiceServicer_to_server
from services.cli.calling import Caller
from services.cli.chat import Conversation, answer_of, chat_spec, remark, text_message
from services.cli.running import CommandFailed
from services.runtime import money


def test_options_become_the_request() -> None:
    spec = chat_spec("gpt-4", "Be brief.", 0.2, 50, ["team=search", "env=a=b"])
    assert spec.model == "gpt-4"
    assert spec.messages[0].role == MessageRole.MESSAGE_ROLE_SYSTEM
    assert (spec.parameters.temperature, spec.parameters.max_tokens) == (0.2, 50)
    assert spec.tags == {"team": "search", "env": "a=b"}


def test_what_is_not_given_is_left_open() -> None:
    spec = chat_spec("gpt-4", "", None, None, ())
    assert not spec.messages
    assert not spec.parameters.HasField("temperature")


@pytest.mark.parametrize("tag", ("team", "=search", ""))
def test_a_tag_needs_a_key_and_a_value(tag: str) -> None:
    with pytest.raises(CommandFailed, match="--tag"):
        chat_spec("gpt-4", "", None, None, [tag])


def completion() -> Completion:
    message = text_message(MessageRole.MESSAGE_ROLE_ASSISTANT, "Hello.")
    made = Completion(request_id="r-1", model="acme/new", provider="openrouter", sandbox=True)
    made.choices.append(Choice(message=message, finish_reason="stop"))
    made.timing.total.FromMilliseconds(250)
    return made


def test_what_is_not_known_of_an_answer_is_said() -> None:
    answer = answer_of(completion())
    assert (answer.text, answer.cost, answer.prompt_tokens, answer.total) == ("Hello.", None, None, 0.25)
    said = "acme/new via openrouter (sandbox) · - + - tokens · unpriced · first token -, total 250 ms · r-1"
    assert remark(answer) == said


def test_a_known_cost_is_exact() -> None:
    made = completion()
    made.cost.amount.CopyFrom(money.to_proto(Decimal("0.0000765")))
    assert answer_of(made).cost == Decimal("0.0000765")


class Ending(RouterServiceServicer):
    """A router whose streams consist of their end."""

    def __init__(self, *ends: Completion) -> None:
        self.ends = list(ends)

    async def StreamComplete(
        self, request: StreamCompleteRequest, context: Any
    ) -> AsyncIterator[StreamCompleteResponse]:
        yield StreamCompleteResponse(completion=self.ends.pop(0))


async def test_a_turn_answered_with_nothing_fails_and_is_not_part_of_the_conversation() -> None:
    server = grpc.aio.server()
    nothing = Completion(request_id="r-1", provider="openrouter")
    router = Ending(nothing, completion())  # type: ignore[abstract]  # what is called of it
    add_RouterServiceServicer_to_server(router, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    spec = chat_spec("gpt-4", "", None, None, ())
    async with Caller("router", f"127.0.0.1:{port}", "pan-key") as caller:
        conversation = Conversation(caller, spec, None)
        with pytest.raises(CommandFailed, match=r"openrouter gave an answer with nothing in it \(r-1\)"):
            await conversation.ask("Hello?")
        assert (await conversation.ask("Are you there?")).text == "Hello."
    await server.stop(None)
    assert [message.parts[0].text.text for message in spec.messages] == ["Are you there?", "Hello."]
