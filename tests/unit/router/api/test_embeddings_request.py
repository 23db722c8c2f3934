"""What POST /v1/embeddings takes, and what it names when it does not."""

import pytest

from services.router.api.embeddings import parse_request
from services.router.chat import ChatRequest, Format
from services.runtime.errors import InvalidField, MalformedBody


def parse(text: bytes, **headers: str) -> ChatRequest:
    sent = [(f"x-pantheon-{name}".encode(), value.encode()) for name, value in headers.items()]
    return parse_request({"type": "http", "headers": sent}, text)


@pytest.mark.parametrize(
    "given",
    (
        b'"text"',
        b'["one","two"]',
        b"[1, 2,3]",
        b"[ [1],[2,3] ]",
        b'[{"content":[{"type":"text","text":"seen"}]}]',
    ),
)
def test_texts_tokens_and_lists_of_them_are_taken_as_they_are(given: bytes) -> None:
    request = parse(b'{"model":"m","input":' + given + b',"dimensions":3,"own":1.50}')
    assert bytes(request.body["input"]) == given
    assert bytes(request.body["own"]) == b"1.50"
    assert request.format is Format.EMBEDDINGS
    assert not request.stream


@pytest.mark.parametrize(
    ("given", "shown"),
    (
        (b"null", "null"),
        (b"7", "a number"),
        (b"true", "true"),
        (b'{"text":"secret"}', "an object"),
        (b"[]", "an empty list"),
        (b"[ ]", "an empty list"),
        (b'["secret", 1]', "a list of something else, or of several kinds"),
        (b"[1.5]", "a list of something else, or of several kinds"),
        (b"[null]", "a list of something else, or of several kinds"),
        (b'[["secret"]]', "a list of something else, or of several kinds"),
    ),
)
def test_anything_else_is_named_by_its_kind(given: bytes, shown: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse(b'{"model":"m","input":' + given + b"}")
    assert caught.value.metadata["field"] == "input"
    assert caught.value.metadata["value"] == shown


def test_an_input_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidField) as caught:
        parse(b'{"model":"m"}')
    assert caught.value.metadata["field"] == "input"


@pytest.mark.parametrize("members", (b"", b'"model":"",', b'"model":7,', b'"model":null,'))
def test_a_model_that_is_missing_is_named(members: bytes) -> None:
    with pytest.raises(InvalidField) as caught:
        parse(b"{" + members + b'"input":"text"}')
    assert caught.value.metadata["field"] == "model"


@pytest.mark.parametrize("body", (b"", b"[]", b"nonsense", b'{"model":'))
def test_what_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse(body)


def test_the_headers_say_where_to_and_for_whom() -> None:
    request = parse(b'{"model":"m","input":"t"}', providers="a, b", fallback="false", tags="team=search")
    assert request.providers == ("a", "b")
    assert not request.fallback
    assert request.tags == {"team": "search"}
