import asyncio
import sys
from pathlib import Path

import pytest

from services.local.errors import DirectoryUnusableError
from services.local.lock import directory_lock
from services.local.process import Process


async def test_a_directory_has_one_holder(tmp_path: Path) -> None:
    async with directory_lock(tmp_path, timeout=1.0):
        with pytest.raises(DirectoryUnusableError, match=str(tmp_path)):
            async with directory_lock(tmp_path, timeout=0.05):
                pass


async def test_a_child_that_inherits_the_lock_keeps_it_until_it_ends(tmp_path: Path) -> None:
    async with directory_lock(tmp_path, timeout=1.0) as lock:
        child = await Process.spawn(
            "holder",
            [sys.executable, "-c", "import signal; signal.pause()"],
            log_path=tmp_path / "holder.log",
            pass_fds=(lock,),
        )
    with pytest.raises(DirectoryUnusableError):
        async with directory_lock(tmp_path, timeout=0.05):
            pass
    await child.kill()
    async with directory_lock(tmp_path, timeout=5.0):
        pass


async def test_a_waiting_start_gets_the_lock_when_the_holder_leaves(tmp_path: Path) -> None:
    holding, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with directory_lock(tmp_path, timeout=1.0):
            holding.set()
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await holding.wait()
        group.create_task(hold())
        leave.set()
