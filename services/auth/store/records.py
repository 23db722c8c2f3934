"""What was done: the audit log, requests that must not be carried out twice, and the keys that sign tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from services.auth.entities import Actor, SigningKey
from services.auth.tables import audit_log, requests, signing_keys
from services.runtime.db import ReadConnection, WriteConnection
from services.runtime.ids import uuid7


async def add_audit_record(connection: WriteConnection, actor: Actor, action: str, subject: str, now: datetime) -> None:
    """Writes down who did what to what. There is no way to change or remove it."""
    await connection.execute(
        plain_insert(audit_log).values(
            id=uuid7(),
            recorded_at=now,
            actor_id=actor.user_id,
            actor_key_id=actor.key_id,
            organisation_id=actor.organisation_id,
            action=action,
            subject=subject,
        )
    )


async def claim_request(
    connection: WriteConnection, caller_id: UUID, method: str, request_id: str, made_id: UUID
) -> UUID:
    """The id that the request makes: `made_id` the first time, later what it made then."""
    claim = {"caller_id": caller_id, "method": method, "request_id": request_id}
    claimed = insert(requests).values(**claim, made_id=made_id).on_conflict_do_nothing()
    if (await connection.execute(claimed)).rowcount == 1:
        return made_id
    made: UUID = (await connection.execute(select(requests.c.made_id).filter_by(**claim))).scalar_one()
    return made


async def list_signing_keys(connection: ReadConnection) -> Sequence[SigningKey]:
    """Newest first."""
    query = select(signing_keys.c.id, signing_keys.c.public_jwk, signing_keys.c.sealed_jwk)
    rows = await connection.execute(query.order_by(signing_keys.c.created_at.desc()))
    return [SigningKey(*row) for row in rows]


async def add_signing_key(connection: WriteConnection, key: SigningKey, now: datetime) -> None:
    """Keeps a new key."""
    await connection.execute(
        plain_insert(signing_keys).values(
            id=key.id, public_jwk=key.public_jwk, sealed_jwk=key.sealed_jwk, created_at=now
        )
    )


async def reseal_signing_key(connection: WriteConnection, key: SigningKey) -> None:
    """Puts the key into another envelope."""
    await connection.execute(update(signing_keys).where(signing_keys.c.id == key.id).values(sealed_jwk=key.sealed_jwk))
