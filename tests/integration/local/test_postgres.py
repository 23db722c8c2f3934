import asyncio
import os
import pwd
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.local.account import candidate_accounts
from services.local.errors import DirectoryUnusableError, PortInUseError, ServerUnavailableError, StartError
from services.local.postgres import LocalPostgres, StopMode
from services.local.process import Process
from tests.fixtures.eventually import eventually
from tests.fixtures.processes import has_ended, owner

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="for root")


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def keep_rows(server: LocalPostgres) -> None:
    await server.create_database("kept")
    async with connected(server.dsn("kept")) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS number")


async def kept_rows(server: LocalPostgres) -> int:
    async with connected(server.dsn("kept")) as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM kept")
        return count


async def test_a_new_server_is_durable_private_and_in_utc(own_postgres: LocalPostgres) -> None:
    async with connected(own_postgres.dsn()) as connection:
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"


async def test_a_wrong_password_is_refused(own_postgres: LocalPostgres, server_directory: Path) -> None:
    password = server_directory / "postgres" / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    wrong = own_postgres.dsn().replace(password.read_text(), "guessed")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


@pytest.mark.parametrize("mode", ("fast", "immediate"))
async def test_rows_survive_a_restart_on_the_same_port(own_postgres: LocalPostgres, mode: StopMode) -> None:
    dsn = own_postgres.dsn("kept")
    await keep_rows(own_postgres)
    await own_postgres.restart(mode)
    assert own_postgres.dsn("kept") == dsn
    assert await kept_rows(own_postgres) == 100


async def test_rows_survive_a_kill_under_a_busy_connection(own_postgres: LocalPostgres) -> None:
    await keep_rows(own_postgres)
    pid = own_postgres.pid
    busy = await asyncpg.connect(own_postgres.dsn("kept"))
    backend = busy.get_server_pid()
    query = asyncio.create_task(busy.fetch("SELECT count(*) FROM generate_series(1, 100000000000)"))
    async with connected(own_postgres.dsn()) as watcher:
        await eventually(
            lambda: watcher.fetchval("SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1", backend)
        )
        await own_postgres.kill()
    assert has_ended(pid)
    await eventually(lambda: has_ended(backend))
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await asyncio.wait_for(query, 5)
    await own_postgres.start()
    assert await kept_rows(own_postgres) == 100


async def test_a_pid_file_left_by_a_crash_whose_number_lives_on_does_not_stop_a_start(
    own_postgres: LocalPostgres, server_directory: Path
) -> None:
    pid_file = server_directory / "postgres" / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await own_postgres.kill()
    # The number now belongs to a process of the same user that is no Postgres: this one.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    await own_postgres.start()
    assert pid_file.read_text().startswith(f"{own_postgres.pid}\n")


async def test_stopping_leaves_no_process(server_directory: Path) -> None:
    async with LocalPostgres(server_directory / "postgres", durable=False) as server:
        pid = server.pid
        await server.start()
        assert server.pid == pid
        async with connected(server.dsn()) as connection:
            backend = await connection.fetchval("SELECT pg_backend_pid()")
    assert has_ended(pid)
    assert has_ended(backend)
    await server.stop()


async def test_a_database_is_created_copied_and_dropped(own_postgres: LocalPostgres) -> None:
    await keep_rows(own_postgres)
    await own_postgres.create_database('a "quoted" name', template="kept")
    async with connected(own_postgres.dsn('a "quoted" name')) as connection:
        assert await connection.fetchval("SELECT count(*) FROM kept") == 100
        await own_postgres.drop_database('a "quoted" name')
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(own_postgres.dsn('a "quoted" name'))


async def test_a_database_is_ensured_once(own_postgres: LocalPostgres) -> None:
    await own_postgres.ensure_database("pantheon")
    await own_postgres.ensure_database("pantheon")
    with pytest.raises(asyncpg.DuplicateDatabaseError):
        await own_postgres.create_database("pantheon")


async def test_two_servers_never_share_a_directory(own_postgres: LocalPostgres, server_directory: Path) -> None:
    cluster = server_directory / "postgres" / "cluster"
    (server_directory / "postgres" / "lock").unlink()
    with pytest.raises(DirectoryUnusableError, match=f"{cluster} is in use by the Postgres"):
        await LocalPostgres(server_directory / "postgres").start()


async def test_a_fixed_port_that_is_taken_is_an_error(own_postgres: LocalPostgres, server_directory: Path) -> None:
    other = LocalPostgres(server_directory / "other", port=own_postgres.port, durable=False)
    with pytest.raises(PortInUseError, match=f"port {own_postgres.port}: another process does"):
        await other.start()


async def test_an_interrupted_initdb_is_started_afresh(server_directory: Path) -> None:
    starting = asyncio.create_task(LocalPostgres(server_directory / "postgres", durable=False).start())
    staging = server_directory / "postgres" / "staging"
    while not (staging / "cluster" / "global").exists():
        assert not starting.done()
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    async with LocalPostgres(server_directory / "postgres", durable=False) as server, connected(server.dsn()):
        assert not staging.exists()


async def test_a_failed_initdb_is_reported_with_its_last_lines(server_directory: Path) -> None:
    for name, body in (("postgres", "exit 0"), ("initdb", "echo no space left; exit 1")):
        (server_directory / name).write_text(f"#!/bin/sh\n{body}\n")
        (server_directory / name).chmod(0o755)
    server = LocalPostgres(server_directory / "postgres-files", bin_dir=server_directory)
    with pytest.raises(StartError, match=r"initdb ended with exit code 1(.|\n)*no space left"):
        await server.start()


async def test_binaries_that_cannot_run_are_an_error_that_names_the_way_out(server_directory: Path) -> None:
    (server_directory / "postgres").write_text("not a program")
    server = LocalPostgres(server_directory / "postgres-files", bin_dir=server_directory)
    with pytest.raises(ServerUnavailableError, match="set PANTHEON_DATABASE_URL to a Postgres of your own"):
        await server.start()


@as_root
async def test_the_files_follow_the_account_that_runs_the_server(server_directory: Path) -> None:
    *_, nobody = candidate_accounts()
    directory = server_directory / "postgres"
    async with LocalPostgres(directory, durable=False, accounts=[nobody]) as server:
        await keep_rows(server)
        assert owner(server.pid) == pwd.getpwnam("nobody").pw_uid
    for accounts in (candidate_accounts(), [nobody]):
        async with LocalPostgres(directory, durable=False, accounts=accounts) as server:
            assert await kept_rows(server) == 100


@as_root
async def test_a_directory_nobody_can_reach_is_named(server_directory: Path) -> None:
    *_, nobody = candidate_accounts()
    private = server_directory / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(ServerUnavailableError, match=rf"as user nobody: .*{private}.*PANTHEON_DATABASE_URL"):
        await LocalPostgres(private / "postgres", accounts=[nobody]).start()


# A process that starts a server in the directory given, reports its process id, then waits to be killed.
OWNER = """
import asyncio, signal, sys
from pathlib import Path
from services.local.postgres import LocalPostgres

async def main():
    server = LocalPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    signal.pause()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_a_server_whose_owner_was_killed_makes_way_for_the_next(server_directory: Path) -> None:
    directory = server_directory / "postgres"
    owning = await Process.spawn(
        "owner", [sys.executable, "-c", OWNER, directory], log_path=server_directory / "owner.log"
    )
    pid = int(await eventually(owning.log_tail, timeout=20))
    await owning.kill()
    async with LocalPostgres(directory) as server, connected(server.dsn()):
        await eventually(lambda: has_ended(pid))
        assert server.pid != pid
