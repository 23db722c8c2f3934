"""Bodies and tags of HTTP requests, and noticing that a client has gone."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.types import Message, Scope

from services.router.api.http import MAX_BODY_BYTES, Departure, header, read_body, tags_of
from services.runtime.errors import BodyTooLarge, CallerGone, InvalidField, MalformedBody

GONE: Message = {"type": "http.disconnect"}
MEBIBYTE = bytes(1024 * 1024)


def scope(**headers: str) -> Scope:
    return {"headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]}


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """What a client sends, then silence. `taken` counts the messages that were asked for."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = iter(messages)
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += 1
        message = next(self._messages, None)
        if message is None:
            await asyncio.Event().wait()
            raise AssertionError("silence ends only by cancellation")
        return message


async def test_a_body_in_one_piece_or_several_is_whole() -> None:
    assert await read_body(scope(), Client([part(b"{}")])) == b"{}"
    pieces = [part(b'{"a', more=True), part(b"", more=True), part(b'":1', more=True), part(b"}")]
    assert await read_body(scope(), Client(pieces)) == b'{"a":1}'
    assert await read_body(scope(), Client([part(b"")])) == b""


async def test_a_body_that_announces_too_much_is_not_read() -> None:
    client = Client([part(b"{}")])
    with pytest.raises(BodyTooLarge) as caught:
        await read_body(scope(content_length="52428800"), client)
    assert caught.value.metadata == {"size": "52428800", "allowed": f"at most {MAX_BODY_BYTES} bytes"}
    assert client.taken == 0


async def test_a_body_that_announces_nothing_is_read_no_further_than_allowed() -> None:
    client = Client(part(MEBIBYTE, more=True) for _ in range(50))
    with pytest.raises(BodyTooLarge):
        await read_body(scope(), client)
    assert client.taken == 33


async def test_the_largest_body_allowed_passes() -> None:
    messages = [*(part(MEBIBYTE, more=True) for _ in range(31)), part(MEBIBYTE)]
    assert len(await read_body(scope(content_length=str(MAX_BODY_BYTES)), Client(messages))) == MAX_BODY_BYTES


@pytest.mark.parametrize("before", ((), (part(b"{", more=True),)))
async def test_a_client_that_leaves_amid_its_body_is_gone(before: tuple[Message, ...]) -> None:
    with pytest.raises(CallerGone):
        await read_body(scope(), Client([*before, GONE]))


async def test_a_body_that_never_ends_is_not_waited_for_for_ever() -> None:
    with pytest.raises(MalformedBody, match=r"0\.01 seconds"):
        await read_body(scope(), Client([part(b"{", more=True)]), seconds=0.01)


def test_a_header_is_found_by_its_name() -> None:
    assert header(scope(x_pantheon_tags="a=1"), b"x-pantheon-tags") == "a=1"
    assert header(scope(), b"x-pantheon-tags") == ""


@pytest.mark.parametrize(
    ("given", "tags"),
    (
        ("", {}),
        ("team=search&env=prod", {"team": "search", "env": "prod"}),
        ("team=", {"team": ""}),
        ("team=a%26b+c%C3%A9", {"team": "a&b cé"}),
    ),
)
def test_tags_are_form_encoded(given: str, tags: dict[str, str]) -> None:
    assert tags_of(scope(x_pantheon_tags=given)) == tags


@pytest.mark.parametrize("given", ("team", "team=a&", "&", "team=%00", "=a", "&".join(f"t{n}=1" for n in range(17))))
def test_malformed_tags_are_refused(given: str) -> None:
    with pytest.raises(InvalidField) as caught:
        tags_of(scope(x_pantheon_tags=given))
    assert "tags" in caught.value.metadata["field"]


async def served(client: Client, *, watch: bool) -> bool:
    """Serves a request that never ends by itself; whether it ended because the client left."""
    with Departure(client) as departure:
        if watch:
            departure.watch()
        await asyncio.Event().wait()
    return departure.left


async def test_a_request_whose_client_leaves_is_cancelled_and_that_is_no_error() -> None:
    async with asyncio.timeout(5):
        assert await served(Client([GONE]), watch=True)


async def test_nothing_is_taken_from_the_client_before_watching_begins() -> None:
    client = Client([part(b"for the body's reader"), GONE])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await served(client, watch=False)
    assert client.taken == 0


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    task = asyncio.create_task(served(Client([]), watch=True))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_quick_request_is_never_watched() -> None:
    client = Client([GONE])
    with Departure(client) as departure:
        departure.watch()
    assert client.taken == 0
    assert not departure.left
