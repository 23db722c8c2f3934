"""The Responses API passed through: bytes in and out as they are, and the facts that are read on the way."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.rating import Tokens
from services.router.chat import Body, ChatRequest, Facts, Format
from services.router.wire.base import Dialect
from services.router.wire.openai_responses import OpenAIResponses
from services.runtime.errors import (
    ContentFiltered,
    ProviderBroken,
    ProviderContextTooLong,
    ProviderError,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderRateLimited,
    UnsupportedFeature,
)

WIRE = OpenAIResponses()
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "add", "arguments": '{"a":1}'}
USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 29,
}
TOKENS = Tokens(
    prompt_tokens=20, completion_tokens=9, cached_tokens=8, cache_write_tokens=0, reasoning_tokens=4
)  # fmt: skip


def encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)


def response(**members: Any) -> dict[str, Any]:
    plain = {"id": "resp_1", "object": "response", "model": "gpt-5-2025", "status": "completed", "output": [MESSAGE]}
    return {**plain, "usage": USAGE, "error": None, **members}


def render(text: bytes, *, stream: bool = False, **fill: bytes) -> bytes:
    body = msgspec.json.decode(text, type=Body)
    request = ChatRequest(model="gpt-5", body=body, size=len(text), format=Format.RESPONSES, stream=stream)
    raw = {name: msgspec.Raw(value) for name, value in fill.items()}
    return WIRE.render_request(request, "gpt-5-2025", raw, Dialect())


def facts_of(**members: Any) -> Facts:
    return WIRE.parse_response(encoded(response(**members)), Format.RESPONSES).facts


def test_responses_have_a_path_of_their_own() -> None:
    assert WIRE.request_url("https://x.example/v1", "m", stream=True) == "https://x.example/v1/responses"


def test_every_member_keeps_its_bytes_and_its_place() -> None:
    before = b'{"input":[{"role":"user","content":"h\\u00e9"}],"store":true,"previous_response_id":"resp_0","model":'
    behind = b',"own":{"b" : [1 , 2.0]},"stream_options":{"include_obfuscation":false}}'
    assert render(before + b'"gpt-5"' + behind, stream=True) == before + b'"gpt-5-2025"' + behind


def test_open_parameters_are_filled_in_under_their_names_here() -> None:
    sent = render(b'{"model":"gpt-5"}', temperature=b"0.70", top_p=b"1", max_tokens=b"9", presence_penalty=b"1")
    assert sent == b'{"model":"gpt-5-2025","temperature":0.70,"top_p":1,"max_output_tokens":9}'


def test_an_answer_to_be_fetched_later_is_refused_and_a_streamed_one_is_not() -> None:
    with pytest.raises(UnsupportedFeature, match="background") as caught:
        render(b'{"model":"gpt-5","background":true}')
    assert caught.value.metadata["field"] == "background"
    assert b'"background":true' in render(b'{"model":"gpt-5","background":true}', stream=True)
    assert b'"background":false' in render(b'{"model":"gpt-5","background":false}')


def test_an_answer_stays_as_it_came_and_tells_its_facts() -> None:
    body = b"  " + encoded(response(own=1.50))
    answer = WIRE.parse_response(body, Format.RESPONSES)
    assert (answer.body, answer.format) == (body, Format.RESPONSES)
    assert answer.facts == Facts("resp_1", "gpt-5-2025", "stop", 5, TOKENS)


def test_pictures_video_and_searches_are_counted() -> None:
    counts = {
        "input_tokens": 9,
        "input_tokens_details": {"image_tokens": 3, "video_tokens": 2},
        "output_tokens": 8,
        "output_tokens_details": {"image_tokens": 5},
    }
    expected = Tokens(9, 8, prompt_image_tokens=3, prompt_video_tokens=2, completion_image_tokens=5, web_searches=4)

    xai = counts | {"server_side_tool_usage_details": {"web_search_calls": 4}}
    assert facts_of(usage=xai).tokens == expected
    openrouter = counts | {"server_tool_use_details": {"web_search_requests": 4}}
    assert facts_of(usage=openrouter).tokens == expected


def test_figures_that_are_not_given_are_absent() -> None:
    assert facts_of(usage=None).tokens is None
    assert facts_of(usage={"input_tokens": 3, "output_tokens": 0}).tokens == Tokens(
        prompt_tokens=3, completion_tokens=0
    )


@pytest.mark.parametrize(
    ("members", "finish"),
    (
        ({}, "stop"),
        ({"output": [MESSAGE, CALL]}, "tool_calls"),
        ({"output": [{"type": "custom_tool_call", "name": "sql", "input": "SELECT 1"}]}, "tool_calls"),
        ({"output": [{"type": "mcp_call", "name": "ask", "arguments": "{}"}]}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": None}, "length"),
        ({"status": "queued"}, ""),
    ),
)
def test_a_status_is_told_as_a_finish_reason(members: dict[str, Any], finish: str) -> None:
    assert facts_of(**members).finish_reason == finish


def test_everything_the_model_wrote_is_counted() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "abc"}]}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    assert facts_of(output=[thought, refusal, CALL]).characters == 3 + 3 + len("add") + len('{"a":1}')


def test_the_cost_a_provider_reports_is_taken_in_dollars_or_in_ticks() -> None:
    assert facts_of(usage={**USAGE, "cost": 0.0000468}).reported_cost == Decimal("0.0000468")
    assert facts_of(usage={**USAGE, "cost_in_usd_ticks": 2521500}).reported_cost == Decimal("0.00025215")


@pytest.mark.parametrize(
    ("error", "kind"),
    (
        ({"code": "server_error", "message": "Sorry"}, ProviderFailed),
        ({"code": "rate_limit_exceeded", "message": "Sorry"}, ProviderRateLimited),
        ({"code": "invalid_prompt", "message": "Sorry"}, ProviderInvalidRequest),
        ({"code": "invalid_image_url", "message": "Sorry"}, ProviderInvalidRequest),
        ({"code": "image_content_policy_violation", "message": "Sorry"}, ContentFiltered),
        ({"code": None, "type": "insufficient_quota", "message": "Sorry"}, ProviderRateLimited),
        ({"code": "context_length_exceeded", "message": "Sorry"}, ProviderContextTooLong),
        ({"message": "Sorry"}, ProviderFailed),
    ),
)
def test_a_failed_response_is_an_error_that_keeps_it_whole(error: dict[str, Any], kind: type[ProviderError]) -> None:
    body = encoded(response(status="failed", output=[], error=error))
    failure = WIRE.parse_response(body, Format.RESPONSES).failure
    assert isinstance(failure, kind)
    assert (str(failure), failure.original) == ("Sorry", body)


@pytest.mark.parametrize("body", (b"{", b"[]", b"{}", b'{"id":"resp_1","status":"completed"}'))
def test_what_is_no_response_is_the_provider_s_fault(body: bytes) -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(body, Format.RESPONSES)


def test_a_refusal_is_read_as_chat_s() -> None:
    error = WIRE.parse_error(429, {"retry-after": "7"}, b'{"error":{"message":"Slow down"}}')
    assert isinstance(error, ProviderRateLimited)
    assert error.metadata["retry_after_seconds"] == "7"
