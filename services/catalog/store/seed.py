"""Which seeds a catalog has had, and what they wrote."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, LargeBinary, Text, any_, bindparam, column, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import Model
from services.catalog.store import model_writing
from services.catalog.store.prices import append
from services.catalog.tables import APPLIED_SEEDS, MODELS
from services.rating import PriceVersion
from services.runtime.db import ReadConnection, WriteConnection


async def applied(connection: ReadConnection) -> list[bytes]:
    """The digests of the seeds applied so far, oldest first; none: this catalog is new."""
    return list(await connection.scalars(select(APPLIED_SEEDS.c.digest).order_by(APPLIED_SEEDS.c.number)))


async def remember(connection: WriteConnection, digest: bytes, now: datetime) -> None:
    """Notes which seed the catalog has now."""
    await connection.execute(insert(APPLIED_SEEDS).values(digest=digest, applied_time=now))


async def begin_revisions(connection: WriteConnection, now: datetime) -> None:
    """Starts a new catalog's revisions at the milliseconds of the clock.

    A catalog that was lost and made anew is thereby beyond every revision of the one before: whoever still holds a
    copy of that one is told of a gap and takes a snapshot, instead of applying changes to what never was.
    """
    await connection.execute(text("UPDATE revision SET value = :start"), {"start": int(now.timestamp() * 1_000)})


async def write_models(connection: WriteConnection, models: Sequence[tuple[Model, bytes]], now: datetime) -> None:
    """Makes the models, or changes them into these, endpoints included, prices not; notes the digests beside them."""
    if not models:
        return
    await model_writing.write(connection, [model for model, _ in models], now)
    ids = bindparam(None, [model.id for model, _ in models], type_=ARRAY(Text))
    digests = bindparam(None, [digest for _, digest in models], type_=ARRAY(LargeBinary))
    columns = column("id", Text), column("digest", LargeBinary)
    noted = func.unnest(ids, digests).table_valued(*columns, name="noted").render_derived()
    await connection.execute(update(MODELS).where(MODELS.c.id == noted.c.id).values(seed_digest=noted.c.digest))


async def remove_models(connection: WriteConnection, ids: Sequence[str], now: datetime) -> None:
    """Takes models out of the catalog, until a seed has them again."""
    await model_writing.remove(connection, ids, now)
    gone = MODELS.c.id == any_(bindparam(None, list(ids), type_=ARRAY(Text)))
    await connection.execute(update(MODELS).where(gone).values(seed_digest=None))


async def append_prices(connection: WriteConnection, prices: Sequence[tuple[str, PriceVersion]]) -> None:
    """Adds price versions to the endpoints named beside them."""
    await append(connection, prices, seeded=True)
