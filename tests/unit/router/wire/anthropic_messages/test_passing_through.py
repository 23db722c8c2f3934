"""Requests and answers of Anthropic's own format: nothing is translated."""

import json
from typing import Any

import msgspec
import pytest

from services.router.chat import ChatRequest, Format, Frame
from services.router.sse import Event
from services.router.wire.anthropic_messages import AnthropicCountTokens
from services.router.wire.base import Dialect
from services.runtime.errors import InvalidField, ProviderBroken
from tests.unit.router.wire.anthropic_messages.samples import BUDGETED, TODAY, WIRE, body_of

COUNTS = AnthropicCountTokens()
CHAT = ChatRequest(model="m", body={}, size=1, headers={"anthropic-beta": "one"})


def own(text: bytes, **headers: str) -> ChatRequest:
    body = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return ChatRequest(model="m", body=body, size=len(text), format=Format.MESSAGES, headers=names)


def filled(body: bytes, model: str = BUDGETED, **fill: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(WIRE.render_request(own(body), model, body_of(fill), Dialect()))
    return found


def test_every_member_keeps_its_bytes_and_its_place() -> None:
    before = b'{"messages":[{"role":"user","content":"h\\u00e9 \\/"}],"top_k":1.0,"model":'
    behind = b',"context_management":{"edits" : [ ]},"mcp_servers":[1e2],"stream":true}'
    sent = WIRE.render_request(own(before + b'"m"' + behind), "claude-opus-5", {}, Dialect())
    assert sent == before + b'"claude-opus-5"' + behind


def test_open_parameters_are_filled_in_where_the_model_takes_them() -> None:
    assert filled(b"{}", temperature=0.5, max_tokens=9) == {"model": BUDGETED, "temperature": 0.5, "max_tokens": 9}
    assert filled(b'{"temperature":1}', top_p=0.5) == {"model": BUDGETED, "temperature": 1}
    assert filled(b"{}", temperature=0.5, top_p=0.5) == {"model": BUDGETED, "temperature": 0.5}
    assert filled(b'{"thinking":{"type":"adaptive"}}', temperature=0.5).keys() == {"model", "thinking"}
    assert filled(b"{}", model=TODAY, temperature=0.5, max_tokens=9) == {"model": TODAY, "max_tokens": 9}


def test_a_parameter_unknown_to_the_format_is_not_filled_in() -> None:
    assert filled(b"{}", frequency_penalty=1, presence_penalty=1) == {"model": BUDGETED}


def test_a_filled_in_temperature_above_one_is_named() -> None:
    with pytest.raises(InvalidField, match=r"temperature: '1\.5' is not allowed; 0 to 1"):
        filled(b"{}", temperature=1.5)


def test_addresses() -> None:
    assert WIRE.request_url("https://a.example", "m", stream=True) == "https://a.example/v1/messages"
    assert COUNTS.request_url("https://a.example", "m", stream=False) == "https://a.example/v1/messages/count_tokens"


def test_the_version_goes_with_every_request_and_the_clients_own_headers_with_its_own_format() -> None:
    assert WIRE.request_headers(CHAT) == {"anthropic-version": "2023-06-01"}
    asked = own(b"{}", anthropic_version="2024-01-01", anthropic_beta="one,two", cookie="secret")
    assert WIRE.request_headers(asked) == {"anthropic-version": "2024-01-01", "anthropic-beta": "one,two"}


def test_an_answer_stays_as_it_came() -> None:
    body = b' {"type":"message","id":"msg_1","content":[],"own":[1.0],"usage":{"input_tokens":1,"output_tokens":2}}'
    answer = WIRE.parse_response(body, Format.MESSAGES)
    assert (answer.body, answer.format) == (body, Format.MESSAGES)


@pytest.mark.parametrize(("type_", "name"), (('"ping"', b"ping"), ('"\\ud800"', b""), ('"a\\nb"', b"")))
def test_an_event_without_a_name_gets_its_types_where_that_can_be_one(type_: str, name: bytes) -> None:
    event = Event(b'{"type":%b}' % type_.encode())
    assert WIRE.parse_stream(Format.MESSAGES).parse(event) == Frame(event.data, name)


def test_a_count_of_tokens_stays_as_it_came_and_costs_nothing() -> None:
    request = ChatRequest(model="m", body=body_of({"model": "m", "own": 1}), size=1, format=Format.COUNT_TOKENS)
    assert COUNTS.render_request(request, "claude-opus-5", {}, Dialect()) == b'{"model":"claude-opus-5","own":1}'
    answer = COUNTS.parse_response(b'{"input_tokens": 20}', Format.COUNT_TOKENS)
    assert (answer.body, answer.format, answer.facts.tokens) == (b'{"input_tokens": 20}', Format.COUNT_TOKENS, None)


def test_a_count_that_is_none_is_a_broken_answer() -> None:
    with pytest.raises(ProviderBroken):
        COUNTS.parse_response(b"{}", Format.COUNT_TOKENS)
