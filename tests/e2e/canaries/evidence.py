"""Everything a stack tells, writes and keeps, collected to be looked through."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import httpx2 as httpx
import nats
from google.protobuf.message import Message
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from services.local.children import Child
from services.local.stack import Stack
from tests.fixtures.canaries import Canary, Finding, Scanner

_CALL_SECONDS = 30.0
_KEPT_TO_BE_KEPT = {"credentials.json", "secrets.json", "token", "password", "nats.conf"}
"""Files that exist to hold a secret."""
_CLUSTER = "cluster"
"""Postgres' own files, whose tables are read through Postgres."""
_TABLES = """
    SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'
"""


class Evidence:
    """What was seen, and where."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], str] = {}

    def add(self, place: str, content: bytes) -> None:
        """Something that was seen; what is there twice, as a file before and after, counts once."""
        self._seen.setdefault((place.partition(" ")[0], content), place)

    def findings(self, canaries: Iterable[Canary]) -> list[Finding]:
        """All canaries that are in it."""
        scanner = Scanner(canaries)
        return [finding for (_, content), place in self._seen.items() for finding in scanner.scan(place, content)]

    def amount(self, place: str) -> int:
        """How many bytes were seen at places that begin so."""
        return sum(len(content) for (_, content), seen in self._seen.items() if seen.startswith(place))

    async def http(self, client: httpx.AsyncClient, method: str, url: str, **request: Any) -> httpx.Response:
        """Sends a request and keeps what comes back: head and body, whole or as far as it came."""
        place = f"answer to {method} {url} {str(request)[:200]}"
        async with client.stream(method, url, **request) as answer:
            self.add(place, repr(answer.headers.raw).encode())
            body = b""
            try:
                async for piece in answer.aiter_raw():
                    body += piece
            except httpx.HTTPError as error:
                self.add(place, str(error).encode())
            self.add(f"{place}: {answer.status_code}", body)
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    async def rpc(self, method: Any, request: Message, authorization: str = "") -> None:
        """Calls a method and keeps what comes back: messages, or the error with its details; trailers."""
        metadata = (("authorization", authorization),) if authorization else ()
        call = method(request, metadata=metadata, timeout=_CALL_SECONDS)
        place = f"answer to {type(request).__name__} {str(request)[:200]}"
        try:
            if isinstance(call, grpc.aio.UnaryStreamCall):
                async for message in call:
                    self.add(place, message.SerializeToString())
            else:
                self.add(place, (await call).SerializeToString())
        except grpc.aio.AioRpcError as error:
            self.add(place, f"{error.code()} {error.details()}".encode())
            for name, value in (*(error.initial_metadata() or ()), *(error.trailing_metadata() or ())):
                self.add(f"{place}: {name}", value if isinstance(value, bytes) else value.encode())

    def files(self, state: Path) -> None:
        """Keeps logs, journals, caches and streams: all files of a stack but those that exist to hold a secret."""
        for path in _files(state):
            # Journals are made in their whole length.
            self.add(f"file {path.relative_to(state)}", path.read_bytes().rstrip(b"\0"))

    async def tables(self, dsn: str) -> None:
        """Keeps all rows of all tables as Postgres writes them, and what it is asked at the moment."""
        connection = await asyncpg.connect(dsn)
        try:
            for (table,) in await connection.fetch(_TABLES):
                rows = await connection.fetch(f"SELECT t::text FROM {table} t")  # noqa: S608 - its name, quoted
                self.add(f"table {table}", "\n".join(row[0] for row in rows).encode())
            asked = await connection.fetch("SELECT query FROM pg_stat_activity WHERE query IS NOT NULL")
            self.add("table pg_stat_activity", "\n".join(row[0] for row in asked).encode())
        finally:
            await connection.close()

    async def streams(self, url: str) -> None:
        """Keeps all messages of all JetStream streams."""
        connection = await nats.connect(url)
        try:
            jetstream = connection.jetstream()
            for info in await jetstream.streams_info():
                name = info.config.name or ""
                for sequence in range(info.state.first_seq, info.state.last_seq + 1):
                    try:
                        message = await jetstream.get_msg(name, sequence)
                    except NotFoundError:
                        continue
                    place = f"stream {name} {message.subject}"
                    self.add(place, (message.data or b"") + repr(message.headers).encode())
        finally:
            await connection.close()

    @asynccontextmanager
    async def subjects(self, url: str) -> AsyncIterator[None]:
        """Keeps all messages that are published while the block runs."""

        async def hear(message: Msg) -> None:
            self.add(f"subject {message.subject}", message.data + repr(message.headers).encode())

        connection = await nats.connect(url)
        try:
            await connection.subscribe(">", cb=hear)
            await connection.flush()
            yield
        finally:
            await connection.drain()

    async def metrics(self, stack: Stack) -> None:
        """Keeps what the ops port of each process tells."""
        async with httpx.AsyncClient(trust_env=False) as client:
            for name, child in stack.services.items():
                for page in ("metrics", "readyz", "livez"):
                    answer = await client.get(f"http://{_ops_address(child)}/{page}")
                    self.add(f"{page} of {name}", answer.content)

    def command_lines(self, stack: Stack) -> None:
        """Keeps the command lines of all processes."""
        pids = {name: child.pid for name, child in stack.services.items()}
        if stack.nats and stack.postgres:
            pids |= {"nats": stack.nats.pid, "postgres": stack.postgres.pid}
        for name, pid in pids.items():
            self.add(f"command line of {name}", Path(f"/proc/{pid}/cmdline").read_bytes())


async def all_of(*waiting: Any, at_once: int = 8) -> None:
    """Awaits everything, so many at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(coroutine: Any) -> None:
        async with gate:
            await coroutine

    await asyncio.gather(*map(one, waiting))


def _files(state: Path) -> Iterator[Path]:
    for path in sorted(state.rglob("*")):
        inside = path.relative_to(state).parts
        secret = path.name in _KEPT_TO_BE_KEPT or path.suffix == ".jwk"
        if path.is_file() and not secret and _CLUSTER not in inside:
            yield path


def _ops_address(child: Child) -> str:
    return child._env["PANTHEON_OPS_LISTEN"]
