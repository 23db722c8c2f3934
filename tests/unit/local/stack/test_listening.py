import socket
from dataclasses import astuple, replace

import pytest

from services.local.errors import PortInUseError
from services.local.ports import LOOPBACK
from services.local.stack import PORT_VARIABLES, Ports


def test_the_defaults_are_the_documented_ones() -> None:
    assert astuple(Ports()) == (3000, 8080, 50051, 50052, 50053, 50054, 8099)


def test_every_door_has_a_variable() -> None:
    assert PORT_VARIABLES["http"] == "PANTHEON_HTTP_PORT"
    assert len(PORT_VARIABLES) == len(astuple(Ports()))


def test_free_ports_are_distinct_and_free() -> None:
    ports = Ports.free()
    assert len(set(astuple(ports))) == len(astuple(ports))
    ports.check_free()


def test_a_taken_port_is_named_with_its_variable_unless_it_is_not_needed() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = replace(Ports.free(), sandbox=port)
        with pytest.raises(PortInUseError, match=rf"port {port} is taken.*PANTHEON_SANDBOX_PORT"):
            ports.check_free()
        ports.check_free(without=frozenset({"sandbox"}))
