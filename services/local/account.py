"""Who runs Postgres: it refuses to run as root."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.local.errors import ServerUnavailableError

_NOBODY = "nobody"
_PROBE_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Account:
    """A way to run Postgres: the command in front of it, and who must own its files as seen from this process."""

    description: str
    prefix: tuple[str, ...]
    uid: int
    gid: int


def candidate_accounts() -> tuple[Account, ...]:
    """The accounts to try, best first.

    An ordinary user runs Postgres as itself. For root, a user namespace in which its own id looks like 65534 needs no
    other user and no change of owners; where namespaces are forbidden (most containers), the user `nobody` has to do.
    """
    if os.geteuid() != 0:
        return (Account("as this user", (), os.geteuid(), os.getegid()),)
    accounts = []
    if unshare := shutil.which("unshare"):
        prefix = (unshare, "--user", "--map-user=65534", "--map-group=65534", "--")
        accounts.append(Account("as root in a user namespace", prefix, 0, 0))
    if setpriv := shutil.which("setpriv"):
        try:
            entry = pwd.getpwnam(_NOBODY)
        except KeyError:
            return tuple(accounts)
        ids = (f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
        accounts.append(Account(f"as user {_NOBODY}", (setpriv, *ids, "--"), entry.pw_uid, entry.pw_gid))
    return tuple(accounts)


async def choose_account(accounts: Sequence[Account], *, postgres: Path, directory: Path) -> Account:
    """The first account under which the binary `postgres` runs and `directory` can be reached.

    Raises ServerUnavailableError, with the reason for each account, when there is none.
    """
    refusals = []
    for account in accounts:
        refusal = await _refusal(account, postgres, directory)
        if refusal is None:
            return account
        refusals.append(f"{account.description}: {refusal}")
    reasons = "; ".join(refusals) or "as root: neither unshare nor setpriv with a user nobody is there"
    raise ServerUnavailableError(
        f"Postgres cannot run on this machine ({reasons}). Run Pantheon as an ordinary user, "
        "or set PANTHEON_DATABASE_URL to a Postgres of your own"
    )


async def _refusal(account: Account, postgres: Path, directory: Path) -> str | None:
    """Why Postgres cannot run under the account, None if it can."""
    script = 'cd "$1" && exec "$2" --version'
    process = await asyncio.create_subprocess_exec(
        *account.prefix,
        *("/bin/sh", "-c", script, "sh", str(directory), str(postgres)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _PROBE_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"no answer within {_PROBE_TIMEOUT_S:g} s"
    if process.returncode == 0:
        return None
    return output.decode(errors="replace").strip() or f"exit code {process.returncode}"
