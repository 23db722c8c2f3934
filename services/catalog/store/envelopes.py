"""What all secrets are kept in, whatever they are for."""

from sqlalchemy import func, select, union

from services.catalog.tables import CUSTOM_MODELS, PROVIDER_KEYS
from services.runtime.db import ReadConnection
from services.runtime.sealing import HEAD_BYTES


async def beginnings(connection: ReadConnection) -> list[bytes]:
    """The different heads of all envelopes, which tell their master keys."""
    columns = (PROVIDER_KEYS.c.sealed, CUSTOM_MODELS.c.sealed_key)
    heads = (select(func.substr(column, 1, HEAD_BYTES)).where(column.is_not(None)) for column in columns)
    return list(await connection.scalars(union(*heads)))
