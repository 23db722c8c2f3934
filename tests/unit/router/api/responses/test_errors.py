"""Errors as the Responses API tells them, whole and in a stream."""

import json
from typing import Any

import pytest

from services.router.api.responses.errors import ResponseErrors
from services.runtime.errors import (
    InvalidField,
    ProviderAuthentication,
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    UnsupportedFeature,
)


def failed(original: Any, kind: type[ProviderError] = ProviderFailed) -> ProviderError:
    error = kind("Sorry", status=502)
    error.original = json.dumps(original).encode()
    return error


def told(error: Any, count: int = 0) -> tuple[str, dict[str, Any]]:
    """The name and the data of an error's event."""
    errors = ResponseErrors()
    errors.count = count
    name, data, *rest = errors.event(error).decode().split("\n")
    assert rest == ["", ""]
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_an_error_of_ours_has_openai_s_shape() -> None:
    errors = ResponseErrors()
    error = UnsupportedFeature("conversation: not kept here", field="conversation")
    detail = json.loads(errors.body(error))["error"]
    assert errors.status(error) == 400
    assert (detail["param"], detail["code"], detail["type"]) == (
        "conversation", "UNSUPPORTED_FEATURE", "invalid_request_error",
    )  # fmt: skip
    assert (b"x-pantheon-reason", b"UNSUPPORTED_FEATURE") in errors.headers(error)


def test_a_response_that_failed_is_answered_as_it_came() -> None:
    response = {"object": "response", "status": "failed", "error": {"code": "server_error", "message": "Sorry"}}
    errors, error = ResponseErrors(), failed(response)
    assert errors.status(error) == 200
    assert errors.body(error) == error.original


@pytest.mark.parametrize("original", ({"error": {"message": "Sorry"}}, {"object": "response", "status": "completed"}))
def test_other_bodies_of_providers_are_errors(original: dict[str, Any]) -> None:
    assert ResponseErrors().status(failed(original, ProviderRateLimited)) == 429


@pytest.mark.parametrize("kind", ("response.failed", "error"))
def test_an_event_of_the_provider_s_own_stays_as_it_came(kind: str) -> None:
    original = {"type": kind, "sequence_number": 4, "own": 1}
    assert told(failed(original), 9) == (kind, original)


def test_an_event_stays_one_line() -> None:
    error = ProviderFailed("Sorry")
    error.original = b'{"type":"error",\r\n"sequence_number":4}'
    assert told(error) == ("error", {"type": "error", "sequence_number": 4})


def test_other_errors_are_told_beside_the_type_and_in_an_object() -> None:
    name, event = told(InvalidField("input", "7", "a text"), 5)
    assert (name, event["type"], event["sequence_number"], event["param"]) == ("error", "error", 5, "input")
    assert event["code"] == event["error"]["code"] == "INVALID_FIELD"
    assert event["message"] == event["error"]["message"]


def test_an_error_of_a_chat_provider_keeps_its_own_words() -> None:
    _, event = told(failed({"error": {"message": "Busy", "code": 502, "type": "upstream"}}))
    assert event["error"] == {"message": "Busy", "code": 502, "type": "upstream"}
    assert (event["code"], event["message"]) == ("PROVIDER_FAILED", "Sorry")


@pytest.mark.parametrize("original", ({"error": "Busy"}, {"detail": "Busy"}))
def test_an_error_without_an_object_gets_one(original: dict[str, Any]) -> None:
    _, event = told(failed(original))
    assert event["error"]["message"] == "Sorry"


def test_nothing_of_a_refused_key_is_told() -> None:
    _, event = told(failed({"type": "error", "sequence_number": 1, "message": "sk-1"}, ProviderAuthentication))
    assert "sk-1" not in json.dumps(event)
