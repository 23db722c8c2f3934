"""Errors as OpenAI's SDK expects them."""

import json

import pytest

from services.router.api import openai_errors
from services.runtime.errors import (
    CredentialsMissing,
    InternalFault,
    InvalidField,
    JournalUnavailable,
    ModelNotFound,
    PantheonError,
    ProviderAuthentication,
    ProviderBroken,
    ProviderContextTooLong,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderRateLimited,
    RateLimited,
    by_reason,
)


def body(error: PantheonError) -> dict[str, object]:
    found = json.loads(openai_errors.body(error))
    assert set(found) == {"error"}
    detail: dict[str, object] = found["error"]
    return detail


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    (
        (InvalidField("temperature", 3, "0 to 2"), 400, "invalid_request_error", "INVALID_FIELD"),
        (CredentialsMissing(), 401, "authentication_error", "CREDENTIALS_MISSING"),
        (ModelNotFound("gpt-44"), 404, "invalid_request_error", "MODEL_NOT_FOUND"),
        (RateLimited("slow down"), 429, "rate_limit_error", "RATE_LIMITED"),
        (JournalUnavailable("full"), 503, "server_error", "JOURNAL_UNAVAILABLE"),
        (ProviderBroken("gone", phase="stream"), 502, "server_error", "PROVIDER_BROKEN"),
        (InternalFault("r-1"), 500, "server_error", "INTERNAL_FAULT"),
    ),
)
def test_an_error_of_pantheon_s_has_openai_s_shape(error: PantheonError, status: int, kind: str, code: str) -> None:
    assert openai_errors.status(error) == status
    found = body(error)
    assert found == {
        "message": error.message,
        "type": kind,
        "param": error.metadata.get("field"),
        "code": code,
        "metadata": error.metadata,
    }
    assert (b"x-pantheon-reason", code.encode()) in openai_errors.headers(error)


def test_every_error_has_a_body() -> None:
    for kind in by_reason().values():
        error = kind.__new__(kind)
        PantheonError.__init__(error, "m")
        assert body(error)["message"] == "m"
        assert openai_errors.status(error) >= 400


def refused(kind: type[PantheonError], original: bytes) -> PantheonError:
    error = kind("m", provider="openai")
    error.original = original  # type: ignore[attr-defined]
    return error


PRETTY = b'{\n  "error": {\r\n    "message": "a\\nb", "own": 1.50\n  }\n}\n'


def test_a_provider_s_own_body_is_passed_on_to_the_byte() -> None:
    assert openai_errors.body(refused(ProviderFailed, PRETTY)) == PRETTY


def test_in_an_event_it_stands_on_one_line() -> None:
    assert openai_errors.event(refused(ProviderFailed, PRETTY)) == (
        b'data: {   "error": {      "message": "a\\nb", "own": 1.50   } }\n\n'
    )


@pytest.mark.parametrize(
    "original",
    (
        b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}',
        b'{"error":{"code":400,"message":"Invalid value","status":"INVALID_ARGUMENT"}}',
    ),
)
def test_a_body_of_another_format_is_kept_inside_one_of_this(original: bytes) -> None:
    found = body(refused(ProviderInvalidRequest, original))
    assert (found["type"], found["code"], found["message"]) == (
        "invalid_request_error", "PROVIDER_INVALID_REQUEST", "m",
    )  # fmt: skip
    assert found["original"] == json.loads(original)


@pytest.mark.parametrize(
    ("given", "shown"), ((409, 409), (413, 413), (422, 422), (405, 405), (400, 400), (200, 400), (502, 400))
)
def test_a_refusal_that_no_class_names_keeps_its_status(given: int, shown: int) -> None:
    error = ProviderInvalidRequest("m", status=given)
    assert openai_errors.status(error) == shown
    assert body(error)["type"] == "invalid_request_error"


def test_a_class_s_own_status_stands() -> None:
    assert openai_errors.status(ProviderContextTooLong("m", status=413)) == 400
    assert openai_errors.status(ProviderRateLimited("m", status=429)) == 429


@pytest.mark.parametrize(
    "original", (b"", b"<html>", b'{"error":{"message":"cut', b"[1]", b'"text"', b'{"a":1} more', b"{\xff}")
)
def test_a_provider_s_body_that_is_no_object_is_not(original: bytes) -> None:
    found = body(refused(ProviderFailed, original))
    assert (found["code"], found["message"]) == ("PROVIDER_FAILED", "m")


def test_what_a_provider_says_of_pantheon_s_key_is_not_passed_on() -> None:
    found = openai_errors.body(refused(ProviderAuthentication, b'{"error":{"message":"Bad key: sk-live-1234"}}'))
    assert b"sk-live" not in found


def test_it_says_when_to_try_again() -> None:
    error = ProviderRateLimited("m", retry_after_seconds=7)
    assert (b"retry-after", b"7") in openai_errors.headers(error)
    assert b"retry-after" not in dict(openai_errors.headers(ProviderRateLimited("m")))
