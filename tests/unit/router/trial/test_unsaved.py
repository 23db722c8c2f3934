from typing import Any

import pytest

from services.router.trial.unsaved import authorization_of
from services.runtime.grpc_asgi.call import Call


@pytest.mark.parametrize(
    ("given", "passed_on"),
    (
        ((), ""),
        ((b"Bearer ada",), "Bearer ada"),
        ((b"Bearer bob", b"Bearer ada"), "Bearer ada"),
    ),
)
def test_what_is_passed_on_is_what_was_verified(given: tuple[bytes, ...], passed_on: str) -> None:
    headers = [(b"authorization", value) for value in given]
    context: Any = Call({"headers": headers}, _nothing, _nothing, most_bytes=0, most_seconds=0)
    assert authorization_of(context) == passed_on
    assert context.headers.get(b"authorization", b"").decode() == passed_on


async def _nothing(*_: object) -> Any:
    raise AssertionError
