"""Auth comes to another master key."""

import base64
import secrets
from pathlib import Path

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN
from pantheon.auth.v1.auth_service_pb2 import GetCurrentUserRequest, RotateMasterKeyRequest
from services.runtime.errors import AccessDenied, Conflict, CredentialsMissing
from tests.integration.auth.running import MASTER_KEY, Metadata, RunningAuth, refused, running_auth
from tests.integration.auth.test_process import ended, environment

NEW = base64.b64encode(secrets.token_bytes(32)).decode()


async def rotated(auth: RunningAuth, metadata: Metadata) -> tuple[int, int]:
    answer = await auth.stub.RotateMasterKey(RotateMasterKeyRequest(), metadata=metadata)
    return answer.resealed, answer.current


async def key_id(auth: RunningAuth) -> str:
    ((found,),) = await auth.rows("SELECT id FROM signing_keys")
    return str(found)


async def test_tokens_outlive_the_master_key(auth_database_url: str, tmp_path: Path) -> None:
    async with running_auth(auth_database_url, tmp_path) as before:
        administrator = await before.bearer()
        assert await rotated(before, administrator) == (0, 1)
    async with running_auth(auth_database_url, tmp_path, f"{NEW},{MASTER_KEY}") as both:
        assert await rotated(both, administrator) == (1, 0)
        assert await rotated(both, administrator) == (0, 1)
        logged = await both.rows("SELECT action, subject FROM audit_log WHERE action LIKE 'signing_key.%'")
        assert logged == [("signing_key.resealed", await key_id(both))]
    async with running_auth(auth_database_url, tmp_path, NEW) as after:
        await after.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=administrator)
    code, errors = await ended(environment(auth_database_url, tmp_path, MASTER_KEY=MASTER_KEY))
    lines = [line for line in errors.splitlines() if not line.startswith("{")]
    assert code == 1
    assert lines == [
        "PANTHEON_MASTER_KEY: not the one under which the token signing key in this database was encrypted"
    ]


async def test_a_damaged_key_is_named(auth: RunningAuth) -> None:
    administrator = await auth.bearer()
    key = await key_id(auth)
    async with auth.db.write() as connection:
        ((sealed,),) = (await connection.exec_driver_sql("SELECT sealed_jwk FROM signing_keys")).all()
        await connection.exec_driver_sql("UPDATE signing_keys SET sealed_jwk = $1", (sealed[:20],))
    try:
        with refused(Conflict) as metadata:
            await rotated(auth, administrator)
        assert metadata == {"resource": "signing_key", "id": key}
    finally:
        async with auth.db.write() as connection:
            await connection.exec_driver_sql("UPDATE signing_keys SET sealed_jwk = $1", (sealed,))


async def test_only_platform_administrators_rotate(auth: RunningAuth) -> None:
    _, administrator = await auth.user("ada@example.org", ROLE_ORGANISATION_ADMIN)
    with refused(AccessDenied):
        await rotated(auth, administrator)
    with refused(CredentialsMissing):
        await rotated(auth, ())
