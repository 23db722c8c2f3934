"""What is sent to a provider: the client's own bytes, but for the few members that may be edited."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.chat import Body, ChatRequest
from services.router.wire.base import Dialect
from services.router.wire.openai_chat import OpenAIChat

PLAIN = Dialect()


def body_of(text: bytes) -> Body:
    return msgspec.json.decode(text, type=Body)


def request(text: bytes, *, stream: bool = False) -> ChatRequest:
    return ChatRequest(model="gpt-4", body=body_of(text), size=len(text), stream=stream)


def render(text: bytes, *, stream: bool = False, dialect: Dialect = PLAIN, **fill: bytes) -> bytes:
    raw = {name: msgspec.Raw(value) for name, value in fill.items()}
    return OpenAIChat().render_request(request(text, stream=stream), "gpt-4-0613", raw, dialect)


def test_every_member_keeps_its_bytes_and_its_place() -> None:
    before = b'{"messages":[{"role":"user","content":"h\\u00e9 \\ud83d\\ude00 \\/"}],"temperature":1.50,"model":'
    behind = b',"seed":1e2,"big":123456789012345678901234567890,"own":{"b" : [1 , 2.0],"a":null},"user":"\xc3\xa9"}'
    assert render(before + b'"gpt-4"' + behind) == before + b'"gpt-4-0613"' + behind


def test_text_that_is_not_utf_8_passes_too() -> None:
    assert b'"user":"\xff"' in render(b'{"model":"m","user":"\xff"}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.text(min_size=1).filter(lambda name: name not in ("model", "stream_options"))


@given(st.dictionaries(NAMES, JSON, max_size=6), st.booleans(), st.booleans())
def test_whatever_is_asked_arrives_as_it_was(members: dict[str, object], ascii_only: bool, stream: bool) -> None:
    text = json.dumps({"model": "gpt-4", **members}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    sent = body_of(render(text, stream=stream))
    given_members = body_of(text)
    assert {name: bytes(sent[name]) for name in members} == {name: bytes(given_members[name]) for name in members}
    assert bytes(sent["model"]) == b'"gpt-4-0613"'
    assert len(sent) == len(given_members) + stream


def test_open_parameters_are_filled_in() -> None:
    sent = render(b'{"model":"gpt-4","temperature":null}', temperature=b"0.70", top_p=b"1")
    assert sent == b'{"model":"gpt-4-0613","temperature":0.70,"top_p":1}'


def test_a_model_s_name_is_quoted() -> None:
    sent = OpenAIChat().render_request(request(b'{"model":"a"}'), 'we"ird\\é', {}, PLAIN)
    assert json.loads(sent) == {"model": 'we"ird\\é'}


@pytest.mark.parametrize(
    ("given", "sent"),
    (
        (b"", b'{"include_usage":true}'),
        (b',"stream_options":null', b'{"include_usage":true}'),
        (b',"stream_options":{}', b'{"include_usage":true}'),
        (b',"stream_options":{"include_usage":false}', b'{"include_usage":true}'),
        (
            b',"stream_options":{"include_obfuscation":false,"x":1.50}',
            b'{"include_obfuscation":false,"x":1.50,"include_usage":true}',
        ),
    ),
)
def test_a_stream_is_always_asked_for_its_usage(given: bytes, sent: bytes) -> None:
    rendered = body_of(render(b'{"model":"m","stream":true' + given + b"}", stream=True))
    assert bytes(rendered["stream_options"]) == sent


def test_usage_is_not_asked_of_a_provider_that_sends_it_unasked() -> None:
    text = b'{"model":"m","stream":true}'
    assert "stream_options" not in body_of(render(text, stream=True, dialect=Dialect(streams_usage_unasked=True)))


@pytest.mark.parametrize(
    ("given", "sent"),
    (
        (b'{"include_usage":true}', None),
        (b"{}", None),
        (b"null", None),
        (b'{"include_usage":true,"x":1.50}', b'{"x":1.50}'),
    ),
)
def test_a_wish_for_usage_is_not_put_to_a_provider_that_may_refuse_it(given: bytes, sent: bytes | None) -> None:
    text = b'{"model":"m","stream_options":' + given + b',"stream":true}'
    found = body_of(render(text, stream=True, dialect=Dialect(streams_usage_unasked=True)))
    assert (bytes(found["stream_options"]) if "stream_options" in found else None) == sent


def test_stream_options_keep_their_place() -> None:
    sent = render(b'{"stream_options":{},"model":"m","stream":true}', stream=True)
    assert sent == b'{"stream_options":{"include_usage":true},"model":"gpt-4-0613","stream":true}'


def test_stream_options_of_a_request_that_is_no_stream_are_left_alone() -> None:
    assert b'"stream_options":{"x":1}' in render(b'{"model":"m","stream_options":{"x":1}}')


def test_max_tokens_that_were_filled_in_are_spelt_as_the_provider_spells_them() -> None:
    dialect = Dialect(renames_max_tokens=True)
    sent = body_of(render(b'{"model":"m"}', dialect=dialect, max_tokens=b"100"))
    assert "max_tokens" not in sent
    assert bytes(sent["max_completion_tokens"]) == b"100"


def test_max_tokens_of_the_client_s_own_stay_as_they_came() -> None:
    sent = body_of(render(b'{"model":"m","max_tokens":7}', dialect=Dialect(renames_max_tokens=True)))
    assert bytes(sent["max_tokens"]) == b"7"
    assert "max_completion_tokens" not in sent


def test_all_models_share_one_address() -> None:
    wire = OpenAIChat()
    for stream in (True, False):
        assert (
            wire.request_url("https://a.example/v1", "gpt-4", stream=stream) == "https://a.example/v1/chat/completions"
        )
