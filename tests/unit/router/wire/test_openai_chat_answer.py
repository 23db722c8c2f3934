"""What answers say about themselves, in the shapes that providers really send."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rating import Tokens
from services.router.chat import Facts, Format
from services.router.sse import Event
from services.router.wire.openai_chat import OpenAIChat
from services.runtime.errors import ContentFiltered, ProviderBroken, ProviderError, ProviderRateLimited

WIRE = OpenAIChat()


def whole(usage: str = "null", message: str = '{"content":"Hi"}', more: str = "") -> bytes:
    choice = '{"index":0,"message":' + message + ',"finish_reason":"stop"}'
    return ('{"id":"c-1","model":"gpt-4-0613","choices":[' + choice + '],"usage":' + usage + more + "}").encode()


def facts(body: bytes) -> Facts:
    return WIRE.parse_response(body, Format.CHAT).facts


def tokens(usage: str) -> Tokens:
    found = facts(whole(usage)).tokens
    assert found is not None
    return found


def test_a_whole_answer_tells_its_facts() -> None:
    body = whole('{"prompt_tokens":7,"completion_tokens":3,"cost":0.000150}')
    answer = WIRE.parse_response(body, Format.CHAT)
    assert answer.body is body
    assert answer.facts == Facts(
        response_id="c-1",
        served_model="gpt-4-0613",
        finish_reason="stop",
        characters=2,
        tokens=Tokens(prompt_tokens=7, completion_tokens=3),
        reported_cost=Decimal("0.000150"),
    )


def test_every_kind_of_token_is_taken() -> None:
    usage = (
        '{"prompt_tokens":10,"completion_tokens":20,'
        '"prompt_tokens_details":'
        '{"cached_tokens":1,"cache_write_tokens":2,"audio_tokens":3,"image_tokens":6,"video_tokens":7},'
        '"completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":5,"image_tokens":8},'
        '"server_tool_use_details":{"web_search_requests":9}}'
    )
    assert tokens(usage) == Tokens(
        prompt_tokens=10,
        completion_tokens=20,
        cached_tokens=1,
        cache_write_tokens=2,
        prompt_audio_tokens=3,
        reasoning_tokens=4,
        completion_audio_tokens=5,
        prompt_image_tokens=6,
        prompt_video_tokens=7,
        completion_image_tokens=8,
        web_searches=9,
    )


def test_zero_is_zero_and_absent_is_unknown() -> None:
    assert tokens('{"prompt_tokens":0,"completion_tokens":0}') == Tokens(prompt_tokens=0, completion_tokens=0)
    assert tokens('{"prompt_tokens":0}') == Tokens(prompt_tokens=0)
    assert tokens("{}") == Tokens()
    assert facts(whole("null")).tokens is None
    assert facts(whole("{}")).reported_cost is None
    assert facts(whole('{"cost":0}')).reported_cost == 0


COUNTS = {"prompt_tokens": 50, "completion_tokens": 5}


@pytest.mark.parametrize(
    ("alias", "expected"),
    (
        ({"cached_tokens": 32}, {"cached_tokens": 32}),
        ({"num_cached_tokens": 32}, {"cached_tokens": 32}),
        ({"cache_creation_input_tokens": 8}, {"cache_write_tokens": 8}),
        ({"reasoning_tokens": 3}, {"reasoning_tokens": 3}),
        ({"cached_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}, {"cached_tokens": 2}),
        ({"cached_tokens": 1, "prompt_tokens_details": {"cached_tokens": None}}, {"cached_tokens": 1}),
        ({"cached_tokens": 1, "prompt_tokens_details": None}, {"cached_tokens": 1}),
    ),
)
def test_counts_are_found_under_other_providers_names(alias: dict[str, Any], expected: dict[str, int]) -> None:
    found = tokens(msgspec.json.encode(COUNTS | alias).decode())
    assert found == replace(Tokens(**COUNTS), **expected)


@pytest.mark.parametrize(
    ("cost", "exact"),
    (
        ("0.1", "0.1"),
        ("1.50", "1.50"),
        ("1e-05", "0.00001"),
        ("0.00012345678901234567890123456789", "0.00012345678901234567890123456789"),
        ('"0.25"', "0.25"),
        ('{"input_tokens_cost":0.004,"total_cost":0.00939}', "0.00939"),
    ),
)
def test_a_reported_cost_is_exact(cost: str, exact: str) -> None:
    assert facts(whole('{"cost":' + cost + "}")).reported_cost == Decimal(exact)


@pytest.mark.parametrize(
    "cost", ('"much"', "-1", "1e15", "1e-70", "1e400000", "[]", "true", '{"total_cost":null}', "null")
)
def test_a_cost_that_can_be_none_is_unknown(cost: str) -> None:
    answer = facts(whole('{"prompt_tokens":7,"completion_tokens":3,"cost":' + cost + "}"))
    assert answer.reported_cost is None
    assert answer.tokens == Tokens(prompt_tokens=7, completion_tokens=3)


@pytest.mark.parametrize("count", ("-5", "9223372036854775808", "1e30", "7.5", '"seven"', "[7]", "true", "null"))
def test_a_count_that_can_be_none_is_unknown_and_spoils_nothing_else(count: str) -> None:
    answer = facts(whole('{"prompt_tokens":' + count + ',"completion_tokens":3,"cost":0.10}'))
    assert answer.tokens == Tokens(completion_tokens=3)
    assert answer.reported_cost == Decimal("0.10")
    assert (answer.response_id, answer.finish_reason, answer.characters) == ("c-1", "stop", 2)


@pytest.mark.parametrize("count", ("7", "7.0", '"7"'))
def test_a_count_may_be_written_in_several_ways(count: str) -> None:
    assert tokens('{"prompt_tokens":' + count + "}").prompt_tokens == 7


def test_usage_in_groq_s_extension_counts() -> None:
    body = whole(more=',"x_groq":{"id":"r","usage":{"prompt_tokens":7,"completion_tokens":3}}')
    assert facts(body).tokens == Tokens(prompt_tokens=7, completion_tokens=3)


@pytest.mark.parametrize(
    ("message", "characters"),
    (
        ('{"content":"four"}', 4),
        ('{"content":"\\u00e9\\ud83d\\ude00"}', 2),
        ('{"content":null}', 0),
        ('{"content":[{"type":"text","text":"four"},{"type":"text","text":"two"}]}', 7),
        ('{"content":[{"type":"thinking","thinking":[{"type":"text","text":"why"}]},{"type":"text","text":"so"}]}', 5),
        ('{"content":"four","reasoning":"why"}', 7),
        ('{"content":"","reasoning_content":"why"}', 3),
        ('{"content":null,"refusal":"No."}', 3),
        ('{"content":null,"tool_calls":[{"function":{"name":"add","arguments":"{}"}},{"function":null},{}]}', 5),
        ('{"content":5}', 0),
        ("null", 0),
        ("[]", 0),
    ),
)
def test_what_the_model_wrote_is_counted(message: str, characters: int) -> None:
    assert facts(whole(message=message)).characters == characters


def test_of_message_and_delta_side_by_side_a_whole_answer_means_the_message() -> None:
    body = b'{"choices":[{"delta":{"content":""},"message":{"content":"Hi"},"finish_reason":"stop"}]}'
    assert facts(body).characters == 2


@pytest.mark.parametrize(
    "body",
    (
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"5",
        b"{",
        b'{"choices":[',
        b"<html></html>",
        b"{}",
        b'{"choices":null}',
    ),
)
def test_what_is_no_completion_is_the_provider_s_fault(body: bytes) -> None:
    with pytest.raises(ProviderBroken) as caught:
        WIRE.parse_response(body, Format.CHAT)
    assert caught.value.metadata["phase"] == "body"


def test_nesting_without_end_is_the_provider_s_fault() -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Format.CHAT)


@pytest.mark.parametrize(
    "body",
    (
        b'{"choices":[],"id":5,"model":["m"],"usage":[]}',
        b'{"choices":[{}],"usage":"none"}',
        b'{"choices":[null,5,{"message":[],"finish_reason":{}}],"usage":{"prompt_tokens_details":[]}}',
        b'{"choices":[{"message":{"content":"\\ud83d"},"logprobs":{"x":NaN,"y":-Infinity}}]}',
        b'{"choices":[{"message":{"content":"x","tool_calls":{}}}],"error":null}',
    ),
)
def test_an_answer_of_odd_types_is_passed_on(body: bytes) -> None:
    assert WIRE.parse_response(body, Format.CHAT).body == body


def test_names_from_the_provider_may_stand_in_headers_and_the_ledger() -> None:
    body = b'{"id":"a\\u0000b","model":"m\\r\\nx: y","choices":[{"finish_reason":"' + b"s" * 1000 + b'"}]}'
    found = facts(body)
    assert found.response_id == "a\ufffdb"
    assert found.served_model == "m\ufffd\ufffdx: y"
    assert found.finish_reason == "s" * 64
    assert len(facts(b'{"id":"' + b"i" * 10_000 + b'","choices":[]}').response_id) == 256


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    (
        (b'{"error":{"code":429,"message":"Slow down"}}', ProviderRateLimited, "Slow down"),
        (b'{"error":{"code":"content_filter","message":"No"},"choices":[]}', ContentFiltered, "No"),
    ),
)
def test_an_error_inside_an_answer_is_its_failure(body: bytes, kind: type[ProviderError], message: str) -> None:
    failure = WIRE.parse_response(body, Format.CHAT).failure
    assert isinstance(failure, kind)
    assert failure.message == message


def test_an_error_that_comes_with_its_bill_keeps_it() -> None:
    answer = WIRE.parse_response(
        b'{"id":"g-1","error":{"code":502,"message":"Cut"},"usage":{"prompt_tokens":7,"completion_tokens":3,"cost":0.5}}',
        Format.CHAT,
    )
    assert answer.failure is not None
    assert answer.facts.tokens == Tokens(prompt_tokens=7, completion_tokens=3)
    assert answer.facts.reported_cost == Decimal("0.5")
    assert answer.facts.response_id == "g-1"


def test_an_error_beside_an_answer_does_not_take_the_answer_away() -> None:
    body = whole(more=',"error":{"message":"late"}')
    assert WIRE.parse_response(body, Format.CHAT).body is body


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_the_provider_s_fault(body: bytes) -> None:
    with suppress(ProviderError):
        WIRE.parse_response(body, Format.CHAT)
    with suppress(ProviderError):
        WIRE.parse_stream(Format.CHAT).parse(Event(body))


MEMBERS = st.sampled_from(
    ("id", "model", "choices", "usage", "error", "message", "delta", "content", "finish_reason", "tool_calls", "x_groq",
     "function", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "cached_tokens", "cost", "total_cost")
)  # fmt: skip
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(MEMBERS, SHAPES, max_size=8))
def test_any_object_with_choices_is_read(body: dict[str, Any]) -> None:
    data = msgspec.json.encode({**body, "error": None, "choices": [body]})
    found = facts(data)
    assert found.characters >= 0
    assert found.tokens is None or all(count is None or count >= 0 for count in _counts(found.tokens))


def _counts(found: Tokens) -> list[int | None]:
    return [found.prompt_tokens, found.completion_tokens, found.cached_tokens, found.reasoning_tokens]
