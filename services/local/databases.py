"""The databases of one Postgres server: created, copied, dropped."""

from __future__ import annotations

import contextlib
from urllib.parse import quote, urlsplit

import asyncpg

_CONNECT_TIMEOUT_S = 10.0


class Databases:
    """Databases of the server whose administrator's address is `dsn` (`postgresql://user:password@host:port/db`).

    `copy_files` copies templates as files, which needs checkpoints: quick only where they do not wait for the disk.
    """

    def __init__(self, dsn: str, *, copy_files: bool = False) -> None:
        self._dsn = dsn
        self._strategy = " STRATEGY file_copy" if copy_files else ""

    def dsn(self, name: str) -> str:
        """The administrator's address of the database `name`."""
        return urlsplit(self._dsn)._replace(path="/" + quote(name, safe="")).geturl()

    async def create(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template`, to which nobody may be connected.

        Raises asyncpg's DuplicateDatabaseError, InvalidCatalogNameError or ObjectInUseError.
        """
        source = f" TEMPLATE {_identifier(template)}" if template else ""
        await self._execute(f"CREATE DATABASE {_identifier(name)}{source}{self._strategy}")

    async def ensure(self, name: str) -> None:
        """Create an empty database unless it exists."""
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await self.create(name)

    async def drop(self, name: str) -> None:
        """Drop a database if it exists, disconnecting whoever uses it."""
        await self._execute(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=_CONNECT_TIMEOUT_S)
        try:
            await connection.execute(statement)
        finally:
            await connection.close(timeout=_CONNECT_TIMEOUT_S)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
