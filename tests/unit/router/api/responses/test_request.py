"""What of a request is read whichever provider it goes to."""

import json
from typing import Any

import pytest

from services.router.api.responses.request import parse_request
from services.router.chat import ChatRequest, Format
from services.runtime.errors import InvalidField, MalformedBody


def request(headers: dict[bytes, bytes] | None = None, **members: Any) -> ChatRequest:
    content = json.dumps({"model": "m", "input": "Hi", **members}).encode()
    return parse_request({"headers": list((headers or {}).items())}, content)


def test_members_stay_as_they_came() -> None:
    content = b'{"model":"m","input":[{"role":"user","content":"h\\u00e9"}],"temperature":1.50}'
    found = parse_request({"headers": []}, content)
    assert (found.format, found.model, found.stream, found.size) == (Format.RESPONSES, "m", False, len(content))
    assert bytes(found.body["temperature"]) == b"1.50"
    assert bytes(found.chat()["temperature"]) == b"1.50"


def test_headers_say_how_to_route() -> None:
    found = request({b"x-pantheon-providers": b"a, b", b"x-pantheon-fallback": b"false"}, stream=True)
    assert (found.providers, found.fallback, found.stream) == (("a", "b"), False, True)


@pytest.mark.parametrize("name", ("previous_response_id", "conversation", "prompt"))
def test_something_kept_may_stand_in_place_of_the_input(name: str) -> None:
    members: dict[str, Any] = {"input": None, name: "x"}
    assert request(**members).format is Format.RESPONSES


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": {}}, "input"),
        ({"input": 7}, "input"),
        ({"stream": "yes"}, "stream"),
    ),
)
def test_what_every_provider_needs_is_checked(members: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        request(**members)
    assert caught.value.metadata["field"] == field


def test_a_body_that_is_no_object_is_malformed() -> None:
    with pytest.raises(MalformedBody):
        parse_request({"headers": []}, b"[]")
