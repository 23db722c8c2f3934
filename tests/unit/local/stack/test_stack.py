"""What a stack refuses before it starts anything; the rest is shown end to end."""

import stat
from pathlib import Path

import pytest

from services.local.errors import DirectoryUnusableError
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


async def test_nobody_else_may_look_into_the_directory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    async with directory_lock(state, timeout=1):
        with pytest.raises(DirectoryUnusableError):
            await Stack(StackPlan(state, Ports.free())).start()
    assert stat.S_IMODE(state.stat().st_mode) & 0o066 == 0


async def test_stopping_what_was_never_started_is_nothing(tmp_path: Path) -> None:
    await Stack(StackPlan(tmp_path, Ports.free())).stop()
