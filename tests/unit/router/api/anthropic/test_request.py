"""From the body of POST /v1/messages to the neutral request."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from services.router.api.anthropic.request import parse_request, stops_of
from services.router.api.carrier import MARK, sealed
from services.router.chat import ChatRequest, Format
from services.runtime.errors import InvalidField, MalformedBody, PantheonError

MESSAGES = b'"messages":[{"role":"user","content":"Hi"}]'


def scope(**headers: str) -> Scope:
    return {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


def parsed(members: bytes = b"", **headers: str) -> ChatRequest:
    return parse_request(scope(**headers), b'{"model":"m","max_tokens":5,' + MESSAGES + members + b"}")


def test_a_request_is_its_body() -> None:
    content = b' {"model" : "m", "messages":[ {"role":"user","content":"h\\u00e9"} ], "max_tokens":5, "x": 1.50}\n'
    request = parse_request(scope(anthropic_version="2023-06-01", anthropic_beta="a,b"), content)
    assert (request.format, request.model, request.size) == (Format.MESSAGES, "m", len(content))
    assert {name: bytes(value) for name, value in request.body.items()} == {
        "model": b'"m"',
        "messages": b'[ {"role":"user","content":"h\\u00e9"} ]',
        "max_tokens": b"5",
        "x": b"1.50",
    }
    assert request.headers == {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b"}
    assert not request.stream
    assert bytes(request.chat()["messages"]) == b'[{"role":"user","content":"h\xc3\xa9"}]'


def test_pantheon_s_own_wishes_are_headers() -> None:
    request = parsed(
        b',"stream":true',
        x_pantheon_tags="team=search",
        x_pantheon_providers="openrouter, openai",
        x_pantheon_fallback="false",
        x_pantheon_apply_defaults="true",
    )
    assert request.stream
    assert request.tags == {"team": "search"}
    assert request.providers == ("openrouter", "openai")
    assert not request.fallback
    assert request.apply_defaults
    assert not request.headers


def test_counting_needs_no_limit_and_never_streams() -> None:
    content = b'{"model":"m",' + MESSAGES + b',"stream":true}'
    request = parse_request(scope(), content, Format.COUNT_TOKENS)
    assert (request.format, request.stream) == (Format.COUNT_TOKENS, False)


@pytest.mark.parametrize("content", (b"", b"[]", b'{"model":', b'{"model":"m"} more', b'{"\xff":1}'))
def test_what_is_no_json_object_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_request(scope(), content)


@pytest.mark.parametrize(
    ("content", "field"),
    (
        (b'{"max_tokens":5,' + MESSAGES + b"}", "model"),
        (b'{"model":"m","max_tokens":5}', "messages"),
        (b'{"model":"m","max_tokens":5,"messages":[]}', "messages"),
        (b'{"model":"m",' + MESSAGES + b"}", "max_tokens"),
        (b'{"model":"m","max_tokens":null,' + MESSAGES + b"}", "max_tokens"),
        (b'{"model":"m","max_tokens":"5",' + MESSAGES + b"}", "max_tokens"),
        (b'{"model":"m","max_tokens":5,"stream":1,' + MESSAGES + b"}", "stream"),
    ),
)
def test_what_is_missing_or_of_the_wrong_type_is_named(content: bytes, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_request(scope(), content)
    assert caught.value.metadata["field"] == field


def test_stop_sequences_are_known() -> None:
    assert stops_of(parsed(b',"stop_sequences":["a","b"]')) == ["a", "b"]
    assert stops_of(parsed(b',"stop_sequences":5')) == []
    assert stops_of(parsed()) == []


def test_what_anthropic_did_not_sign_is_kept_from_it_but_not_from_others() -> None:
    theirs = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    cited: dict[str, Any] = {"type": "web_search_result_location", "url": "https://a.example", "cited_text": ""}
    turns = [
        {"role": "user", "content": "pantheon."},
        {
            "role": "assistant",
            "content": [
                theirs,
                {"type": "thinking", "thinking": "Ours.", "signature": sealed({})},
                {"type": "redacted_thinking", "data": sealed({"type": "reasoning.encrypted", "data": "x"})},
                {"type": "redacted_thinking", "data": "b3BhcXVl"},
                {"type": "text", "text": "Yes", "citations": [{**cited, "encrypted_index": MARK}]},
                {"type": "text", "text": "No", "citations": [{**cited, "encrypted_index": "i"}]},
            ],
        },
    ]
    content = json.dumps({"model": "m", "max_tokens": 5, "messages": turns}).encode()
    request = parse_request(scope(), content)
    assert json.loads(bytes(request.body["messages"]))[1]["content"] == [
        theirs,
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "Yes", "citations": None},
        {"type": "text", "text": "No", "citations": [{**cited, "encrypted_index": "i"}]},
    ]
    (_, said) = json.loads(bytes(request.chat()["messages"]))
    assert said["reasoning"] == "Hm.Ours."
    assert len(said["reasoning_details"]) == 3


def test_a_turn_of_nothing_that_anthropic_signed_is_kept_from_it() -> None:
    asked = {"role": "user", "content": "Hi"}
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": sealed({})}]}
    content = json.dumps({"model": "m", "max_tokens": 5, "messages": [asked, thought, asked]}).encode()
    assert json.loads(bytes(parse_request(scope(), content).body["messages"])) == [asked, asked]


NAMES = st.sampled_from(("model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking", "metadata"))
MEMBERS = st.sampled_from(("role", "content", "type", "text", "source", "id", "name", "input", "tool_use_id", "data"))
WORDS = st.sampled_from(
    ("user", "assistant", "text", "image", "document", "tool_use", "tool_result", "thinking", "url")
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)
TURNS = st.lists(st.fixed_dictionaries({"role": WORDS, "content": VALUES}), min_size=1, max_size=3)


@given(st.dictionaries(NAMES, VALUES), TURNS | VALUES)
def test_any_request_is_translated_or_a_mistake_of_the_client_s(members: dict[str, Any], messages: Any) -> None:
    content = msgspec.json.encode({"model": "m", "max_tokens": 1, **members, "messages": messages})
    with contextlib.suppress(PantheonError):
        parse_request(scope(), content).chat()


@given(TURNS, st.integers(0), st.binary(min_size=1, max_size=2))
def test_a_damaged_request_is_one_or_a_mistake_of_the_client_s(messages: Any, place: int, damage: bytes) -> None:
    content = msgspec.json.encode({"model": "m", "max_tokens": 1, "messages": messages})
    place %= len(content)
    with contextlib.suppress(PantheonError):
        parse_request(scope(), content[:place] + damage + content[place + 1 :]).chat()
