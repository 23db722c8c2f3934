"""A deadline around some waiting, for paths that every request takes."""

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """`asyncio.timeout` at a third of its cost, which lies in finding the loop and the task again and again.

    Entered in a task of `loop`; what is inside is cancelled at `when` (loop time), and TimeoutError raised.
    """

    __slots__ = ("_cancelled_before", "_loop", "_task", "_timer", "_when", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        self.expired = False
        """Whether it was the deadline that ended what is inside."""
        self._loop = loop
        self._when = when

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task = task
        self._cancelled_before = task.cancelling()
        self._timer = self._loop.call_at(self._when, self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if not self.expired:
            return
        # Somebody else may have cancelled the task as well: then it is theirs.
        if self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()
