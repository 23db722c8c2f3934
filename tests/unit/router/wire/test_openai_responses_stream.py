"""A stream of the Responses API passed through: every event as it came, the last one known for what it is."""

from typing import Any

import msgspec
import pytest

from services.rating import Tokens
from services.router.chat import Format, Frame
from services.router.sse import Event
from services.router.wire.base import StreamParser
from services.router.wire.openai_responses import OpenAIResponses
from services.runtime.errors import ProviderBroken, ProviderError, ProviderFailed, ProviderRateLimited

USAGE = {"input_tokens": 7, "output_tokens": 3}


def event(kind: str, **members: Any) -> Event:
    return Event(msgspec.json.encode({"type": kind, **members}), kind.encode())


def ended(kind: str = "response.completed", **members: Any) -> Event:
    status = kind.removeprefix("response.")
    whole = {"id": "resp_1", "model": "gpt-5-2025", "status": status, "output": [], "usage": USAGE, **members}
    return event(kind, response=whole)


CREATED = event("response.created", response={"id": "resp_1", "model": "gpt-5", "status": "in_progress", "usage": None})
DELTA = event("response.output_text.delta", delta="Hello", item_id="msg_1")
CALL = event("response.output_item.added", item={"type": "function_call", "name": "add", "arguments": ""})
ARGUMENTS = event("response.function_call_arguments.delta", delta='{"a":1}')


def fed(*events: Event) -> StreamParser:
    parser = OpenAIResponses().parse_stream(Format.RESPONSES)
    for one in events:
        parser.parse(one)
    return parser


def test_every_event_passes_with_its_name() -> None:
    parser = fed()
    for one in (CREATED, DELTA, event("response.own", x=1.50), ended()):
        assert parser.parse(one) == Frame(one.data, one.name)
    assert parser.format is Format.RESPONSES


def test_events_without_a_name_get_none_and_comments_stay() -> None:
    parser = fed()
    assert parser.parse(Event(DELTA.data)) == Frame(DELTA.data)
    assert parser.parse(Event(DELTA.data, id=b"7")) == Frame(DELTA.data, id=b"7")
    assert parser.parse(Event(comment=b"OPENROUTER PROCESSING")) == Frame(comment=b"OPENROUTER PROCESSING")


def test_the_facts_fill_up_on_the_way() -> None:
    facts = fed(CREATED, DELTA).facts
    assert (facts.response_id, facts.served_model, facts.characters, facts.finish_reason) == ("resp_1", "gpt-5", 5, "")
    facts = fed(CREATED, DELTA, ended()).facts
    assert (facts.served_model, facts.finish_reason) == ("gpt-5-2025", "stop")
    assert facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)


def test_calls_are_known_from_their_items_where_the_last_response_leaves_them_out() -> None:
    facts = fed(CREATED, CALL, ARGUMENTS, ended()).facts
    assert (facts.finish_reason, facts.characters) == ("tool_calls", len("add") + len('{"a":1}'))


def test_items_that_are_done_are_not_counted_again() -> None:
    part = {"type": "output_text", "text": "Hello"}
    done = event("response.output_item.done", item={"type": "message", "content": [part]})
    text = event("response.output_text.done", text="Hello")
    assert fed(CREATED, DELTA, text, done).facts.characters == 5


@pytest.mark.parametrize("kind", ("response.completed", "response.incomplete"))
def test_a_stream_is_done_when_the_response_has_ended(kind: str) -> None:
    assert not fed(CREATED, DELTA).done
    assert fed(CREATED, ended(kind)).done


def test_nothing_else_ends_a_stream() -> None:
    parser = fed(CREATED, DELTA)
    assert parser.parse(Event(b"[DONE]")) is None
    assert parser.parse(Event(b"")) is None
    assert not parser.done
    assert not parser.may_end


def test_a_response_that_failed_ends_its_stream_and_is_an_error() -> None:
    parser = fed(CREATED)
    failed = ended("response.failed", error={"code": "rate_limit_exceeded", "message": "Slow down"})
    with pytest.raises(ProviderRateLimited, match="Slow down") as caught:
        parser.parse(failed)
    assert caught.value.original == failed.data
    assert parser.done
    assert parser.facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)


@pytest.mark.parametrize(
    ("members", "kind"),
    (
        ({"code": "rate_limit_exceeded", "message": "Sorry", "param": None}, ProviderRateLimited),
        ({"code": None, "message": "Sorry"}, ProviderFailed),
        (
            {"error": {"type": "too_many_requests", "code": "too_many_requests", "message": "Sorry"}},
            ProviderRateLimited,
        ),
    ),
)
def test_an_error_event_is_an_error_however_it_is_written(members: dict[str, Any], kind: type[ProviderError]) -> None:
    told = event("error", sequence_number=2, **members)
    with pytest.raises(kind, match="Sorry") as caught:
        fed(CREATED, told)
    assert caught.value.original == told.data


@pytest.mark.parametrize("data", (b"{", b"[]", b'{"type":"response.output_text.delta","delta":"cu'))
def test_what_is_no_event_is_the_provider_s_fault(data: bytes) -> None:
    with pytest.raises(ProviderBroken):
        fed(Event(data))
