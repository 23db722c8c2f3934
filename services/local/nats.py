"""A NATS server with JetStream as a child of this process."""

from __future__ import annotations

import json
import secrets
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from services.local import binaries
from services.local.lock import directory_lock
from services.local.ports import LOOPBACK, start_on_port
from services.local.private import write_private
from services.local.process import Process

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024

_START_TIMEOUT_S = 10.0
_STOP_GRACE_S = 10.0
_LOCK_TIMEOUT_S = 5.0
_POLL_INTERVAL_S = 0.002


class LocalNats:
    """nats-server on the loopback interface, its streams kept in `data_dir`, and there the token it asks clients for.

    `port` None means a free one, chosen at the first start and kept for all later ones, so that clients find the
    server again after `kill` and `start`.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self._port = port
        self._process: Process | None = None

    @property
    def port(self) -> int:
        """The client port, in use since the first start."""
        if self._port is None:
            raise RuntimeError("the port is chosen by start()")
        return self._port

    @property
    def url(self) -> str:
        """What clients connect to, secret for the token in it: `nats://<token>@127.0.0.1:<port>`."""
        address = f"{LOOPBACK}:{self.port}"
        return f"nats://{self._token()}@{address}"

    @property
    def pid(self) -> int | None:
        """Process id, None while the server is down."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the server and return once it accepts connections; nothing happens if it is up.

        Raises ServerUnavailableError, DirectoryUnusableError, PortInUseError or StartError.
        """
        if self._process is not None and self._process.returncode is None:
            return
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with directory_lock(self._data_dir, timeout=_LOCK_TIMEOUT_S) as lock:
            self._port = await start_on_port(partial(self._spawn, lock), self._port)

    async def stop(self) -> None:
        """Shut down in order; after 10 s by SIGKILL."""
        if self._process is not None:
            await self._process.stop(grace=_STOP_GRACE_S)
            self._process = None

    async def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        if self._process is not None:
            await self._process.kill()
            self._process = None

    async def ended(self) -> str:
        """Wait, without a deadline, until the running server ends; returns how it did, with its last log lines."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        process = self._process
        await process.wait()
        return process.describe_end()

    async def restart(self) -> None:
        """Stop, then start on the same port with the same streams."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _spawn(self, lock: int, port: int) -> None:
        for stale in self._data_dir.glob("*.ports"):
            stale.unlink()
        config = self._data_dir / "nats.conf"
        write_private(config, self._render_config(port))
        process = await Process.spawn(
            "nats-server",
            [binaries.nats_server(), "--config", config],
            log_path=self._data_dir / "nats.log",
            pass_fds=(lock,),
        )
        is_ready = partial(self._is_listening, process.pid)
        await process.until_serving(is_ready, "nats-server", port, timeout=_START_TIMEOUT_S, interval=_POLL_INTERVAL_S)
        self._process = process

    def _render_config(self, port: int) -> str:
        # JSON's strings are strings of the NATS configuration format too, whatever the path contains.
        directory, store = json.dumps(str(self._data_dir)), json.dumps(str(self._data_dir / "jetstream"))
        return (
            f"host: {LOOPBACK}\nport: {port}\nmax_payload: {MAX_PAYLOAD_BYTES}\n"
            f"ports_file_dir: {directory}\njetstream {{ store_dir: {store} }}\n"
            f"authorization {{ {self._render_clients()} }}\n"
        )

    def _render_clients(self) -> str:
        return f"token: {json.dumps(self._token())}"

    def _token(self) -> str:
        """192 random bits, made at the first call: without them any process of this machine could forge events."""
        path = self._data_dir / "token"
        if not path.exists():
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    async def _is_listening(self, pid: int) -> bool:
        # The server writes its ports file once it listens: connecting any earlier costs a client its retry delay.
        return (self._data_dir / f"nats-server_{pid}.ports").exists()
