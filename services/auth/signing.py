"""The key that signs login tokens: made once, kept encrypted, the same for every replica."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from joserfc.jwk import KeySet, OKPKey

from services.auth.entities import SigningKey
from services.auth.store import records
from services.runtime.db import Database, WriteConnection, lock_for
from services.runtime.errors import Conflict
from services.runtime.sealing import SealBrokenError, Sealer

PURPOSE = "pantheon.auth.signing-key"


@dataclass(frozen=True, slots=True)
class Signing:
    """What tokens are signed with, and the public halves they are checked with."""

    key: OKPKey
    published: tuple[SigningKey, ...]

    @property
    def trusted(self) -> KeySet:
        """The public keys as a set."""
        return KeySet.import_key_set({"keys": [json.loads(key.public_jwk) for key in self.published]})


async def load_signing(db: Database, sealer: Sealer, now: datetime) -> Signing:
    """The newest signing key; the first process to ask makes it.

    Raises:
        SystemExit: the key was encrypted under another master key; the line printed names the variable.
    """
    async with db.write() as connection:
        await lock_for(connection, PURPOSE)
        kept = await records.list_signing_keys(connection)
        if not kept:
            kept = [_made(sealer)]
            await records.add_signing_key(connection, kept[0], now)
    current = kept[0]
    try:
        private = json.loads(sealer.open(current.sealed_jwk, current.id))
    except SealBrokenError:
        raise SystemExit(
            "PANTHEON_MASTER_KEY: not the one under which the token signing key in this database was encrypted"
        ) from None
    return Signing(OKPKey.import_key(private), tuple(kept))


async def reseal(connection: WriteConnection, sealer: Sealer) -> tuple[list[str], int]:
    """Seals the keys anew that are sealed under an earlier master key: their ids, and how many the present one had.

    Raises:
        Conflict: one can't be opened with any; nothing is to be kept of the transaction.
    """
    await lock_for(connection, PURPOSE)
    resealed: list[str] = []
    kept = await records.list_signing_keys(connection)
    for key in kept:
        try:
            sealed = sealer.resealed(key.sealed_jwk, key.id)
        except SealBrokenError:
            message = f"The signing key {key.id} can't be opened with PANTHEON_MASTER_KEY"
            raise Conflict(message, resource="signing_key", id=key.id) from None
        if sealed is not None:
            await records.reseal_signing_key(connection, replace(key, sealed_jwk=sealed))
            resealed.append(key.id)
    return resealed, len(kept) - len(resealed)


def _made(sealer: Sealer) -> SigningKey:
    unnamed = OKPKey.generate_key("Ed25519")
    name = unnamed.thumbprint()
    key = OKPKey.import_key({**unnamed.as_dict(private=True), "kid": name, "use": "sig"})
    public = json.dumps(key.as_dict(private=False), sort_keys=True)
    private = json.dumps(key.as_dict(private=True))
    return SigningKey(name, public, sealer.seal(private.encode(), name))
