import asyncio
import socket
from collections.abc import Sequence

import pytest

from services.router.upstream.names import Address, Names

ONE, TWO = Address(socket.AF_INET, ("192.0.2.1", 80)), Address(socket.AF_INET, ("192.0.2.2", 80))
SIX, SEVEN = Address(socket.AF_INET6, ("2001:db8::6", 80, 0, 0)), Address(socket.AF_INET6, ("2001:db8::7", 80, 0, 0))


class Directory:
    """A resolver that answers when it is told to."""

    def __init__(self, *found: Address) -> None:
        self.found: Sequence[Address] = found
        self.failure: OSError | None = None
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return self.found


async def test_address_families_take_turns() -> None:
    names = Names(Directory(SIX, SEVEN, ONE, TWO))
    assert await names.addresses("example.com", 80) == [SIX, ONE, SEVEN, TWO]
    assert await Names(Directory(ONE, SIX, SEVEN)).addresses("example.com", 80) == [ONE, SIX, SEVEN]


async def test_a_name_is_known_for_a_while() -> None:
    directory = Directory(ONE)
    names = Names(directory)
    for _ in range(3):
        assert await names.addresses("example.com", 80) == [ONE]
    assert directory.asked == 1
    await names.addresses("example.com", 81)
    await names.addresses("example.org", 80)
    assert directory.asked == 3


async def test_for_no_while_where_none_is_asked_for() -> None:
    directory = Directory(ONE)
    names = Names(directory, seconds=0)
    for _ in range(3):
        assert await names.addresses("example.com", 80) == [ONE]
    assert directory.asked == 3


async def test_a_forgotten_name_is_looked_up_again() -> None:
    directory = Directory(ONE)
    names = Names(directory)
    await names.addresses("example.com", 80)
    names.forget("example.com", 80)
    names.forget("example.org", 80)
    directory.found = (TWO,)
    assert await names.addresses("example.com", 80) == [TWO]


async def test_a_name_asked_for_many_times_at_once_is_looked_up_once() -> None:
    directory = Directory(ONE)
    directory.may_answer.clear()
    names = Names(directory)
    asking = [asyncio.create_task(names.addresses("example.com", 80)) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    directory.may_answer.set()
    assert await asyncio.gather(*asking[1:]) == [[ONE]] * 9
    assert asking[0].cancelled()
    assert directory.asked == 1


async def test_a_failure_reaches_everyone_and_is_not_remembered() -> None:
    directory = Directory(ONE)
    directory.failure = socket.gaierror("no such name")
    names = Names(directory)
    outcomes = await asyncio.gather(*(names.addresses("example.com", 80) for _ in range(3)), return_exceptions=True)
    assert outcomes == [directory.failure] * 3
    directory.failure = None
    assert await names.addresses("example.com", 80) == [ONE]


async def test_a_name_without_an_address_is_a_failure() -> None:
    with pytest.raises(OSError, match="no address"):
        await Names(Directory()).addresses("example.com", 80)


async def test_closing_ends_lookups_without_cancelling_who_waits() -> None:
    directory = Directory(ONE)
    directory.may_answer.clear()
    names = Names(directory)
    asking = asyncio.create_task(names.addresses("example.com", 80))
    await asyncio.sleep(0)
    await names.close()
    with pytest.raises(ConnectionAbortedError):
        await asking


async def test_the_system_knows_this_machine() -> None:
    assert Address(socket.AF_INET, ("127.0.0.1", 80)) in await Names().addresses("localhost", 80)
    assert await Names().addresses("127.0.0.1", 80) == [Address(socket.AF_INET, ("127.0.0.1", 80))]
