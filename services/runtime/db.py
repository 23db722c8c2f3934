"""Postgres: one pool a process, bound to its service's schema; who may write is a type of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NewType

from asyncpg import InterfaceError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.runtime.errors import DependencyUnavailable

ReadConnection = NewType("ReadConnection", AsyncConnection)
WriteConnection = NewType("WriteConnection", ReadConnection)

_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 60
# Connection lost or refused; starting, stopping or stopped; too many connections. Appendix A of Postgres' manual.
_UNREACHABLE_STATES = ("08", "57P", "53300")
_AFTER_COMMIT = "pantheon.after_commit"


class Database:
    """A pool of connections with `search_path` set to one schema.

    `write()` is the only way to change anything: one transaction, committed when its block ends without an error.
    """

    def __init__(self, dsn: str, *, schema: str, pool_size: int = 10) -> None:
        self.schema = schema
        self._engine: AsyncEngine = create_async_engine(
            async_url(dsn),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_CONNECT_SECONDS,
            pool_pre_ping=True,
            # Errors are logged; what they were about may be a key or a password's hash.
            hide_parameters=True,
            connect_args={
                "timeout": _CONNECT_SECONDS,
                "command_timeout": _STATEMENT_SECONDS,
                "server_settings": {"search_path": schema, "application_name": f"pantheon-{schema}", "timezone": "UTC"},
            },
        )

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteConnection]:
        """One transaction, READ COMMITTED.

        Raises:
            DependencyUnavailable: Postgres can't be reached, or went away; here and wherever a transaction is opened.
        """
        committed: list[Callable[[], None]] = []
        async with self._connection() as connection, connection.begin():
            connection.info[_AFTER_COMMIT] = committed
            yield WriteConnection(ReadConnection(connection))
        for callback in committed:
            callback()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadConnection]:
        """One read-only transaction; each statement sees what is committed when it starts."""
        async with self._read_only("READ COMMITTED") as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadConnection]:
        """One read-only transaction in which every statement sees the same state."""
        async with self._read_only("REPEATABLE READ") as connection:
            yield connection

    async def ping(self) -> None:
        """Raises what keeps the database from answering."""
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Closes every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _read_only(self, isolation: str) -> AsyncIterator[ReadConnection]:
        async with self._connection() as connection:
            await connection.execution_options(isolation_level=isolation, postgresql_readonly=True)
            async with connection.begin():
                yield ReadConnection(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        connected = False
        try:
            async with self._engine.connect() as connection:
                connected = True
                yield connection
        except Exception as error:
            # Once connected, an OSError is what the caller's block met elsewhere: the driver has errors of its own.
            if is_unreachable(error) and not (connected and isinstance(error, OSError)):
                raise DependencyUnavailable("database") from error
            raise


def is_unreachable(error: Exception) -> bool:
    """Whether it says that Postgres can't be reached, is going away or lets nobody in for now; not that it refuses."""
    if isinstance(error, (OSError, PoolTimeoutError, InterfaceError)):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or "")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or state.startswith(_UNREACHABLE_STATES)


def after_commit(connection: WriteConnection, callback: Callable[[], None]) -> None:
    """Calls `callback` once the transaction is committed, and not at all if it is rolled back."""
    connection.info[_AFTER_COMMIT].append(callback)


async def lock_for(connection: AsyncConnection, purpose: str) -> None:
    """Waits until no other transaction holds the lock of this name, and holds it until this one ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:purpose, 0))"), {"purpose": purpose})


async def driver(connection: ReadConnection) -> Any:  # asyncpg has no type stubs
    """The asyncpg connection beneath, inside the same transaction; for statements that need its speed or types."""
    # SQLAlchemy begins the transaction with the first statement that goes through it.
    await connection.exec_driver_sql("SELECT 1")
    raw = await connection.get_raw_connection()
    return raw.driver_connection


def async_url(dsn: str) -> str:
    """A `postgresql://` address as SQLAlchemy's asyncpg dialect wants it."""
    return make_url(dsn).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
