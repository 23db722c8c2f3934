"""From answers in OpenAI's format to the proto's messages, whole and piece by piece."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.router.v1.completion_pb2 import Choice, ChoiceDelta, Completion
from pantheon.router.v1.message_pb2 import MessageRole, Part, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from pantheon.usage.v1.ledger_pb2 import LedgerState, Surface
from pantheon.usage.v1.measure_pb2 import Cost, TokenUsage
from services.rating import Tokens
from services.router.api.grpc_response import Accumulator
from services.router.attempts import Call
from services.router.catalog import Endpoint
from services.router.chat import Facts
from services.router.plan import Candidate, Plan
from services.router.receipts import Receipt
from services.runtime.errors import ProviderBroken
from services.runtime.ids import uuid7
from services.runtime.money import to_proto
from tests.unit.router.calls import PRINCIPAL, WIRE, bill, provider, request

CANDIDATE = Candidate(provider("openai", sandbox=True), Endpoint("openai", "gpt-4-0613"), WIRE)
CALL = Call(str(uuid7()), request(), PRINCIPAL, Surface.SURFACE_GRPC, Plan("openai/gpt-4", [CANDIDATE], {}), 0.0)
SETTLED, ESTIMATED = LedgerState.LEDGER_STATE_SETTLED, LedgerState.LEDGER_STATE_ESTIMATED


def receipt(state: int = SETTLED, amount: str = "0.0013") -> Receipt:
    return bill(state, Tokens(prompt_tokens=100, completion_tokens=10), amount)


def finished(accumulator: Accumulator, booked: Receipt | None = None) -> Completion:
    facts = Facts(response_id="c-1", served_model="gpt-4-0613")
    return accumulator.completion(CALL, CANDIDATE, facts, booked or receipt())


def whole(*messages: dict[str, Any], **members: Any) -> list[Choice]:
    choices = [{"index": n, "message": said, "finish_reason": "stop"} for n, said in enumerate(messages)]
    accumulator = Accumulator()
    accumulator.add_whole(json.dumps({"choices": choices, **members}).encode())
    return list(finished(accumulator).choices)


def streamed(*deltas: dict[str, Any]) -> tuple[list[ChoiceDelta], Choice]:
    """What the deltas of one choice make: pieces, and the choice at the end."""
    accumulator = Accumulator()
    pieces = [
        piece for said in deltas for piece in accumulator.add(json.dumps({"choices": [{"delta": said}]}).encode())
    ]
    (choice,) = finished(accumulator).choices
    return pieces, choice


def calls(choice: Choice) -> list[tuple[str, str, str]]:
    found = [part.tool_call for part in choice.message.parts if part.HasField("tool_call")]
    return [(call.id, call.name, call.arguments_json) for call in found]


def test_a_completion_tells_where_it_comes_from_and_what_it_came_to() -> None:
    accumulator = Accumulator()
    accumulator.add_whole(b'{"created":1700000000,"choices":[]}')
    found = finished(accumulator)
    assert found.request_id == str(CALL.id)
    assert (found.provider_response_id, found.served_model) == ("c-1", "gpt-4-0613")
    assert (found.model, found.provider, found.sandbox) == ("openai/gpt-4", "openai", True)
    assert found.tokens == TokenUsage(prompt_tokens=100, completion_tokens=10)
    assert found.cost == Cost(amount=to_proto(Decimal("0.0013")), price_version_id="price-1")
    assert found.timing.time_to_first_token.ToMilliseconds() == 250
    assert found.timing.total.ToMilliseconds() == 500
    assert found.create_time.seconds == 1_700_000_000


def test_an_estimate_is_not_shown_as_what_the_provider_reported() -> None:
    assert not finished(Accumulator(), receipt(ESTIMATED)).HasField("tokens")


def test_an_unknown_cost_is_absent() -> None:
    assert not finished(Accumulator(), receipt(amount="")).cost.HasField("amount")


@pytest.mark.parametrize("created", ("null", "0", "-5", '"yesterday"', "1e30", "{}"))
def test_an_answer_of_unknown_date_has_none(created: str) -> None:
    accumulator = Accumulator()
    accumulator.add_whole(('{"choices":[],"created":' + created + "}").encode())
    assert not finished(accumulator).HasField("create_time")


@pytest.mark.parametrize(
    ("said", "parts"),
    (
        ({"content": "Hi"}, [Part(text=TextPart(text="Hi"))]),
        ({"content": None}, []),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, [Part(text=TextPart(text="ab"))]),
        (
            {
                "content": "Hi",
                "reasoning": "Hm",
                "reasoning_details": [{"type": "reasoning.text", "signature": "seal"}],
            },
            [Part(reasoning=ReasoningPart(text="Hm", signature="seal")), Part(text=TextPart(text="Hi"))],
        ),
        (
            {"content": "Hi", "reasoning_content": "Hm"},
            [Part(reasoning=ReasoningPart(text="Hm")), Part(text=TextPart(text="Hi"))],
        ),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
            [Part(reasoning=ReasoningPart(text="Hm"))],
        ),
        ({"content": None, "refusal": "No"}, [Part(refusal=RefusalPart(text="No"))]),
        (
            {"tool_calls": [{"id": "t", "type": "function", "function": {"name": "add", "arguments": "{"}}]},
            [Part(tool_call=ToolCallPart(id="t", name="add", arguments_json="{"))],
        ),
        (
            {"tool_calls": [{"id": "t", "type": "custom", "custom": {"name": "math", "input": "4 + 4"}}]},
            [Part(tool_call=ToolCallPart(id="t", name="math", arguments_json="4 + 4"))],
        ),
        (
            {"content": None, "function_call": {"name": "add", "arguments": "{}"}},
            [Part(tool_call=ToolCallPart(name="add", arguments_json="{}"))],
        ),
        ({"content": "Hi", "function_call": {"name": "", "arguments": ""}}, [Part(text=TextPart(text="Hi"))]),
        ({"content": "\ud83d\ude00 \ud83d"}, [Part(text=TextPart(text="😀 \ufffd"))]),
    ),
)
def test_every_kind_of_part_an_answer_may_hold_is_taken(said: dict[str, Any], parts: list[Part]) -> None:
    (choice,) = whole(said)
    assert list(choice.message.parts) == parts
    assert choice.message.role == MessageRole.MESSAGE_ROLE_ASSISTANT
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize("name", ("content", "reasoning", "refusal"))
def test_a_character_cut_in_two_comes_whole_with_its_second_half(name: str) -> None:
    pieces, choice = streamed({name: "a\ud83d"}, {name: "\ude00b\ud83d"})
    field = {"content": "text"}.get(name, name)
    assert [getattr(piece, field) for piece in pieces] == ["a", "😀b"]
    (part,) = choice.message.parts
    assert getattr(part, field).text == "a😀b\ufffd"


def test_a_character_cut_in_two_in_arguments_comes_whole() -> None:
    cut = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"a":"\ud83d', '\ude00"}')]
    pieces, choice = streamed(*({"tool_calls": [piece]} for piece in cut))
    assert [piece.tool_call.arguments_json for piece in pieces] == ['{"a":"', '😀"}']
    assert calls(choice) == [("", "", '{"a":"😀"}')]


def test_several_choices_stay_apart() -> None:
    first, second = whole({"content": "a"}, {"content": "b"})
    assert [(choice.index, choice.message.parts[0].text.text) for choice in (first, second)] == [(0, "a"), (1, "b")]


def test_whole_calls_of_one_index_stay_apart() -> None:
    both = [{"index": 0, "id": name, "function": {"name": name, "arguments": "{}"}} for name in ("a", "b")]
    (choice,) = whole({"tool_calls": both})
    assert calls(choice) == [("a", "a", "{}"), ("b", "b", "{}")]


@given(
    st.lists(st.tuples(st.sampled_from(("content", "reasoning", "refusal")), st.text(min_size=1)), max_size=10),
    st.lists(st.tuples(st.text(max_size=3), st.lists(st.text(max_size=5), max_size=4)), max_size=3),
)
def test_pieces_add_up_to_the_choice(words: list[tuple[str, str]], called: list[tuple[str, list[str]]]) -> None:
    deltas: list[dict[str, Any]] = [{kind: word} for kind, word in words]
    for index, (name, arguments) in enumerate(called):
        deltas.append({"tool_calls": [{"index": index, "id": f"t-{index}", "function": {"name": f"f{name}"}}]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": more}}]} for more in arguments]
    pieces, choice = streamed(*deltas or [{"content": ""}])
    parts = {part.WhichOneof("part"): part for part in choice.message.parts}
    assert "".join(piece.text for piece in pieces) == parts.get("text", Part()).text.text
    assert "".join(piece.reasoning for piece in pieces) == parts.get("reasoning", Part()).reasoning.text
    assert "".join(piece.refusal for piece in pieces) == parts.get("refusal", Part()).refusal.text
    for index, (name, arguments) in enumerate(called):
        own = [piece.tool_call for piece in pieces if piece.HasField("tool_call") and piece.tool_call.index == index]
        assert "".join(piece.arguments_json for piece in own) == "".join(arguments)
        assert calls(choice)[index] == (f"t-{index}", f"f{name}", "".join(arguments))


START: dict[str, Any] = {"id": "t-1", "function": {"name": "add", "arguments": ""}}


@pytest.mark.parametrize(
    "deltas",
    (
        # without an index (Mistral's older models)
        [START, {"function": {"arguments": "{}"}}],
        # with the id again in every piece
        [{"index": 0, **START}, {"index": 0, "id": "t-1", "function": {"arguments": "{}"}}],
        # with an empty id and name in later pieces
        [{"index": 0, **START}, {"index": 0, "id": "", "function": {"name": "", "arguments": "{}"}}],
        # with another id but no name (some builds of vLLM)
        [{"index": 0, **START}, {"index": 0, "id": "t-2", "function": {"name": None, "arguments": "{}"}}],
        # whole
        [{"index": 0, "id": "t-1", "function": {"name": "add", "arguments": "{}"}}],
    ),
)
def test_the_pieces_of_one_call_come_together(deltas: list[dict[str, Any]]) -> None:
    _, choice = streamed(*({"tool_calls": [call]} for call in deltas))
    assert calls(choice) == [("t-1", "add", "{}")]


def call(index: int | None, name: str, id: str | None = None) -> dict[str, Any]:  # noqa: A002 - the member's own name
    return {"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": "{}"}}]}


@pytest.mark.parametrize(
    "deltas",
    (
        [call(0, "a", "t-1"), call(1, "b", "t-2")],
        [call(1, "a", "t-1"), call(2, "b", "t-2")],
        # index 0 for each (Gemini's compatible endpoint)
        [call(0, "a", "t-1"), call(0, "b", "t-2")],
        # without an index, with ids
        [call(None, "a", "t-1"), call(None, "b", "t-2")],
        # without index or id (Ollama)
        [call(None, "a"), call(None, "b")],
    ),
)
def test_calls_of_several_tools_stay_apart(deltas: list[dict[str, Any]]) -> None:
    pieces, choice = streamed(*deltas)
    assert [(name, arguments) for _, name, arguments in calls(choice)] == [("a", "{}"), ("b", "{}")]
    assert len({piece.tool_call.index for piece in pieces}) == 2


def test_a_stream_s_finish_reason_and_date_are_kept_once_they_came() -> None:
    accumulator = Accumulator()
    accumulator.add(b'{"created":1700000000,"choices":[{"delta":{"content":"a"},"finish_reason":null}]}')
    accumulator.add(b'{"created":0,"choices":[{"delta":{},"finish_reason":"length"}]}')
    accumulator.add(b'{"choices":[{"delta":{},"finish_reason":null}],"usage":{}}')
    found = finished(accumulator)
    assert found.choices[0].finish_reason == "length"
    assert found.create_time.seconds == 1_700_000_000


@pytest.mark.parametrize(
    "chunk",
    (
        b'{"choices":[{"index":-1,"delta":{"content":5}}]}',
        b'{"choices":[{"index":99999999999,"delta":{"content":"a","tool_calls":{}}}]}',
        b'{"choices":[null,[],{"delta":[]}]}',
        b'{"choices":{}}',
        b"{}",
    ),
)
def test_odd_types_break_nothing(chunk: bytes) -> None:
    accumulator = Accumulator()
    accumulator.add(chunk)
    assert finished(accumulator).request_id


@pytest.mark.parametrize("chunk", (b"", b"{", b"[]"))
def test_what_is_no_object_is_the_provider_s_fault(chunk: bytes) -> None:
    with pytest.raises(ProviderBroken):
        Accumulator().add(chunk)
