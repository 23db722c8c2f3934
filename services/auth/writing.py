"""A caller's change: one transaction with its event, its audit record, and the claim of its request id."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pantheon.auth.v1.auth_service_pb2 import DESCRIPTOR
from pantheon.events.v1.change_pb2 import Change
from services.auth import fields
from services.auth.entities import Actor
from services.auth.store import records
from services.runtime.auth import Principal
from services.runtime.db import WriteConnection
from services.runtime.errors import RequestRepeated
from services.runtime.outbox import Outbox

NOBODY = Actor(None, None, None)

_SERVICE = DESCRIPTOR.services_by_name["AuthService"].full_name


def method_name(rpc: str) -> str:
    """The name of one of auth's RPCs as errors carry it."""
    return f"/{_SERVICE}/{rpc}"


def actor(caller: Principal) -> Actor:
    """The caller, for the audit log."""
    key_id = UUID(caller.key_id) if caller.key_id else None
    return Actor(UUID(caller.user_id), key_id, UUID(caller.organisation_id))


@dataclass(frozen=True, slots=True)
class Write:
    """A transaction that is open for one actor. It is committed when its block ends without an error."""

    connection: WriteConnection
    actor: Actor
    now: datetime
    outbox: Outbox

    async def claim(self, rpc: str, request_id: str, made_id: UUID) -> None:
        """Sees to it that a request is carried out once. Nothing happens where the caller gave no id.

        Raises:
            InvalidField: the id is too long.
            RequestRepeated: it was carried out before; names what it made.
        """
        if not fields.request_id(request_id) or self.actor.user_id is None:
            return
        made = await records.claim_request(self.connection, self.actor.user_id, rpc, request_id, made_id)
        if made != made_id:
            raise RequestRepeated(request_id, str(made))

    async def publish(self, change: Change) -> None:
        """Books the event."""
        await self.outbox.add(self.connection, change)

    async def record(self, action: str, subject: str) -> None:
        """Writes to the audit log what the actor did to what."""
        await records.add_audit_record(self.connection, self.actor, action, subject, self.now)


@asynccontextmanager
async def writing(outbox: Outbox, by: Actor, now: datetime) -> AsyncIterator[Write]:
    """Opens the transaction."""
    async with outbox.db.write() as connection:
        yield Write(connection, by, now, outbox)
