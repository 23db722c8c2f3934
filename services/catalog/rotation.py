"""The master key: a catalog starts only with those that its secrets are sealed under, and can change to another.

Each envelope is replaced by itself, and only if it is still the one that was read: secrets may be set meanwhile, and
what was cut short is finished by doing it again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from services.catalog.store import custom_models, envelopes, provider_keys
from services.runtime.db import Database, WriteConnection
from services.runtime.errors import Conflict
from services.runtime.logging import get_logger
from services.runtime.sealing import SealBrokenError, Sealer

_BATCH = 200


class _Sealed(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def sealed(self) -> bytes: ...


Kept = TypeVar("Kept", bound=_Sealed)
Read_co = TypeVar("Read_co", bound=_Sealed, covariant=True)


class _Page(Protocol[Read_co]):
    async def __call__(self, connection: WriteConnection, *, after: str, limit: int) -> Sequence[Read_co]: ...


@dataclass(slots=True)
class Rotation:
    """How many secrets are under the present master key that were not before, and how many were; and the labels of
    those that can't be opened.
    """

    resealed: int = 0
    current: int = 0
    broken: list[str] = field(default_factory=list)


async def check_master_keys(db: Database, sealer: Sealer) -> None:
    """Lets a process start that can open all that is sealed.

    Raises:
        SystemExit: a master key is missing; the line printed names the variable.
    """
    async with db.read() as connection:
        beginnings = await envelopes.beginnings(connection)
    if not all(map(sealer.knows, beginnings)):
        raise SystemExit("PANTHEON_MASTER_KEY: secrets in this database were encrypted under a key that is not in it")


async def rotate(db: Database, sealer: Sealer) -> Rotation:
    """Seals everything anew that is sealed under an earlier master key.

    Raises:
        Conflict: some of it can't be opened; everything else is done.
    """
    done = Rotation()
    await _Rotating(sealer, done, provider_keys.all_after, provider_keys.reseal, lambda kept: kept.key.id).run(db)
    await _Rotating(
        sealer, done, custom_models.all_secrets, custom_models.reseal, lambda kept: kept.custom_model_id
    ).run(db)
    if done.broken:
        first = done.broken[0]
        raise Conflict(
            f"{len(done.broken)} secrets can't be opened, first {first}; all others are under the present master key",
            resource="secret",
            id=first,
        )
    return done


@dataclass(frozen=True, slots=True)
class _Rotating(Generic[Kept]):
    """One table's secrets."""

    sealer: Sealer
    done: Rotation
    page: _Page[Kept]
    replace: Callable[[WriteConnection, Kept, bytes], Awaitable[bool]]
    id_of: Callable[[Kept], str]

    async def run(self, db: Database) -> None:
        after = ""
        while True:
            async with db.write() as connection:
                batch = await self.page(connection, after=after, limit=_BATCH)
                for kept in batch:
                    await self._reseal(connection, kept)
            if len(batch) < _BATCH:
                break
            after = self.id_of(batch[-1])

    async def _reseal(self, connection: WriteConnection, kept: Kept) -> None:
        try:
            sealed = self.sealer.resealed(kept.sealed, kept.label)
        except SealBrokenError:
            get_logger().error("secret.unreadable", label=kept.label)
            self.done.broken.append(kept.label)
            return
        if sealed is None:
            self.done.current += 1
        else:
            self.done.resealed += await self.replace(connection, kept, sealed)
