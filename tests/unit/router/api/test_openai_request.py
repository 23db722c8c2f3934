"""From the body of POST /v1/chat/completions to the neutral request."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from services.router.api.openai import parse_request
from services.router.chat import ChatRequest
from services.runtime.errors import InvalidField, MalformedBody, PantheonError

MESSAGES = b'"messages":[{"role":"user","content":"Hi"}]'


def scope(**headers: str) -> Scope:
    return {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


def parsed(members: bytes = b"", **headers: str) -> ChatRequest:
    return parse_request(scope(**headers), b'{"model":"gpt-4",' + MESSAGES + members + b"}")


def test_a_request_is_its_body() -> None:
    content = b' {"model" : "gpt-4", "messages":[ {"role":"user","content":"h\\u00e9"} ], "x": 1.50}\n'
    request = parse_request(scope(), content)
    assert (request.model, request.size) == ("gpt-4", len(content))
    assert {name: bytes(value) for name, value in request.body.items()} == {
        "model": b'"gpt-4"',
        "messages": b'[ {"role":"user","content":"h\\u00e9"} ]',
        "x": b"1.50",
    }
    assert not request.stream
    assert not request.parameters
    assert request.fallback
    assert not request.apply_defaults


@pytest.mark.parametrize(
    ("members", "stream", "show_usage"),
    (
        (b"", False, False),
        (b',"stream":false', False, False),
        (b',"stream":null', False, False),
        (b',"stream":true', True, False),
        (b',"stream":true,"stream_options":null', True, False),
        (b',"stream":true,"stream_options":{}', True, False),
        (b',"stream":true,"stream_options":{"include_usage":false}', True, False),
        (b',"stream":true,"stream_options":{"include_usage":null}', True, False),
        (b',"stream":true,"stream_options":{"include_usage":true,"more":[]}', True, True),
        (b',"stream":false,"stream_options":{"include_usage":true}', False, False),
    ),
)
def test_it_says_whether_to_stream_and_to_show_the_usage(members: bytes, stream: bool, show_usage: bool) -> None:
    request = parsed(members)
    assert (request.stream, request.show_usage) == (stream, show_usage)


def test_pantheon_s_own_wishes_are_headers() -> None:
    request = parsed(
        x_pantheon_tags="team=search",
        x_pantheon_providers="openrouter, openai",
        x_pantheon_fallback="false",
        x_pantheon_apply_defaults="true",
    )
    assert request.tags == {"team": "search"}
    assert request.providers == ("openrouter", "openai")
    assert not request.fallback
    assert request.apply_defaults


@pytest.mark.parametrize("name", ("x_pantheon_fallback", "x_pantheon_apply_defaults"))
def test_a_switch_is_on_or_off(name: str) -> None:
    assert parsed(b"", **{name: "true"}) is not None
    with pytest.raises(InvalidField) as caught:
        parsed(b"", **{name: "no"})
    field = name.replace("_", "-")
    assert caught.value.metadata == {"field": field, "value": "no", "allowed": "true or false"}


@pytest.mark.parametrize(
    "content",
    (
        b"",
        b"{",
        b"not json",
        b"null",
        b"[]",
        b'"text"',
        b"{'model':'gpt-4'}",
        b'{"model":"gpt-4",}',
        b'{"model":"gpt-4"} trailing',
        b'{"\xff":1}',
        b'{"model":"\xff",' + MESSAGES + b"}",
        b"\xef\xbb\xbf{}",
        b'{"model":"gpt-4","temperature":NaN}',
        b'{"model":"gpt-4","user":"\\ud800"}',
        b'{"model":"gpt-4","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ),
)
def test_what_is_no_json_object_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody) as caught:
        parse_request(scope(), content)
    assert caught.value.metadata["detail"]


@pytest.mark.parametrize(
    ("content", "field", "value"),
    (
        (b"{" + MESSAGES + b"}", "model", "null"),
        (b'{"model":null,' + MESSAGES + b"}", "model", "null"),
        (b'{"model":5,' + MESSAGES + b"}", "model", "5"),
        (b'{"model":"",' + MESSAGES + b"}", "model", '""'),
        (b'{"model":"gpt-4"}', "messages", "null"),
        (b'{"model":"gpt-4","messages":[]}', "messages", "[]"),
        (b'{"model":"gpt-4","messages":[ \n]}', "messages", "[]"),
        (b'{"model":"gpt-4","messages":"a secret"}', "messages", "a text"),
        (b'{"model":"gpt-4","messages":{"a":"secret"}}', "messages", "an object"),
        (b'{"model":"gpt-4","messages":5}', "messages", "no list"),
        (b'{"model":"gpt-4","stream":"yes",' + MESSAGES + b"}", "stream", '"yes"'),
        (b'{"model":"gpt-4","stream":1,' + MESSAGES + b"}", "stream", "1"),
        (b'{"model":"gpt-4","stream":true,"stream_options":[],' + MESSAGES + b"}", "stream_options", "[]"),
        (
            b'{"model":"gpt-4","stream":true,"stream_options":{"include_usage":1},' + MESSAGES + b"}",
            "stream_options",
            '{"include_usage":1}',
        ),
    ),
)
def test_what_is_missing_or_of_the_wrong_type_is_named(content: bytes, field: str, value: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_request(scope(), content)
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == (field, value)
    assert caught.value.metadata["allowed"]


MEMBERS: st.SearchStrategy[Any] = st.sampled_from(("model", "messages", "stream", "stream_options", "temperature"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=100) | st.dictionaries(MEMBERS, VALUES).map(msgspec.json.encode))
def test_any_body_is_a_request_or_a_mistake_of_the_client_s(content: bytes) -> None:
    with contextlib.suppress(PantheonError):
        assert parse_request(scope(), content).model


@given(st.dictionaries(MEMBERS, VALUES).map(msgspec.json.encode), st.integers(0), st.binary(min_size=1, max_size=2))
def test_a_damaged_body_is_a_request_or_a_mistake_of_the_client_s(content: bytes, place: int, damage: bytes) -> None:
    place %= len(content)
    content = content[:place] + damage + content[place + 1 :]
    with contextlib.suppress(PantheonError):
        assert parse_request(scope(), content).model
