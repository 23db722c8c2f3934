"""What Anthropic's errors mean."""

import json

import pytest

from services.runtime.errors import (
    ContentFiltered,
    ProviderAuthentication,
    ProviderContextTooLong,
    ProviderError,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderPermission,
    ProviderRateLimited,
    ProviderTimeout,
)
from tests.unit.router.wire.anthropic_messages.samples import WIRE


def refused(status: int, kind: str, message: str = "No", **headers: str) -> ProviderError:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}).encode()
    error = WIRE.parse_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    assert error.original == body
    return error


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    (
        (400, "invalid_request_error", ProviderInvalidRequest),
        (401, "authentication_error", ProviderAuthentication),
        (402, "billing_error", ProviderAuthentication),
        (403, "permission_error", ProviderPermission),
        (404, "not_found_error", ProviderNotFound),
        (413, "request_too_large", ProviderInvalidRequest),
        (429, "rate_limit_error", ProviderRateLimited),
        (500, "api_error", ProviderFailed),
        (504, "timeout_error", ProviderTimeout),
        (529, "overloaded_error", ProviderOverloaded),
        (500, "overloaded_error", ProviderOverloaded),
        (418, "heard_of_tomorrow", ProviderInvalidRequest),
    ),
)
def test_an_error_is_what_its_type_says(status: int, kind: str, expected: type[ProviderError]) -> None:
    assert type(refused(status, kind)) is expected


@pytest.mark.parametrize(
    ("message", "expected"),
    (
        ("prompt is too long: 210000 tokens > 200000 maximum", ProviderContextTooLong),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", ProviderContextTooLong),
        ("Your credit balance is too low to access the Anthropic API", ProviderAuthentication),
        ("Output blocked by content filtering policy", ContentFiltered),
    ),
)
def test_an_invalid_request_may_be_something_else_by_its_words(message: str, expected: type[ProviderError]) -> None:
    assert type(refused(400, "invalid_request_error", message)) is expected


def test_the_time_to_try_again_is_kept() -> None:
    assert refused(429, "rate_limit_error", retry_after="7").metadata["retry_after_seconds"] == "7"


@pytest.mark.parametrize("body", (b"", b"<html>", b'{"error": 1}', b'{"error": {"type": 1}}'))
def test_an_unreadable_body_leaves_the_status_to_tell(body: bytes) -> None:
    assert type(WIRE.parse_error(503, {}, body)) is ProviderOverloaded
