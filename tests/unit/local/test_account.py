import os
import pwd
from pathlib import Path

import pytest

from services.local.account import Account, candidate_accounts, choose_account
from services.local.errors import ServerUnavailableError


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def account(description: str = "as this user", prefix: tuple[str, ...] = ()) -> Account:
    return Account(description, prefix, os.geteuid(), os.getegid())


async def test_an_account_under_which_the_binary_runs_is_chosen(tmp_path: Path) -> None:
    postgres = script(tmp_path / "postgres", "exit 0")
    chosen = account()
    assert await choose_account([chosen], postgres=postgres, directory=tmp_path) is chosen


async def test_the_next_account_is_tried_when_one_is_refused(tmp_path: Path) -> None:
    postgres = script(tmp_path / "postgres", "exit 0")
    refused = account("in a namespace", ("/bin/sh", "-c", "echo unshare failed: Operation not permitted; exit 1"))
    chosen = account()
    assert await choose_account([refused, chosen], postgres=postgres, directory=tmp_path) is chosen


async def test_when_no_account_works_the_error_gives_each_reason_and_the_way_out(tmp_path: Path) -> None:
    postgres = script(tmp_path / "postgres", "echo wrong architecture; exit 1")
    refused = account("in a namespace", ("/bin/sh", "-c", "echo Operation not permitted; exit 1"))
    with pytest.raises(ServerUnavailableError) as raised:
        await choose_account([refused, account()], postgres=postgres, directory=tmp_path)
    message = str(raised.value)
    assert "in a namespace: Operation not permitted" in message
    assert "as this user: wrong architecture" in message
    assert "PANTHEON_DATABASE_URL" in message


async def test_a_silent_refusal_is_told_by_its_exit_code(tmp_path: Path) -> None:
    postgres = script(tmp_path / "postgres", "exit 42")
    with pytest.raises(ServerUnavailableError, match="as this user: exit code 42"):
        await choose_account([account()], postgres=postgres, directory=tmp_path)


async def test_without_any_account_the_error_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailableError, match=r"neither unshare nor setpriv.*PANTHEON_DATABASE_URL"):
        await choose_account([], postgres=tmp_path / "postgres", directory=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="for ordinary users")
def test_an_ordinary_user_runs_postgres_as_itself() -> None:
    (only,) = candidate_accounts()
    assert only.prefix == ()
    assert only.uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="for root")
def test_root_prefers_a_namespace_to_another_user() -> None:
    namespace, nobody = candidate_accounts()
    assert namespace.uid == 0
    assert nobody.uid == pwd.getpwnam("nobody").pw_uid
