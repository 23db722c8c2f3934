"""The key that signs login tokens: made once, kept encrypted, the same for every replica."""

import json
from dataclasses import dataclass
from datetime import datetime

from joserfc.jwk import KeySet, OKPKey

from services.auth.entities import SigningKey
from services.auth.store import records
from services.runtime.db import Database
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
        await records.lock_for(connection, PURPOSE)
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


def _made(sealer: Sealer) -> SigningKey:
    unnamed = OKPKey.generate_key("Ed25519")
    name = unnamed.thumbprint()
    key = OKPKey.import_key({**unnamed.as_dict(private=True), "kid": name, "use": "sig"})
    public = json.dumps(key.as_dict(private=False), sort_keys=True)
    private = json.dumps(key.as_dict(private=True))
    return SigningKey(name, public, sealer.seal(private.encode(), name))
