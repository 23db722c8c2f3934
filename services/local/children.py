"""Services as child processes: started together, watched, stopped in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2 as httpx

from services.local.errors import StartError
from services.local.process import Process

START_TIMEOUT_S = 30.0
STOP_GRACE_S = 30.0

_POLL_INTERVAL_S = 0.05
_REQUEST_TIMEOUT_S = 2.0


class Child:
    """One service process, which may be started again after it has ended.

    `env` is its whole environment. With `ready_url` it counts as started once a GET of that address answers 200
    (each service's `/readyz`); without, as soon as it runs.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log_path: Path,
        ready_url: str | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._argv = tuple(argv)
        self._env = dict(env)
        self._ready_url = ready_url
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None before the first start; that of the ended process after its end."""
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """Exit code of the last run, minus the signal number if a signal ended it; None while running."""
        return self._process.returncode if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is there, ready or not."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *, timeout: float = START_TIMEOUT_S) -> None:
        """Start the process and return once it is ready; nothing happens if it runs.

        Raises StartError, with its last log lines, when it ends first or is not ready within `timeout` seconds;
        no process is left then.
        """
        if self.running:
            return
        process = await Process.spawn(self.name, self._argv, env=self._env, log_path=self.log_path)
        self._process = process
        try:
            if self._ready_url is not None:
                await self._until_ready(process, self._ready_url, timeout)
        except BaseException:
            await process.kill()
            raise

    async def stop(self, *, grace: float = STOP_GRACE_S) -> int | None:
        """SIGTERM, wait `grace` seconds, then SIGKILL; returns the exit code, None if it was never started."""
        if self._process is None:
            return None
        return await self._process.stop(signal.SIGTERM, grace=grace)

    async def kill(self) -> int | None:
        """SIGKILL, as a crash; returns the exit code, None if it was never started."""
        return await self._process.kill() if self._process else None

    async def wait(self) -> int:
        """Wait, without a deadline, for the process to end; returns the exit code."""
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return await self._process.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines the current or last run has written."""
        return self._process.log_tail(lines) if self._process else ""

    def describe_end(self) -> str:
        """How the last run ended, with its last log lines; for people."""
        return self._process.describe_end() if self._process and not self.running else f"{self.name} has not ended"

    async def _until_ready(self, process: Process, url: str, timeout: float) -> None:
        # Proxy settings of the environment are not for the loopback interface.
        async with httpx.AsyncClient(trust_env=False, timeout=_REQUEST_TIMEOUT_S) as client:

            async def answers() -> bool:
                try:
                    response = await client.get(url)
                except httpx.TransportError:
                    return False
                return response.status_code == httpx.codes.OK

            await process.until_ready(answers, timeout=timeout, interval=_POLL_INTERVAL_S)


class Children:
    """The children of one stack, in the order they were started."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def start(self, *children: Child, timeout: float = START_TIMEOUT_S) -> None:
        """Start several children at once and return when all are ready.

        Raises StartError when one fails; the others of this call are killed, those of earlier calls go on.
        """
        try:
            await _start_together(children, timeout)
        except BaseException:
            await _kill_all(children)
            raise
        self._children.extend(children)

    async def stop(self, *, grace: float = STOP_GRACE_S) -> None:
        """Stop all children, the last started first, each with `grace` seconds to drain; if cancelled, kill them."""
        try:
            while self._children:
                await self._children[-1].stop(grace=grace)
                self._children.pop()
        except BaseException:
            await _kill_all(self._children)
            raise

    async def first_ended(self) -> Child:
        """Wait, without a deadline, until any child ends by itself or by a signal, and return it.

        Raises ValueError when there is no child to wait for.
        """
        waiting = {asyncio.create_task(child.wait(), name=f"wait {child.name}"): child for child in self._children}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return waiting[done.pop()]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _start_together(children: Sequence[Child], timeout: float) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(child.start(timeout=timeout), name=f"start {child.name}")
    except ExceptionGroup as failures:
        # Not `except*`: what is raised in one is itself in a group before Python 3.11.4.
        if failures.split(StartError)[1] is not None:
            raise
        raise StartError("\n".join(str(error) for error in failures.exceptions)) from None


async def _kill_all(children: Sequence[Child]) -> None:
    await asyncio.gather(*(child.kill() for child in children))
