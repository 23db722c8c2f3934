"""What a stack refuses before it starts anything; the rest is shown end to end."""

import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from services.local.errors import DirectoryUnusableError, PortInUseError
from services.local.lock import directory_lock
from services.local.stack import Ports, Stack, StackPlan


async def test_a_directory_in_use_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    async with directory_lock(state, timeout=1):
        with pytest.raises(DirectoryUnusableError, match="in use by another running server"):
            await Stack(StackPlan(state, Ports.free())).start()
    assert [path.name for path in state.iterdir()] == ["lock"]


async def test_a_path_that_cannot_be_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DirectoryUnusableError, match="state cannot be used"):
        await Stack(StackPlan(tmp_path / "file" / "state", Ports.free())).start()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def ports_of_which_one_is_taken() -> Iterator[Ports]:
    """With these a stack comes as far as its directory and starts nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield replace(Ports.free(), console=listener.getsockname()[1])


async def test_nobody_else_may_look_into_the_directory_it_makes(tmp_path: Path) -> None:
    state = tmp_path / "some" / "state"
    with ports_of_which_one_is_taken() as ports, pytest.raises(PortInUseError):
        await Stack(StackPlan(state, ports)).start()
    assert mode(state) & 0o066 == 0


@pytest.fixture
def open_directory(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


async def test_a_directory_that_was_there_keeps_its_mode(open_directory: Path) -> None:
    with ports_of_which_one_is_taken() as ports, pytest.raises(PortInUseError):
        await Stack(StackPlan(open_directory, ports)).start()
    assert mode(open_directory) == 0o755


async def test_stopping_what_was_never_started_is_nothing(tmp_path: Path) -> None:
    await Stack(StackPlan(tmp_path, Ports.free())).stop()
