"""The files of a local Postgres: made once by initdb, owned by the account that runs the server."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path

from services.local.account import Account
from services.local.errors import DirectoryUnusableError, StartError
from services.local.process import Process, describe_exit

SUPERUSER = "pantheon"

_INITDB_TIMEOUT_S = 120.0
# The password is 192 random bits: key stretching would only slow down each connection.
_SCRAM_ITERATIONS = 1
_STATUS_LINE = 7


class Cluster:
    """`cluster/` (what Postgres calls PGDATA) and `password` (mode 0600) inside the data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "cluster"
        self._password_path = directory / "password"
        self._pid_path = self.path / "postmaster.pid"

    def password(self) -> str:
        """The superuser's password, made by `prepare`."""
        return self._password_path.read_text()

    async def prepare(self, account: Account, bin_dir: Path, *, durable: bool, lock: int) -> None:
        """Make the files if there are none yet, see that `account` owns them, clear what a crash left behind.

        `lock` is the directory's lock: initdb inherits it. Raises StartError or DirectoryUnusableError.
        """
        if not self.path.exists():
            await self._initialise(account, bin_dir, durable=durable, lock=lock)
        elif self.path.stat().st_uid != account.uid:
            self._change_owner(account)
        self._remove_stale_pid_file()

    def is_ready(self, pid: int) -> bool:
        """Whether the server `pid` accepts connections, as it reports in `postmaster.pid` (pg_ctl asks the same)."""
        try:
            lines = self._pid_path.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == "ready"

    async def _initialise(self, account: Account, bin_dir: Path, *, durable: bool, lock: int) -> None:
        # Made aside and moved into place last: an interrupted initdb is started afresh the next time.
        staging = self.directory / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        password_path = staging / "password"
        password_path.touch(mode=0o600)
        password_path.write_text(secrets.token_urlsafe(24))
        for path in (staging, password_path):
            os.chown(path, account.uid, account.gid)
        await self._run_initdb(account, bin_dir, staging, durable=durable, lock=lock)
        os.chown(password_path, os.geteuid(), os.getegid())
        password_path.replace(self._password_path)
        (staging / "cluster").replace(self.path)
        staging.rmdir()

    async def _run_initdb(self, account: Account, bin_dir: Path, staging: Path, *, durable: bool, lock: int) -> None:
        # The built-in C.UTF-8 sorts by code point on every machine, whatever locales it has.
        options = [
            *("--pgdata", staging / "cluster", "--username", SUPERUSER, "--pwfile", staging / "password"),
            *("--auth=scram-sha-256", f"--set=scram_iterations={_SCRAM_ITERATIONS}", "--no-instructions"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if durable else ("--no-sync",)),
        ]
        process = await Process.spawn(
            "initdb",
            [bin_dir / "initdb", *options],
            log_path=self.directory / "initdb.log",
            env={"LC_ALL": "C", "PATH": os.defpath},
            prefix=account.prefix,
            pass_fds=(lock,),
        )
        code = await process.finish(timeout=_INITDB_TIMEOUT_S)
        if code != 0:
            raise StartError(f"initdb {describe_exit(code)}; its last lines:\n{process.log_tail()}")

    def _change_owner(self, account: Account) -> None:
        if os.geteuid() != 0:
            raise DirectoryUnusableError(
                f"{self.path} belongs to uid {self.path.stat().st_uid}; this process runs as uid {os.geteuid()}"
            )
        for parent, _, files in os.walk(self.path):
            os.chown(parent, account.uid, account.gid)
            for file in files:
                os.chown(Path(parent) / file, account.uid, account.gid, follow_symlinks=False)

    def _remove_stale_pid_file(self) -> None:
        """Remove the pid file of a server that is gone.

        Postgres does so itself unless the number has gone to another process of the same user meanwhile, as often
        happens in a container that was started anew; then it refuses to start. Where the kernel cannot tell what that
        process is (elsewhere than on Linux), the decision is left to Postgres.
        """
        if sys.platform != "linux" or not self._pid_path.exists():
            return
        pid = self._pid_path.read_text().split("\n", 1)[0]
        try:
            running_in = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            running_in = None
        if running_in == self.path.resolve():
            raise DirectoryUnusableError(f"{self.path} is in use by the Postgres with process id {pid}")
        self._pid_path.unlink()
