import socket

import pytest

from services.local.errors import PortInUseError
from services.local.ports import LOOPBACK, RANGE_VARIABLE, free_port, free_ports, is_free, start_on_port


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, free_port()))
        server.listen()


def test_several_free_ports_are_distinct() -> None:
    assert len(set(free_ports(50))) == 50


def test_ports_are_chosen_from_the_range_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RANGE_VARIABLE, "16000-16099")
    assert all(16_000 <= port <= 16_099 for port in free_ports(20))


@pytest.mark.parametrize("named", ("16000", "a-b", "2-1", "0-5", "1-65536", "-"))
def test_a_range_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(RANGE_VARIABLE, named)
    with pytest.raises(ValueError, match="PANTHEON_FREE_PORTS="):
        free_port()


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


async def test_a_chosen_port_lost_to_another_process_is_replaced() -> None:
    tried: list[int] = []

    async def start(port: int) -> None:
        tried.append(port)
        if len(tried) < 3:
            raise PortInUseError(f"port {port} is taken")

    assert await start_on_port(start, None) == tried[-1]
    assert len(tried) == 3


async def test_a_port_asked_for_is_never_replaced() -> None:
    tried: list[int] = []

    async def start(port: int) -> None:
        tried.append(port)
        raise PortInUseError(f"port {port} is taken")

    with pytest.raises(PortInUseError, match="port 4222 is taken"):
        await start_on_port(start, 4222)
    assert tried == [4222]


async def test_bad_luck_with_ports_has_an_end() -> None:
    async def start(port: int) -> None:
        raise PortInUseError(f"port {port} is taken")

    with pytest.raises(PortInUseError):
        await start_on_port(start, None)
