"""How auth itself finds out who calls: it asks its own tables and checks tokens with its own key."""

from collections.abc import Callable
from datetime import datetime

from joserfc.jwk import KeySet

from services.auth.entities import OwnedKey
from services.auth.store import keys
from services.runtime import times
from services.runtime.auth import KEY_PREFIX, Principal, TokenVerifier
from services.runtime.db import Database
from services.runtime.errors import CredentialsInvalid
from services.runtime.keys import secret_hash


class OwnAuthenticator:
    """See `services.runtime.auth.Authenticator`. `trusted` are the public keys that sign login tokens."""

    def __init__(self, db: Database, pepper: bytes, trusted: KeySet, clock: Callable[[], datetime] = times.now) -> None:
        self._db = db
        self._pepper = pepper
        self._tokens = TokenVerifier()
        self._tokens.set_keys(trusted)
        self._clock = clock

    async def authenticate(self, credential: str) -> Principal:
        """Who the login token or API key belongs to.

        Raises:
            CredentialsInvalid: to nobody.
        """
        if not credential.startswith(KEY_PREFIX):
            return self._tokens.verify(credential)
        async with self._db.read() as connection:
            found = await keys.find_live_key(connection, secret_hash(self._pepper, credential), self._clock())
        if found is None:
            raise CredentialsInvalid
        return _principal(found)


def _principal(found: OwnedKey) -> Principal:
    return Principal(
        user_id=str(found.key.user_id),
        organisation_id=str(found.key.organisation_id),
        project_id=str(found.key.project_id),
        key_id=str(found.key.id),
        role=found.role,
        scopes=frozenset(found.key.scopes),
    )
