import json

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.edge.errors import MethodNotAllowed, from_starlette
from services.edge.rest.answers import error_answer
from services.runtime.errors import (
    AccessDenied,
    CredentialsMissing,
    InternalFault,
    NoSuchMethod,
    PantheonError,
    RateLimited,
    by_reason,
)

REQUEST = Request(
    {"type": "http", "method": "DELETE", "path": "/api/user/settings", "headers": [], "query_string": b""}
)


@pytest.mark.parametrize("kind", by_reason().values())
def test_every_error_has_its_status_reason_and_metadata(kind: type[PantheonError]) -> None:
    error = kind.__new__(kind)
    PantheonError.__init__(error, "What went wrong", detail="that")
    answer = error_answer(error)
    assert answer.status_code == kind.http_status
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(bytes(answer.body)) == {
        "error": {"code": kind.reason, "message": "What went wrong", "details": {"detail": "that"}}
    }


def test_headers_say_what_http_wants_said() -> None:
    limited = RateLimited("Too many requests", limit="requests_per_minute", retry_after_seconds=12)
    assert error_answer(limited).headers["retry-after"] == "12"
    assert error_answer(CredentialsMissing()).headers["www-authenticate"] == "Bearer"
    assert error_answer(MethodNotAllowed("PUT", "/", "GET, HEAD")).headers["allow"] == "GET, HEAD"
    assert not {"retry-after", "www-authenticate", "allow"} & set(error_answer(AccessDenied("No")).headers)


def test_what_starlette_raises_finds_its_place_in_the_tree() -> None:
    missing = from_starlette(REQUEST, HTTPException(404))
    assert type(missing) is NoSuchMethod
    refused = from_starlette(REQUEST, HTTPException(405, headers={"Allow": "PUT, GET"}))
    assert type(refused) is MethodNotAllowed
    assert (refused.http_status, refused.metadata["allowed"]) == (405, "GET, PUT")
    assert type(from_starlette(REQUEST, HTTPException(418))) is InternalFault


def test_a_refused_method_keeps_the_reason_of_a_path_that_is_not_there() -> None:
    assert by_reason()["NO_SUCH_METHOD"] is NoSuchMethod
    assert MethodNotAllowed.reason == "NO_SUCH_METHOD"
