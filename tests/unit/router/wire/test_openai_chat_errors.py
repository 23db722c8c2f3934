"""What error answers mean: recorded bodies of many providers, by status and by their own words."""

import pytest

from services.router.wire.openai_chat import OpenAIChat
from services.runtime import errors
from services.runtime.errors import ProviderError

WIRE = OpenAIChat()


def error(status: int, body: bytes = b"", **headers: str) -> ProviderError:
    return WIRE.parse_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    (
        (400, errors.ProviderInvalidRequest, 400),
        (401, errors.ProviderAuthentication, 502),
        (402, errors.ProviderAuthentication, 502),
        (403, errors.ProviderPermission, 502),
        (404, errors.ProviderNotFound, 404),
        (408, errors.ProviderTimeout, 504),
        (409, errors.ProviderInvalidRequest, 400),
        (413, errors.ProviderInvalidRequest, 400),
        (422, errors.ProviderInvalidRequest, 400),
        (429, errors.ProviderRateLimited, 429),
        (500, errors.ProviderFailed, 502),
        (501, errors.ProviderFailed, 502),
        (502, errors.ProviderFailed, 502),
        (503, errors.ProviderOverloaded, 503),
        (504, errors.ProviderTimeout, 504),
        (529, errors.ProviderOverloaded, 503),
        (302, errors.ProviderFailed, 502),
    ),
)
def test_the_status_says_what_it_is(status: int, kind: type[ProviderError], told: int) -> None:
    found = error(status)
    assert type(found) is kind
    assert found.http_status == told
    assert found.metadata["status"] == str(status)
    assert found.message


@pytest.mark.parametrize(
    ("body", "message"),
    (
        (b'{"error":{"message":"No such thing","type":"t","param":null,"code":null}}', "No such thing"),
        (b'{"error":{"code":400,"message":"No such thing","metadata":{"raw":"x"}},"user_id":"u"}', "No such thing"),
        (b'{"error":"No such thing"}', "No such thing"),
        (b'{"object":"error","message":"No such thing","type":"invalid_model","code":"1500"}', "No such thing"),
        (b'{"detail":"No such thing"}', "No such thing"),
        (b'{"error":{"message":null}}', "The provider answered 400"),
        (b'{"error":{"message":{"nested":1}}}', "The provider answered 400"),
        (b'{"error":null}', "The provider answered 400"),
        (b"{}", "The provider answered 400"),
        (b"[]", "The provider answered 400"),
        (b"<html>Bad gateway</html>", "The provider answered 400"),
        (b'{"error":{"message":"\xff"}}', "The provider answered 400"),
        (b"", "The provider answered 400"),
    ),
)
def test_its_words_are_found_wherever_they_stand_and_the_body_is_kept(body: bytes, message: str) -> None:
    found = error(400, body)
    assert found.message == message
    assert found.original == body


def test_a_long_message_is_cut() -> None:
    assert len(error(400, b'{"error":{"message":"' + b"x" * 10_000 + b'"}}').message) == 500


@pytest.mark.parametrize("status", (401, 402, 403))
def test_what_is_said_of_pantheon_s_own_key_is_not_passed_on(status: int) -> None:
    found = error(status, b'{"error":{"message":"Incorrect API key provided: sk-live-1234","code":"invalid_api_key"}}')
    assert "sk-live" not in found.message
    assert "sk-live" not in str(found.metadata)


@pytest.mark.parametrize("code", ("content_filter", "content_policy_violation"))
def test_filtered_content_is_told_apart(code: str) -> None:
    body = b'{"error":{"message":"Filtered","type":null,"code":"' + code.encode() + b'","status":400}}'
    assert isinstance(error(400, body), errors.ContentFiltered)
    assert error(400, body).message == "Filtered"


@pytest.mark.parametrize("metadata", ('{"patterns":["ignore all"]}', '{"reasons":["hate"],"flagged_input":"..."}'))
def test_openrouter_s_moderation_is_no_refusal_of_the_key(metadata: str) -> None:
    body = '{"error":{"code":403,"message":"Blocked","metadata":' + metadata + "}}"
    found = error(403, body.encode())
    assert isinstance(found, errors.ContentFiltered)
    assert found.message == "Blocked"


@pytest.mark.parametrize("status", (429, 503, 529))
def test_it_says_when_to_try_again(status: int) -> None:
    assert error(status, retry_after="7").metadata["retry_after_seconds"] == "7"
    assert error(status, retry_after="0.2").metadata["retry_after_seconds"] == "1"


@pytest.mark.parametrize("given", ("Wed, 21 Oct 2026 07:28:00 GMT", "soon", "", "-1", "nan", "inf"))
def test_a_retry_header_that_names_no_seconds_is_left_out(given: str) -> None:
    assert "retry_after_seconds" not in error(429, retry_after=given).metadata


def test_a_bad_request_about_the_key_is_about_us_and_shows_nothing_of_it() -> None:
    found = error(
        400, b'{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***ey."}'
    )
    assert type(found) is errors.ProviderAuthentication
    assert "xa***ey" not in found.message
