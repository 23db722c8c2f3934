"""Errors as Anthropic's SDKs expect them."""

import json

import pytest
from structlog.contextvars import bound_contextvars

from services.router.api.anthropic import errors
from services.runtime.errors import (
    BodyTooLarge,
    CredentialsMissing,
    InternalFault,
    InvalidField,
    JournalUnavailable,
    ModelNotFound,
    PantheonError,
    ProviderAuthentication,
    ProviderBroken,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderTimeout,
    RateLimited,
    by_reason,
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    (
        (InvalidField("temperature", 3, "0 to 2"), 400, "invalid_request_error"),
        (CredentialsMissing(), 401, "authentication_error"),
        (ModelNotFound("gpt-44"), 404, "not_found_error"),
        (BodyTooLarge(1, 0), 413, "request_too_large"),
        (RateLimited("slow down"), 429, "rate_limit_error"),
        (InternalFault("r-1"), 500, "api_error"),
        (ProviderBroken("gone", phase="stream"), 502, "api_error"),
        (ProviderTimeout("slow", phase="total"), 504, "timeout_error"),
        (ProviderOverloaded("busy"), 529, "overloaded_error"),
        (JournalUnavailable("full"), 529, "overloaded_error"),
    ),
)
def test_an_error_of_pantheon_s_has_anthropic_s_shape(error: PantheonError, status: int, kind: str) -> None:
    with bound_contextvars(request_id="r-1"):
        found = json.loads(errors.body(error))
    assert errors.status(error) == status
    assert found == {
        "type": "error",
        "error": {
            "type": kind,
            "message": error.message,
            "details": {"reason": error.reason, "metadata": error.metadata},
        },
        "request_id": "r-1",
    }
    assert (b"x-pantheon-reason", error.reason.encode()) in errors.headers(error)


def test_every_error_has_a_body() -> None:
    for kind in by_reason().values():
        error = kind.__new__(kind)
        PantheonError.__init__(error, "m")
        assert json.loads(errors.body(error))["error"]["message"] == "m"
        assert errors.status(error) >= 400


def refused(kind: type[PantheonError], original: bytes) -> PantheonError:
    error = kind("m", provider="anthropic")
    error.original = original  # type: ignore[attr-defined]
    return error


def test_anthropic_s_own_body_is_passed_on_in_an_event_on_one_line() -> None:
    original = b'{\n"type": "error", "error": {"type": "api_error", "message": "a\\nb"}, "request_id": "req_1"\r\n}\n'
    assert errors.body(refused(ProviderFailed, original)) == original
    line = b'{ "type": "error", "error": {"type": "api_error", "message": "a\\nb"}, "request_id": "req_1"  }'
    assert errors.event(refused(ProviderFailed, original)) == b"event: error\ndata: " + line + b"\n\n"


@pytest.mark.parametrize(
    "original",
    (
        b'{"error":{"message":"m"}}',
        b'{"type":"error","error":"m"}',
        b'{"type":"x","error":{}}',
        b'{"error":{"status":"X"}}\n',
    ),
)
def test_a_body_of_another_shape_is_told_in_the_details(original: bytes) -> None:
    found = json.loads(errors.body(refused(ProviderFailed, original)))
    assert found["error"]["details"]["reason"] == "PROVIDER_FAILED"
    assert found["error"]["details"]["original"] == json.loads(original)


@pytest.mark.parametrize("original", (b"", b"<html>", b"[1]", b'{"error":'))
def test_a_body_that_is_no_object_is_not(original: bytes) -> None:
    details = json.loads(errors.body(refused(ProviderFailed, original)))["error"]["details"]
    assert details.keys() == {"reason", "metadata"}


def test_a_refusal_without_a_class_keeps_its_status() -> None:
    error = ProviderInvalidRequest("m", status=422)
    assert errors.status(error) == 422
    assert json.loads(errors.body(error))["error"]["type"] == "invalid_request_error"


def test_what_a_provider_says_of_pantheon_s_key_is_not_passed_on() -> None:
    original = b'{"type":"error","error":{"type":"authentication_error","message":"Bad key: sk-live-1234"}}'
    assert b"sk-live" not in errors.body(refused(ProviderAuthentication, original))


def test_it_says_when_to_try_again() -> None:
    assert (b"retry-after", b"7") in errors.headers(ProviderRateLimited("m", retry_after_seconds=7))
    assert b"retry-after" not in dict(errors.headers(ProviderRateLimited("m")))
