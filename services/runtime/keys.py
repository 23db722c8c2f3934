"""API keys, known in memory: who a key is, without asking auth, and gone within a second of being revoked."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import OrderedDict

import grpc
from joserfc.jwk import KeySet

from pantheon.auth.v1.auth_service_pb2 import IntrospectKeyRequest, ListSigningKeysRequest
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.auth.v1.key_pb2 import KeyRecord
from pantheon.events.v1.change_pb2 import Change
from services.runtime import times
from services.runtime.auth import KEY_PREFIX, Principal, TokenVerifier
from services.runtime.errors import CredentialsInvalid, DependencyUnavailable
from services.runtime.follower import Follower
from services.runtime.logging import get_logger
from services.runtime.status import error_from_rpc

_CALL_SECONDS = 3.0
_MOST_CALLS = 32
"""Introspections at a time: whoever tries out keys must not bring auth down."""
_NEVER = float("inf")
_UNKNOWN_KEPT = 4_096
_UNKNOWN_SECONDS = 5.0
_SIGNING_KEYS_SECONDS = 60.0


def secret_hash(pepper: bytes, secret: str) -> bytes:
    """What a key is known by: HMAC-SHA256 of its secret, 32 bytes."""
    return _hashed(_prepared(pepper), secret)


def _prepared(pepper: bytes) -> hmac.HMAC:
    return hmac.new(pepper, digestmod=hashlib.sha256)


def _hashed(prepared: hmac.HMAC, secret: str) -> bytes:
    hashing = prepared.copy()
    hashing.update(secret.encode())
    return hashing.digest()


class KeyDirectory:
    """An `Authenticator` over a followed copy of auth's keys, and auth's public keys for login tokens.

    An unknown key is looked up with auth once (it may be newer than the copy); that it is unknown is remembered for
    five seconds, and no more than 32 are asked for at a time, so guessing keys costs auth little.
    """

    def __init__(self, pepper: bytes, channel: grpc.aio.Channel) -> None:
        # Preparing one anew for each key would cost as much as the hash.
        self._prepared = _prepared(pepper)
        self._auth = AuthServiceStub(channel)
        self._tokens = TokenVerifier()
        self._by_hash: dict[bytes, tuple[float, Principal]] = {}
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._calls = asyncio.Semaphore(_MOST_CALLS)
        self._follower: Follower | None = None
        self.signing_keys_loaded = asyncio.Event()
        """Set once auth's public keys have been fetched; login tokens can't be judged before."""
        self._resets = 0

    def follow(self, follower: Follower) -> None:
        """Ties the directory to the follower that fills it, to know when the copy is stale."""
        self._follower = follower

    def reset(self) -> None:
        """Forgets every key: a snapshot follows."""
        self._by_hash.clear()
        self._resets += 1

    def apply(self, change: Change) -> None:
        """Takes one change of auth's; those not about keys do not matter here."""
        event = change.WhichOneof("event")
        if event == "key_created":
            self._put(change.key_created.key)
        elif event == "key_revoked":
            self._by_hash.pop(change.key_revoked.secret_hash, None)
            # What is asked for again within moments must not be found by an introspection that ran before.
            self._remember_unknown(change.key_revoked.secret_hash)

    async def authenticate(self, credential: str) -> Principal:
        """See `Authenticator`.

        Raises:
            DependencyUnavailable: auth has to be asked and can't be reached, or its public keys are not here yet.
            SnapshotStale: keys have not been heard of for too long to tell.
        """
        if not credential.startswith(KEY_PREFIX):
            if not self.signing_keys_loaded.is_set():
                raise DependencyUnavailable("auth")
            return self._tokens.verify(credential)
        digest = _hashed(self._prepared, credential)
        known = self._by_hash.get(digest)
        if known is None:
            known = await self._introspect(digest)
        elif self._follower is not None:
            self._follower.check_fresh()
        expires, principal = known
        if expires != _NEVER and time.time() >= expires:
            raise CredentialsInvalid
        return principal

    async def keep_signing_keys(self) -> None:
        """Fetches auth's public keys, now and every minute. Runs until cancelled."""
        while True:
            wait = _SIGNING_KEYS_SECONDS
            try:
                answer = await self._auth.ListSigningKeys(ListSigningKeysRequest(), timeout=_CALL_SECONDS)
                keys = [json.loads(key.jwk_json) for key in answer.signing_keys]
                self._tokens.set_keys(KeySet.import_key_set({"keys": keys}))
                self.signing_keys_loaded.set()
            except grpc.aio.AioRpcError as failure:
                get_logger().warning("keys.signing_keys_unavailable", error=str(error_from_rpc(failure, "auth")))
                wait = 1.0
            await asyncio.sleep(wait)

    def _put(self, record: KeyRecord) -> tuple[float, Principal]:
        entry = self._by_hash[record.secret_hash] = _entry(record)
        self._unknown.pop(record.secret_hash, None)
        return entry

    async def _introspect(self, digest: bytes) -> tuple[float, Principal]:
        if time.monotonic() < self._unknown.get(digest, 0.0):
            raise CredentialsInvalid
        self._unknown.pop(digest, None)
        resets = self._resets
        try:
            async with asyncio.timeout(_CALL_SECONDS), self._calls:
                answer = await self._auth.IntrospectKey(IntrospectKeyRequest(secret_hash=digest), timeout=_CALL_SECONDS)
        except TimeoutError:
            raise DependencyUnavailable("auth") from None
        except grpc.aio.AioRpcError as failure:
            error = error_from_rpc(failure, "auth")
            if isinstance(error, CredentialsInvalid):
                self._remember_unknown(digest)
            raise error from None
        if digest in self._unknown:
            # Revoked while we asked.
            raise CredentialsInvalid
        if resets != self._resets:
            # A snapshot came while we asked and may have left the key out: good for this once, not to be kept.
            return _entry(answer.key)
        return self._put(answer.key)

    def _remember_unknown(self, digest: bytes) -> None:
        self._unknown[digest] = time.monotonic() + _UNKNOWN_SECONDS
        self._unknown.move_to_end(digest)
        if len(self._unknown) > _UNKNOWN_KEPT:
            self._unknown.popitem(last=False)


def _entry(record: KeyRecord) -> tuple[float, Principal]:
    """When the key expires, in seconds since the epoch, and who it is."""
    principal = Principal(
        user_id=record.user_id,
        organisation_id=record.organisation_id,
        project_id=record.project_id,
        key_id=record.key_id,
        role=record.role,
        scopes=frozenset(record.scopes),
    )
    expires = times.from_timestamp(record.expire_time).timestamp() if record.HasField("expire_time") else _NEVER
    return expires, principal
