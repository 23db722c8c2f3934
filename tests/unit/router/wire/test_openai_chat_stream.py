"""Streamed answers: which frames their events make, what they add up to, and errors amid them."""

from decimal import Decimal

import msgspec
import pytest

from services.rating import Tokens
from services.router.chat import Format, Frame
from services.router.sse import Event
from services.router.wire.base import StreamParser
from services.router.wire.openai_chat import OpenAIChat, without_usage
from services.runtime.errors import (
    ContentFiltered,
    ProviderBroken,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderRateLimited,
)

WIRE = OpenAIChat()
USAGE = b'"usage":{"prompt_tokens":7,"completion_tokens":3}'


def chunk(delta: str = "{}", finish: str = "null", more: str = "") -> bytes:
    choice = '{"index":0,"delta":' + delta + ',"finish_reason":' + finish + "}"
    return ('{"id":"c-1","model":"gpt-4-0613","choices":[' + choice + "]" + more + "}").encode()


def fed(*data: bytes) -> StreamParser:
    parser = WIRE.parse_stream(Format.CHAT)
    for piece in data:
        parser.parse(Event(piece))
    return parser


def test_a_chunk_becomes_a_frame_of_the_same_bytes() -> None:
    data = chunk('{"content" : "Hi"}')
    assert WIRE.parse_stream(Format.CHAT).parse(Event(data)) == Frame(data)


def test_a_comment_becomes_a_comment_though_it_be_empty() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    assert parser.parse(Event(comment=b"OPENROUTER PROCESSING")) == Frame(comment=b"OPENROUTER PROCESSING")
    assert parser.parse(Event(comment=b"")) == Frame(comment=b"")


@pytest.mark.parametrize("data", (b"[DONE]", b"[DONE] ", b" [DONE]"))
def test_the_terminal_marker_is_no_frame(data: bytes) -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    assert not parser.done
    assert parser.parse(Event(data)) is None
    assert parser.done


@pytest.mark.parametrize("data", (b"", b" ", b"\n"))
def test_a_heartbeat_without_data_is_no_frame(data: bytes) -> None:
    assert WIRE.parse_stream(Format.CHAT).parse(Event(data)) is None


def test_the_facts_add_up_over_the_chunks() -> None:
    facts = fed(
        chunk('{"role":"assistant","content":""}'),
        chunk('{"content":"Hel"}'),
        chunk('{"content":"lo"}'),
        chunk("{}", '"stop"'),
        b'{"id":"c-1","model":"gpt-4-0613","choices":[],' + USAGE + b"}",
    ).facts
    assert (facts.response_id, facts.served_model, facts.finish_reason) == ("c-1", "gpt-4-0613", "stop")
    assert facts.characters == 5
    assert facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)


def test_the_first_id_and_the_last_model_count() -> None:
    facts = fed(b'{"id":"a","model":"m1","choices":[]}', b'{"id":"b","model":"m2","choices":[]}').facts
    assert (facts.response_id, facts.served_model) == ("a", "m2")


def choice(index: int, finish: str = "null") -> bytes:
    return (
        '{"choices":[{"index":' + str(index) + ',"delta":{"content":"x"},"finish_reason":' + finish + "}]}"
    ).encode()


@pytest.mark.parametrize(
    ("chunks", "ended"),
    (
        ([], False),
        ([choice(0)], False),
        ([choice(0), choice(0, '"stop"')], True),
        ([choice(0), choice(1), choice(0, '"stop"')], False),
        ([choice(0), choice(1), choice(1, '"stop"'), choice(0, '"length"')], True),
        ([choice(0, '"stop"'), choice(0)], True),
        ([choice(0, '"stop"'), choice(1)], False),
        ([b'{"choices":[{"delta":{}}]}', choice(0, '"stop"')], True),
    ),
)
def test_a_stream_has_ended_when_all_its_choices_have(chunks: list[bytes], ended: bool) -> None:
    assert fed(*chunks).facts.ended is ended


def test_tool_calls_count_as_they_grow() -> None:
    start = '{"tool_calls":[{"index":0,"id":"t","function":{"name":"add","arguments":""}}]}'
    more = '{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\":1}"}}]}'
    assert fed(chunk(start)).facts.characters == 3
    assert fed(chunk(start), chunk(more)).facts.characters == 10


