"""Request bodies are read once, at the door: what is no JSON object in UTF-8 goes no further."""

import pytest

from services.router.api.bodies import body_of
from services.runtime.errors import MalformedBody


def test_members_stay_as_they_came() -> None:
    body = body_of('{"model": "x",  "messages": [ "Zürich 🗼" ]}'.encode())
    assert {name: bytes(value) for name, value in body.items()} == {
        "model": b'"x"',
        "messages": '[ "Zürich 🗼" ]'.encode(),
    }


@pytest.mark.parametrize(
    "content",
    (b"", b"[]", b"{", b'{"a":1}x', b'{"messages":["\xff"]}', b'{"messages":["\xed\xa0\x80"]}', b'{"a":"\xe2\x82"}'),
)
def test_anything_else_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody):
        body_of(content)
