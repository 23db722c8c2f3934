import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from pantheon.auth.v1.auth_service_pb2 import GetCurrentUserRequest, LoginRequest, RefreshTokenRequest, Tokens
from services.auth.entities import RefreshToken
from services.auth.store import sessions
from services.runtime.errors import CredentialsInvalid
from services.runtime.keys import secret_hash
from tests.integration.auth.running import ADMIN, PASSWORD, PEPPER, RunningAuth, bearer, refused


async def refresh(auth: RunningAuth, token: str) -> Tokens:
    return (await auth.stub.RefreshToken(RefreshTokenRequest(refresh_token=token))).tokens


async def test_a_refresh_token_is_exchanged_for_new_tokens(auth: RunningAuth) -> None:
    first = await auth.login()
    second = await refresh(auth, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(second.access_token))
    await refresh(auth, second.refresh_token)


async def test_the_second_use_of_a_refresh_token_ends_all_that_came_from_it(auth: RunningAuth) -> None:
    stolen = (await auth.login()).refresh_token
    elsewhere = (await auth.login()).refresh_token
    successor = (await refresh(auth, stolen)).refresh_token
    with refused(CredentialsInvalid):
        await refresh(auth, stolen)
    with refused(CredentialsInvalid):
        await refresh(auth, successor)
    await refresh(auth, elsewhere)
    assert await auth.rows("SELECT count(*) FROM audit_log WHERE action = 'refresh_token.reused'") == [(1,)]


async def test_of_many_uses_at_the_same_time_one_succeeds_and_the_session_ends(auth: RunningAuth) -> None:
    for _ in range(5):
        token = (await auth.login()).refresh_token
        outcomes = await asyncio.gather(*(refresh(auth, token) for _ in range(8)), return_exceptions=True)
        (granted,) = [outcome for outcome in outcomes if isinstance(outcome, Tokens)]
        with refused(CredentialsInvalid):
            await refresh(auth, granted.refresh_token)


async def test_reuse_during_an_exchange_leaves_no_token_that_works(auth: RunningAuth) -> None:
    for _ in range(5):
        old = (await auth.login()).refresh_token
        current = (await refresh(auth, old)).refresh_token
        uses = [refresh(auth, current), *(refresh(auth, old) for _ in range(3))]
        outcomes = await asyncio.gather(*uses, return_exceptions=True)
        for granted in (outcome for outcome in outcomes if isinstance(outcome, Tokens)):
            with refused(CredentialsInvalid):
                await refresh(auth, granted.refresh_token)


async def test_who_uses_another_token_of_a_session_waits_for_an_exchange_to_end(auth: RunningAuth) -> None:
    old = (await auth.login()).refresh_token
    current = (await refresh(auth, old)).refresh_token

    async def use(token: str) -> RefreshToken | None:
        async with auth.db.write() as connection:
            return await sessions.lock_token(connection, secret_hash(PEPPER.encode(), token))

    async with auth.db.write() as exchange:
        await sessions.lock_token(exchange, secret_hash(PEPPER.encode(), current))
        reuse = asyncio.create_task(use(old))
        finished, _ = await asyncio.wait({reuse}, timeout=0.2)
        assert not finished
        await sessions.end_session(exchange, (await session_ids(auth))[0], auth.clock())
    found = await reuse
    assert found is not None
    assert found.session_ended_at is not None


async def session_ids(auth: RunningAuth) -> list[UUID]:
    return [row[0] for row in await auth.rows("SELECT id FROM sessions")]


async def test_a_refresh_token_works_for_thirty_days(auth: RunningAuth) -> None:
    token = (await auth.login()).refresh_token
    auth.clock.advance(timedelta(days=29, hours=23))
    second = (await refresh(auth, token)).refresh_token
    auth.clock.advance(timedelta(days=30))
    with refused(CredentialsInvalid):
        await refresh(auth, second)


async def test_a_login_clears_expired_sessions_away(auth: RunningAuth) -> None:
    await auth.login()
    auth.clock.advance(timedelta(days=31))
    await auth.login()
    assert await auth.rows("SELECT count(*) FROM sessions") == [(1,)]
    assert await auth.rows("SELECT count(*) FROM refresh_tokens") == [(1,)]


@pytest.mark.parametrize("token", ("", "x" * 43))
async def test_an_unknown_refresh_token_is_refused(auth: RunningAuth, token: str) -> None:
    with refused(CredentialsInvalid):
        await refresh(auth, token)


async def test_a_disabled_user_gets_no_new_tokens(auth: RunningAuth) -> None:
    await auth.user("ada@example.org")
    token = (await auth.login("ada@example.org")).refresh_token
    await auth.disable("ada@example.org")
    with refused(CredentialsInvalid):
        await refresh(auth, token)


async def test_an_expired_token_that_is_sent_along_does_not_hinder_login_or_refresh(auth: RunningAuth) -> None:
    auth.clock.advance(timedelta(hours=-1))
    old = await auth.login()
    metadata = bearer(old.access_token)
    await auth.stub.RefreshToken(RefreshTokenRequest(refresh_token=old.refresh_token), metadata=metadata)
    await auth.stub.Login(LoginRequest(email=ADMIN, password=PASSWORD), metadata=metadata)


async def test_tokens_never_reach_the_log_of_errors(auth: RunningAuth) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await refresh(auth, "a-refresh-token")
    assert "a-refresh-token" not in (failure.value.details() or "")