def test_a_frame_tells_whether_it_carries_the_usage_and_nothing_else() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    alone = b'{"choices":[],' + USAGE + b"}"
    without_choices = b"{" + USAGE + b"}"
    beside = chunk("{}", '"stop"', "," + USAGE.decode())
    null = chunk('{"content":"x"}', "null", ',"usage":null')
    assert parser.parse(Event(alone)) == Frame(alone, usage=True, usage_only=True)
    assert parser.parse(Event(without_choices)) == Frame(without_choices, usage=True, usage_only=True)
    assert parser.parse(Event(beside)) == Frame(beside, usage=True)
    assert parser.parse(Event(null)) == Frame(null)


def test_of_repeated_usage_the_last_counts() -> None:
    facts = fed(
        b'{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1,"cost":0.1}}',
        b'{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"cost":0.30}}',
    ).facts
    assert facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)
    assert facts.reported_cost == Decimal("0.30")


def test_a_usage_of_null_takes_back_nothing() -> None:
    facts = fed(b'{"choices":[],' + USAGE + b"}", chunk(more=',"usage":null')).facts
    assert facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)


def test_usage_in_groq_s_extension_counts_and_the_chunk_stays_whole() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    data = chunk("{}", '"stop"', ',"x_groq":{"id":"r",' + USAGE.decode() + "}")
    assert parser.parse(Event(data)) == Frame(data)
    assert parser.facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)


def test_of_message_and_delta_side_by_side_a_chunk_means_the_delta() -> None:
    data = b'{"choices":[{"delta":{"content":"lo"},"message":{"content":"Hello"}}]}'
    assert fed(data).facts.characters == 2


def test_half_an_emoji_is_passed_on() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    for half in ('{"content":"\\ud83d"}', '{"content":"\\ude00"}'):
        assert parser.parse(Event(chunk(half))) == Frame(chunk(half))


def test_an_error_amid_the_stream_is_raised_with_its_own_body() -> None:
    data = b'{"error":{"message":"Sorry","type":"server_error","param":null,"code":null}}'
    with pytest.raises(ProviderFailed, match="Sorry") as caught:
        fed(chunk('{"content":"Hel"}'), data)
    assert msgspec.json.decode(caught.value.original) == msgspec.json.decode(data)
    assert caught.value.metadata["status"] == "502"


@pytest.mark.parametrize(
    ("error", "kind"),
    (
        ('{"code":429,"message":"m"}', ProviderRateLimited),
        ('{"code":"tool_use_failed","status_code":400,"message":"m"}', ProviderInvalidRequest),
        ('{"code":"content_filter","message":"m"}', ContentFiltered),
        ('{"code":200,"message":"m"}', ProviderFailed),
        ('{"code":"429","message":"m"}', ProviderFailed),
        ('"m"', ProviderFailed),
    ),
)
def test_an_error_amid_the_stream_has_the_status_it_would_have_had(error: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="m"):
        fed(('{"error":' + error + "}").encode())


def test_an_error_s_chunk_tells_its_facts_too() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    data = chunk('{"content":""}', '"error"', ',"error":{"code":429,"message":"m"},' + USAGE.decode())
    with pytest.raises(ProviderRateLimited):
        parser.parse(Event(data))
    assert parser.facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)
    assert parser.facts.response_id == "c-1"


def test_an_error_of_null_is_none() -> None:
    data = chunk('{"content":"x"}', more=',"error":null')
    assert WIRE.parse_stream(Format.CHAT).parse(Event(data)) == Frame(data)


@pytest.mark.parametrize("data", (b"{", b'{"choices":[{"delta":{"content":"cut', b"data", b"[]"))
def test_what_is_no_chunk_is_the_provider_s_fault(data: bytes) -> None:
    with pytest.raises(ProviderBroken):
        fed(data)


def test_a_chunk_without_its_usage_keeps_everything_else() -> None:
    data = b'{"id":"c","x":1.50,"usage":{"prompt_tokens":7},"choices":[{"delta":{"content":"\\u00e9"} }]}'
    assert without_usage(data) == b'{"id":"c","x":1.50,"choices":[{"delta":{"content":"\\u00e9"} }]}'
    assert without_usage(b'{"choices":[]}') == b'{"choices":[]}'


def test_a_chunk_that_is_no_strict_json_keeps_its_usage() -> None:
    data = b'{"choices":[{"delta":{"content":"\\ud83d"}}],"usage":{"prompt_tokens":7}}'
    assert without_usage(data) == data


def test_bare_json_is_no_chunk_unless_it_is_an_error() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    assert parser.parse(Event(bare=b'{"choices":[]}')) is None
    assert parser.parse(Event(bare=b"{not JSON}")) is None
    with pytest.raises(ProviderRateLimited, match="Slow down"):
        parser.parse(Event(bare=b'{"error":{"message":"Slow down","code":429}}'))
