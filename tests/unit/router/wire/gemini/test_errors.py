"""Refusals."""

import json
from typing import Any

import pytest

from services.runtime.errors import (
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
from tests.unit.router.wire.gemini.samples import WIRE

BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}


def refused(
    status: int, name: str = "", message: str = "No", headers: Any = None, details: Any = None
) -> ProviderError:
    body = {"error": {"code": status, "message": message, "status": name, "details": details}}
    return WIRE.parse_error(status, headers or {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    (
        (400, "INVALID_ARGUMENT", ProviderInvalidRequest),
        (400, "FAILED_PRECONDITION", ProviderInvalidRequest),
        (401, "UNAUTHENTICATED", ProviderAuthentication),
        (403, "PERMISSION_DENIED", ProviderPermission),
        (404, "NOT_FOUND", ProviderNotFound),
        (429, "RESOURCE_EXHAUSTED", ProviderRateLimited),
        (499, "CANCELLED", ProviderFailed),
        (500, "INTERNAL", ProviderFailed),
        (503, "UNAVAILABLE", ProviderOverloaded),
        (504, "DEADLINE_EXCEEDED", ProviderTimeout),
        (503, "SOMETHING_NEW", ProviderOverloaded),
    ),
)
def test_each_status_has_its_kind(status: int, name: str, kind: type[ProviderError]) -> None:
    error = refused(status, name)
    assert type(error) is kind
    assert error.metadata["status"] == str(status)
    assert b'"No"' in error.original


def test_a_bad_key_is_told_by_its_reason() -> None:
    assert type(refused(400, "INVALID_ARGUMENT", details=[BAD_KEY])) is ProviderAuthentication


@pytest.mark.parametrize("message", ("User location is not supported for the API use.", "Please enable billing"))
def test_a_precondition_of_the_account_is_no_fault_of_the_request(message: str) -> None:
    assert type(refused(400, "FAILED_PRECONDITION", message)) is ProviderPermission


def test_too_many_tokens_are_told_apart() -> None:
    message = "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576)."
    assert type(refused(400, "INVALID_ARGUMENT", message)) is ProviderContextTooLong


def test_the_wait_stands_in_the_body_or_the_header() -> None:
    assert refused(429, "RESOURCE_EXHAUSTED", details=[{}, RETRY]).metadata["retry_after_seconds"] == "35"
    headers = {"retry-after": "7"}
    assert refused(429, headers=headers, details=[RETRY]).metadata["retry_after_seconds"] == "7"


@pytest.mark.parametrize("delay", ("soon", 34, "-1s", "s", None))
def test_a_wait_that_is_none_is_left_out(delay: Any) -> None:
    error = refused(429, details=[{"retryDelay": delay}])
    assert "retry_after_seconds" not in error.metadata


def test_an_error_in_a_list_is_read() -> None:
    body = [{"error": {"code": 404, "message": "No such model", "status": "NOT_FOUND"}}]
    error = WIRE.parse_error(404, {}, json.dumps(body).encode())
    assert (type(error), error.message) == (ProviderNotFound, "No such model")


@pytest.mark.parametrize(
    "body", (b"", b"[]", b"<html>", b"\xff", b'{"error": null}', b'{"error": {"message": 7, "details": {}}}', b"[1]")
)
def test_what_can_not_be_read_counts_by_its_status(body: bytes) -> None:
    assert type(WIRE.parse_error(503, {}, body)) is ProviderOverloaded


def test_an_error_that_is_only_a_text_is_told() -> None:
    assert WIRE.parse_error(500, {}, b'{"error": "Oops"}').message == "Oops"
