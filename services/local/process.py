"""One child process: a session of its own, its output in a file, and no way to outlive what started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Self

from services.local.errors import PortInUseError, StartError

_TAIL_BYTES = 16_384


class Process:
    """A running child process and the file its output goes to.

    The child leads a session of its own, so that Ctrl-C at the terminal reaches only its parent, which stops the
    children in order. On Linux the kernel signals the child when the thread that spawned it ends, however it ends.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log_path: Path, log_offset: int) -> None:
        self.name = name
        self.log_path = log_path
        self._process = process
        self._log_offset = log_offset

    @classmethod
    async def spawn(
        cls,
        name: str,
        argv: Sequence[str | Path],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        death_signal: signal.Signals = signal.SIGTERM,
        pass_fds: Sequence[int] = (),
    ) -> Self:
        """Start `argv`, behind the command `prefix`, with output appended to `log_path`.

        `env` is the whole environment (None: that of this process); `death_signal` is what the child receives when
        its parent dies; `pass_fds` stay open in the child. Raises StartError if the command cannot be executed.
        """
        log_path.parent.mkdir(parents=True, exist_ok=True)
        command = [*prefix, *_dying_with_parent(argv, death_signal)]
        with _open_log(log_path) as log:
            log_offset = log.tell()
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    env=env,
                    start_new_session=True,
                    pass_fds=tuple(pass_fds),
                )
            except OSError as error:
                raise StartError(f"{name} cannot be started: {error}") from error
        return cls(name, process, log_path, log_offset)

    @property
    def pid(self) -> int:
        """Process id, also of its session and process group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code; minus the signal number if a signal ended it; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait, without a deadline, for the process to end, and return its exit code."""
        return await self._process.wait()

    async def finish(self, *, timeout: float) -> int:
        """Wait for a process that ends by itself; after `timeout` seconds, or if cancelled, SIGKILL its group."""
        try:
            return await asyncio.wait_for(self.wait(), timeout)
        except TimeoutError:
            return await self.kill()
        except asyncio.CancelledError:
            self._signal_group(signal.SIGKILL)
            raise

    async def stop(self, stop_signal: signal.Signals = signal.SIGTERM, *, grace: float) -> int:
        """Signal the process, give it `grace` seconds, then SIGKILL its whole group; returns the exit code."""
        self.send_signal(stop_signal)
        return await self.finish(timeout=grace)

    async def kill(self) -> int:
        """SIGKILL the process and its group; returns the exit code."""
        self._signal_group(signal.SIGKILL)
        return await self.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; nothing happens if it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines this process has written since it was started."""
        with self.log_path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_offset, end - _TAIL_BYTES))
            written = log.read().decode(errors="replace").splitlines()
        return "\n".join(written[-lines:])

    def describe_end(self) -> str:
        """How the process ended, with its last log lines; for people. Raises RuntimeError while it runs."""
        if self.returncode is None:
            raise RuntimeError(f"{self.name} has not ended")
        return self._report(describe_exit(self.returncode))

    async def until_ready(self, is_ready: Callable[[], Awaitable[bool]], *, timeout: float, interval: float) -> None:
        """Poll `is_ready` every `interval` seconds until it holds.

        Raises StartError, with the last log lines, when the process ends first or `timeout` seconds pass; in the
        latter case the process still runs.
        """
        try:
            async with asyncio.timeout(timeout):
                while self.returncode is None:
                    if await is_ready():
                        return
                    await asyncio.sleep(interval)
        except TimeoutError:
            raise StartError(self._report(f"was not ready within {timeout:g} s")) from None
        raise StartError(self._report(f"{describe_exit(self.returncode)} before it was ready"))

    async def until_serving(
        self, is_ready: Callable[[], Awaitable[bool]], server: str, port: int, *, timeout: float, interval: float
    ) -> None:
        """As `until_ready`, for a server that listens on a port; it is killed when it does not come up.

        Raises PortInUseError when its log says that the port is taken, else StartError.
        """
        try:
            await self.until_ready(is_ready, timeout=timeout, interval=interval)
        except StartError as error:
            await self.kill()
            if "address already in use" in self.log_tail().lower():
                raise PortInUseError(f"{server} cannot listen on port {port}: another process does") from error
            raise
        except BaseException:
            await self.kill()
            raise

    def _report(self, what: str) -> str:
        tail = self.log_tail() or "(no output)"
        return f"{self.name} {what}; its last lines in {self.log_path}:\n{tail}"

    def _signal_group(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def describe_exit(returncode: int) -> str:
    """An exit code in words: `ended with exit code 3`, `was ended by SIGKILL`."""
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def _open_log(path: Path) -> BinaryIO:
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _dying_with_parent(argv: Sequence[str | Path], death_signal: signal.Signals) -> list[str]:
    """`argv` behind setpriv (util-linux), which asks the kernel for a signal at the parent's death, then execs.

    Code run between fork and exec (`preexec_fn`) could do the same but may deadlock in a process with threads.
    Elsewhere than on Linux the child is stopped only by its parent's own clean-up.
    """
    command = [str(part) for part in argv]
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return command
    return [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), "--", *command]
