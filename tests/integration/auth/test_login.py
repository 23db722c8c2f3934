import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import GetCurrentUserRequest, ListSigningKeysRequest, LoginRequest
from services.auth.users import LOGIN_WINDOW
from services.runtime.errors import CredentialsInvalid, InvalidField, LoginFailed, RateLimited
from services.runtime.times import seconds
from tests.integration.auth.running import ADMIN, PASSWORD, RunningAuth, bearer, refused, running_auth


async def attempt(auth: RunningAuth, email: str, password: str = "wrong password") -> None:
    await auth.stub.Login(LoginRequest(email=email, password=password))


async def test_a_login_gives_a_token_that_is_its_user(auth: RunningAuth) -> None:
    answer = await auth.stub.Login(LoginRequest(email=ADMIN, password=PASSWORD))
    assert answer.user.email == ADMIN
    assert answer.user.role == Role.ROLE_PLATFORM_ADMIN
    assert seconds(answer.tokens.expires_in) == 900
    metadata = bearer(answer.tokens.access_token)
    current = await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=metadata)
    assert current.user == answer.user


async def test_an_email_is_the_same_in_any_case(auth: RunningAuth) -> None:
    assert (await auth.login(f"  {ADMIN.upper()} ")).access_token


@pytest.mark.parametrize("email", (ADMIN, "nobody@pantheon.local"))
async def test_wrong_password_and_unknown_email_look_the_same(auth: RunningAuth, email: str) -> None:
    with refused(LoginFailed) as metadata:
        await attempt(auth, email)
    assert metadata == {}


@pytest.mark.parametrize("email", ("", "ada", "a b@example.org", "ada@example.org\0", f"{'a' * 250}@x.org"))
async def test_what_is_no_email_is_said_to_be_none(auth: RunningAuth, email: str) -> None:
    with refused(InvalidField) as metadata:
        await attempt(auth, email)
    assert metadata["field"] == "email"


async def test_a_disabled_user_cannot_log_in(auth: RunningAuth) -> None:
    await auth.user("ada@example.org")
    await auth.disable("ada@example.org")
    with refused(LoginFailed):
        await attempt(auth, "ada@example.org", PASSWORD)


async def test_the_eleventh_attempt_in_a_quarter_of_an_hour_is_refused_even_with_the_right_password(
    auth: RunningAuth,
) -> None:
    for _ in range(10):
        with refused(LoginFailed):
            await attempt(auth, ADMIN)
    with refused(RateLimited) as metadata:
        await attempt(auth, ADMIN, PASSWORD)
    assert metadata["limit"] == "login_attempts"
    assert 890 <= int(metadata["retry_after_seconds"]) <= 900
    auth.clock.advance(LOGIN_WINDOW)
    assert (await auth.login()).access_token


async def test_attempts_at_the_same_time_are_all_counted(auth: RunningAuth) -> None:
    outcomes = await asyncio.gather(*(attempt(auth, ADMIN) for _ in range(14)), return_exceptions=True)
    assert sorted(outcome.code().name for outcome in outcomes) == [  # type: ignore[union-attr]
        *["RESOURCE_EXHAUSTED"] * 4,
        *["UNAUTHENTICATED"] * 10,
    ]


async def test_a_login_starts_the_count_of_attempts_anew(auth: RunningAuth) -> None:
    for _ in range(9):
        with refused(LoginFailed):
            await attempt(auth, ADMIN)
    await auth.login()
    with refused(LoginFailed):
        await attempt(auth, ADMIN)
    assert await auth.rows("SELECT count FROM login_attempts") == [(1,)]


async def test_attempts_of_the_past_are_forgotten(auth: RunningAuth) -> None:
    with refused(LoginFailed):
        await attempt(auth, "nobody@pantheon.local")
    auth.clock.advance(LOGIN_WINDOW + timedelta(seconds=1))
    with refused(LoginFailed):
        await attempt(auth, "nobody.else@pantheon.local")
    assert await auth.rows("SELECT email FROM login_attempts") == [("nobody.else@pantheon.local",)]


async def test_a_token_works_for_a_quarter_of_an_hour(auth: RunningAuth) -> None:
    auth.clock.advance(timedelta(minutes=-14))
    aging = await auth.bearer()
    await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=aging)
    auth.clock.advance(timedelta(minutes=-2))
    expired = await auth.bearer()
    with refused(CredentialsInvalid):
        await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=expired)


@pytest.mark.parametrize("credential", ("x", "a.b.c", "pan-", "pan-" + "x" * 43))
async def test_a_made_up_credential_is_nobodys(auth: RunningAuth, credential: str) -> None:
    with refused(CredentialsInvalid):
        await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(credential))


async def test_replicas_sign_with_one_key_and_publish_its_public_half_only(auth: RunningAuth, tmp_path: Path) -> None:
    async with running_auth(auth.dsn, tmp_path / "keys") as other:
        published = (await other.stub.ListSigningKeys(ListSigningKeysRequest())).signing_keys
        assert published == (await auth.stub.ListSigningKeys(ListSigningKeysRequest())).signing_keys
        assert len(published) == 1
        assert '"d"' not in published[0].jwk_json
        await other.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=await auth.bearer())


async def test_logins_are_in_the_audit_log_whether_they_succeed_or_not(auth: RunningAuth) -> None:
    await auth.login()
    with refused(LoginFailed):
        await attempt(auth, "nobody@pantheon.local")
    records = await auth.rows(
        "SELECT action, subject, actor_id IS NULL FROM audit_log ORDER BY recorded_at DESC LIMIT 2"
    )
    assert records == [("login.failed", "nobody@pantheon.local", True), ("login.succeeded", ADMIN, False)]


async def test_neither_password_nor_token_is_kept_in_clear(auth: RunningAuth) -> None:
    granted = await auth.login()
    (stored,) = await auth.rows("SELECT password_hash FROM users")
    assert stored[0].startswith("$argon2id$")
    (digest,) = await auth.rows("SELECT secret_hash FROM refresh_tokens")
    assert len(digest[0]) == 32
    assert granted.refresh_token.encode() not in digest[0]
