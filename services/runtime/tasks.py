"""Background tasks with an owner: each has a name, none dies unseen, all end with their group."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from services.runtime.logging import get_logger
from services.runtime.telemetry import TASK_FAILURES

_CANCEL_AGAIN_SECONDS = 3.0  # longer than anything takes to clean up


class Tasks:
    """The tasks of one process or component. A task that fails is logged and sets `failed`, which stops the process."""

    def __init__(self) -> None:
        self.failed = asyncio.Event()
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs `work` until it ends or the group is closed."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def join(self) -> None:
        """Waits for all that run, and for what they start; for groups whose tasks end by themselves."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Cancels what still runs and waits for it."""
        await end(self._running)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            get_logger().error("task.failed", task=task.get_name(), exc_info=failure)
            TASK_FAILURES.labels(task.get_name()).inc()
            self.failed.set()


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks until they have ended, which takes more than once where a cancellation is lost.

    `asyncio.wait_for` of Python 3.11, with which libraries wait, loses one that comes together with what it waits for
    (python/cpython#86296).
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN_SECONDS)
