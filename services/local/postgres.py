"""A Postgres server as a child of this process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from services.local import binaries
from services.local.account import Account, candidate_accounts, choose_account
from services.local.cluster import SUPERUSER, Cluster
from services.local.databases import Databases
from services.local.lock import directory_lock
from services.local.ports import LOOPBACK, start_on_port
from services.local.process import Process

StopMode = Literal["fast", "immediate"]

_STOP_SIGNALS: dict[StopMode, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_MAINTENANCE_DATABASE = "postgres"

# Crash recovery is part of a start.
_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 30.0
_LOCK_TIMEOUT_S = 10.0
_POLL_INTERVAL_S = 0.005

# No Unix socket: its path may be 107 bytes long at most, which a data directory easily exceeds.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Commits still reach the operating system: what a client was told outlives the server, though not the machine.
_THROW_AWAY_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class LocalPostgres:
    """Postgres on the loopback interface, its files in `data_dir`, its superuser's password random and kept there.

    `port` None means a free one, chosen at the first start and kept for all later ones. `durable` False gives up
    what protects against a crash of the machine (not of the process) for speed: for tests only. `accounts` are the
    ways to run it as somebody else than root, best first.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        bin_dir: Path | None = None,
        accounts: Sequence[Account] | None = None,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._cluster = Cluster(self._data_dir)
        self._port = port
        self._durable = durable
        self._bin_dir = bin_dir
        self._accounts = accounts
        self._process: Process | None = None

    @property
    def port(self) -> int:
        """The TCP port, in use since the first start."""
        if self._port is None:
            raise RuntimeError("the port is chosen by start()")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster, None while the server is down."""
        return self._process.pid if self._process else None

    def dsn(self, database: str = _MAINTENANCE_DATABASE) -> str:
        """The superuser's address of `database`: `postgresql://user:password@127.0.0.1:port/database`."""
        password = quote(self._cluster.password(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"

    async def start(self) -> None:
        """Start the server, with new files if it has none, and return once it accepts connections.

        Nothing happens if it is up. Raises ServerUnavailableError, DirectoryUnusableError, PortInUseError or
        StartError.
        """
        if self._process is not None and self._process.returncode is None:
            return
        bin_dir = self._bin_dir or binaries.postgres_directory()
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # The account that stands in for root has to get through to the files, which stay private.
            self._data_dir.chmod(0o711)
        async with directory_lock(self._data_dir, timeout=_LOCK_TIMEOUT_S) as lock:
            accounts = candidate_accounts() if self._accounts is None else self._accounts
            account = await choose_account(accounts, postgres=bin_dir / "postgres", directory=self._data_dir)
            await self._cluster.prepare(account, bin_dir, durable=self._durable, lock=lock)
            self._port = await start_on_port(partial(self._spawn, account, bin_dir, lock), self._port)

    async def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server: `fast` disconnects clients and shuts down in order, `immediate` leaves it to recovery."""
        if self._process is not None:
            await self._process.stop(_STOP_SIGNALS[mode], grace=_STOP_GRACE_S)
            await self._until_gone()

    async def kill(self) -> None:
        """End all processes of the server at once (SIGKILL), as a loss of power would."""
        if self._process is not None:
            backends = _children(self._process.pid)
            await self._process.kill()
            for pid in backends:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await self._until_gone()

    async def ended(self) -> str:
        """Wait, without a deadline, until the running server ends; returns how it did, with its last log lines."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        process = self._process
        await process.wait()
        return process.describe_end()

    async def restart(self, mode: StopMode = "fast") -> None:
        """Stop, then start on the same port with the same databases."""
        await self.stop(mode)
        await self.start()

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template`; see `Databases.create`."""
        await self._databases().create(name, template)

    async def ensure_database(self, name: str) -> None:
        """Create an empty database unless it exists."""
        await self._databases().ensure(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database if it exists, disconnecting whoever uses it."""
        await self._databases().drop(name)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _spawn(self, account: Account, bin_dir: Path, lock: int, port: int) -> None:
        settings = {**_SETTINGS, **({} if self._durable else _THROW_AWAY_SETTINGS), "port": str(port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        process = await Process.spawn(
            "postgres",
            [bin_dir / "postgres", "-D", self._cluster.path, *options],
            log_path=self._data_dir / "postgres.log",
            env={"LC_ALL": "C", "PATH": os.defpath},
            prefix=account.prefix,
            death_signal=_STOP_SIGNALS["fast"],
            pass_fds=(lock,),
        )
        is_ready = partial(self._is_ready, process.pid)
        await process.until_serving(is_ready, "Postgres", port, timeout=_START_TIMEOUT_S, interval=_POLL_INTERVAL_S)
        self._process = process

    async def _is_ready(self, pid: int) -> bool:
        return self._cluster.is_ready(pid)

    async def _until_gone(self) -> None:
        self._process = None
        async with directory_lock(self._data_dir, timeout=_LOCK_TIMEOUT_S):
            pass

    def _databases(self) -> Databases:
        return Databases(self.dsn(), copy_files=not self._durable)


def _children(pid: int) -> list[int]:
    """Process ids of the children of `pid`, so far as the kernel tells (Linux)."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
