"""Signals to stop, as something to wait for."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def heeding_signals() -> Iterator[asyncio.Event]:
    """An event that every signal to stop sets, inside the block. A signal that is ignored already stays so."""
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, signalled.set)
    try:
        yield signalled
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


async def unless(signalled: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What `work` returns; None when a signal comes first, or came before: it is cancelled then."""
    task = asyncio.create_task(work)
    waiting = asyncio.create_task(signalled.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        signalled.clear()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return None
    return await task
