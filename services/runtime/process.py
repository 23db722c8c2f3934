"""The life of a process: parts are started in order, SIGTERM drains them in reverse, a failed task ends it."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Protocol, Self

import uvloop

from services.runtime import logging
from services.runtime.http import HttpServer
from services.runtime.ops import ops_app
from services.runtime.settings import ServiceSettings, host_and_port
from services.runtime.tasks import Tasks, end


class Serving(Protocol):
    """A server of any protocol."""

    async def start(self) -> None:
        """Binds its port and serves."""

    async def stop(self, grace: float) -> None:
        """Takes nothing new and gives what runs `grace` seconds."""


class Process:
    """One process of Pantheon; an async context manager.

    What is registered first is closed last. Ready means: started, not draining, and every check of `ready_when` true.
    Told to stop while it still starts (it may be waiting for a database), it closes what it has and leaves in peace.
    """

    def __init__(self, settings: ServiceSettings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.tasks = Tasks()
        self._stack = AsyncExitStack()
        self._checks: dict[str, Callable[[], bool]] = {}
        self._servers: list[Serving] = []
        self._stopping = asyncio.Event()
        self._started = False
        self._starting: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._starting = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        host, port = host_and_port(self.settings.ops_listen, "PANTHEON_OPS_LISTEN")
        ops = HttpServer(ops_app(self._readiness), host, port, name="ops")
        await ops.start()
        self._stack.push_async_callback(ops.stop, 1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        stopped_early = kind is asyncio.CancelledError and self._stopping.is_set() and not self._started
        if stopped_early and self._starting is not None:
            self._starting.uncancel()
        await self._stack.aclose()
        if stopped_early:
            logging.get_logger().info("process.stopped_before_it_started")
        return stopped_early

    def on_stop(self, close: Callable[[], Awaitable[Any]]) -> None:
        """Runs `close` when the process stops, before everything registered earlier is closed."""
        self._stack.push_async_callback(close)

    def run_task(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Runs `work` in the background until the process stops; should it fail, the process stops."""
        task = self.tasks.start(name, work)
        self._stack.push_async_callback(end, [task])

    async def serve(self, server: Serving) -> None:
        """Starts a server. All servers are stopped together, with the drain's grace, before all registered so far."""
        await server.start()
        if not self._servers:
            self._stack.push_async_callback(self._stop_servers)
        self._servers.append(server)

    def ready_when(self, name: str, check: Callable[[], bool]) -> None:
        """Adds a condition to /readyz. It must not wait."""
        self._checks[name] = check

    async def run(self) -> None:
        """Serves until SIGTERM, SIGINT or the failure of a task.

        Raises:
            SystemExit: a task failed; the log says which.
        """
        log = logging.get_logger()
        # What starting made stays for good: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        self._started = True
        log.info("process.started")
        failed = asyncio.create_task(self.tasks.failed.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({failed, stopping}, return_when=asyncio.FIRST_COMPLETED)
        failed.cancel()
        stopping.cancel()
        self._stopping.set()
        log.info("process.draining")
        await self._stack.aclose()
        log.info("process.stopped")
        if self.tasks.failed.is_set():
            sys.exit(1)

    def _stop(self) -> None:
        self._stopping.set()
        if not self._started and self._starting is not None:
            self._starting.cancel()

    async def _stop_servers(self) -> None:
        await asyncio.gather(*(server.stop(self.settings.drain_seconds) for server in self._servers))

    def _readiness(self) -> dict[str, bool]:
        checks = {name: check() for name, check in self._checks.items()}
        return {"started": self._started, "not draining": not self._stopping.is_set(), **checks}


def run(serve: Callable[[], Coroutine[Any, Any, None]], settings: ServiceSettings, name: str) -> None:
    """Sets up logging and runs a process's main coroutine on uvloop."""
    logging.configure(name, settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
        # What is to be closed has been closed. A server that has not noticed that a client has gone is not waited for.
        sys.stderr.flush()
        os._exit(0)
