"""A running stack."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from services.local.children import Child
from services.local.errors import DirectoryUnusableError, LocalError, StartError
from services.local.lock import directory_lock
from services.local.nats import LocalNats
from services.local.ports import LOOPBACK, free_ports
from services.local.postgres import LocalPostgres
from services.local.process import Process
from services.local.stack.plan import SIGNING_SERVICES, WITH_DATABASE, StackPlan
from services.local.stack.secrets import Secrets, load_or_make_secrets
from services.runtime import identity

Report = Callable[[str, Literal["ready", "stopped"]], None]
"""Called with the name of a part and what has become of it."""

DATABASE = "pantheon"

_LOCK_TIMEOUT_S = 1.0
_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 30.0
_STOP_ORDER = (("edge",), ("router",), ("usage", "catalog", "auth", "sandbox"))
"""The router before what its journal drains into; the rest needs nobody any more."""


class Stack:
    """All processes of a plan. Enter it, or call `start` and `stop`; a part that fails to start stops all others.

    `nats` and `postgres` are the embedded servers, None where the plan names others; `services` are the processes
    by name, for who wants to restart or kill one.
    """

    def __init__(self, plan: StackPlan, report: Report | None = None) -> None:
        self.plan = plan
        self.nats = None if plan.nats_url else LocalNats(plan.state / "nats")
        self.postgres = None if plan.database_url else LocalPostgres(plan.state / "postgres", durable=plan.durable)
        self.services: dict[str, Child] = {}
        self._report = report or _tell_nobody
        self._lock = AsyncExitStack()

    @property
    def nats_url(self) -> str:
        """Where NATS is, with what it asks clients for, once started."""
        return self.nats.url if self.nats else self.plan.nats_url

    @property
    def database_url(self) -> str:
        """The database of all services, once started."""
        return self.postgres.dsn(DATABASE) if self.postgres else self.plan.database_url

    async def start(self) -> None:
        """Starts everything and returns when all of it is ready.

        Raises LocalError: the directory is in use, a port is taken, or a part did not start; nothing is left running.
        """
        plan = self.plan
        _private_directory(plan.state)
        await self._lock.enter_async_context(directory_lock(plan.state, timeout=_LOCK_TIMEOUT_S))
        try:
            plan.ports.check_free(without=frozenset() if plan.sandbox else frozenset({"sandbox"}))
            secrets = plan.secrets.over(load_or_make_secrets(plan.state / "secrets.json"))
            identity.generate(plan.service_keys, SIGNING_SERVICES)
            await self._start_parts(secrets)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Drains and stops everything, last what others wait for; if cancelled, kills what is left."""
        try:
            for group in _STOP_ORDER:
                await asyncio.gather(*(self._stop_service(name) for name in group if name in self.services))
            await asyncio.gather(self._stop_nats(), self._stop_postgres())
        except BaseException:
            await self.kill()
            raise
        await self._lock.aclose()

    async def kill(self) -> None:
        """Ends everything at once, as a loss of power would."""
        await asyncio.gather(*(child.kill() for child in self.services.values()))
        await asyncio.gather(*(server.kill() for server in (self.nats, self.postgres) if server))
        await self._lock.aclose()

    async def failure(self) -> str:
        """Waits, without a deadline, until a part ends that nobody stopped; says how it ended, with its last lines."""
        parts = [part for part in (self.nats, self.postgres) if part]
        waiting = [asyncio.create_task(part.ended(), name="wait for a server") for part in parts]
        waiting += [asyncio.create_task(_ended(child), name=f"wait {child.name}") for child in self.services.values()]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_parts(self, secrets: Secrets) -> None:
        if self.nats is not None:
            await self.nats.start()
            self._report("nats", "ready")
        ops_ports = dict(zip(self.plan.services, free_ports(len(self.plan.services)), strict=True))
        try:
            async with asyncio.TaskGroup() as group:
                # What needs no database uses the other processors while Postgres starts.
                for name in (name for name in self.plan.services if name not in WITH_DATABASE):
                    group.create_task(self._start_service(name, ops_ports[name], secrets))
                await self._start_postgres()
                for name in (name for name in self.plan.services if name in WITH_DATABASE):
                    group.create_task(self._start_service(name, ops_ports[name], secrets))
                if not self.plan.credentials.exists():
                    group.create_task(self._make_first_user(secrets))
        except ExceptionGroup as failures:
            local, other = failures.split(LocalError)
            if local is None or other is not None:
                raise
            raise _first(local) from None

    async def _start_postgres(self) -> None:
        if self.postgres is not None:
            await self.postgres.start()
            await self.postgres.ensure_database(DATABASE)
            self._report("postgres", "ready")

    async def _start_service(self, name: str, ops_port: int, secrets: Secrets) -> None:
        log = self.plan.log(name)
        _rotate(log)
        child = self.services[name] = Child(
            name,
            [sys.executable, "-m", f"services.{name}"],
            env=self._environment(name, ops_port, secrets),
            log_path=log,
            ready_url=f"http://{LOOPBACK}:{ops_port}/readyz",
        )
        await child.start(timeout=_START_TIMEOUT_S)
        self._report(name, "ready")

    async def _make_first_user(self, secrets: Secrets) -> None:
        """Makes the administrator and its credentials file; changes nothing where there are users already."""
        log = self.plan.log("bootstrap")
        _rotate(log)
        argv = [sys.executable, "-m", "services.auth.bootstrap", "--output", str(self.plan.credentials)]
        process = await Process.spawn("bootstrap", argv, log_path=log, env=self._environment("auth", 0, secrets))
        if await process.finish(timeout=_START_TIMEOUT_S) != 0:
            raise StartError(process.describe_end())

    def _environment(self, name: str, ops_port: int, secrets: Secrets) -> dict[str, str]:
        database_url = self.database_url if name in WITH_DATABASE else ""
        return self.plan.service_environment(
            name, secrets, database_url=database_url, nats_url=self.nats_url, ops_port=ops_port
        )

    async def _stop_service(self, name: str) -> None:
        await self.services[name].stop(grace=_STOP_GRACE_S)
        self._report(name, "stopped")

    async def _stop_nats(self) -> None:
        if self.nats is not None:
            await self.nats.stop()
            self._report("nats", "stopped")

    async def _stop_postgres(self) -> None:
        if self.postgres is not None:
            await self.postgres.stop()
            self._report("postgres", "stopped")


def _tell_nobody(name: str, state: Literal["ready", "stopped"]) -> None:
    """For who only wants to know when all is done."""


async def _ended(child: Child) -> str:
    await child.wait()
    return child.describe_end()


def _first(failures: ExceptionGroup[LocalError]) -> LocalError:
    """The first of them, however deep it lies: the others mostly follow from it."""
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, ExceptionGroup) else failure


def _private_directory(path: Path) -> None:
    """Makes it unless it is there; nobody else may look into it. As root others may pass through: one runs Postgres.

    One that is there is somebody's choice, maybe their home: its mode stays. Raises DirectoryUnusableError.
    """
    try:
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=True)
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise DirectoryUnusableError(f"{path} cannot be used: {error.strerror}") from error


def _rotate(log: Path) -> None:
    """Begins a new log; the one of the run before is kept beside it."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
