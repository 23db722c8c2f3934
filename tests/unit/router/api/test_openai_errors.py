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
    ProviderFailed,
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


def test_a_provider_s_own_body_is_passed_on_on_one_line() -> None:
    original = b'{\n  "error": {\r\n    "message": "a\\nb", "own": 1.50\n  }\n}\n'
    assert openai_errors.body(refused(ProviderFailed, original)) == (
        b'{   "error": {      "message": "a\\nb", "own": 1.50   } }'
    )


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
