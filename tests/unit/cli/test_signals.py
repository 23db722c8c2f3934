import asyncio
import os
import signal

import pytest

from services.cli.signals import heeding_signals, unless


async def forever(cleaned_up: asyncio.Event) -> str:
    try:
        await asyncio.Event().wait()
    finally:
        cleaned_up.set()
    return "never"


async def soon() -> str:
    await asyncio.sleep(0)
    return "done"


async def test_work_that_ends_gives_its_result() -> None:
    assert await unless(asyncio.Event(), soon()) == "done"


async def test_a_signal_cancels_and_waits_for_the_clean_up() -> None:
    signalled, cleaned_up = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().call_soon(signalled.set)
    assert await asyncio.wait_for(unless(signalled, forever(cleaned_up)), 5) is None
    assert cleaned_up.is_set()


async def test_a_signal_counts_once() -> None:
    signalled = asyncio.Event()
    signalled.set()
    assert await unless(signalled, forever(asyncio.Event())) is None
    assert await unless(signalled, soon()) == "done"


async def test_what_goes_wrong_is_raised() -> None:
    async def wrong() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await unless(asyncio.Event(), wrong())


async def test_signals_of_the_process_are_heeded_inside_the_block_only() -> None:
    # nohup and background shells have their children ignore some signals; those that are ignored stay so.
    found = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with heeding_signals() as signalled:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.wait_for(signalled.wait(), 5)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, found)
