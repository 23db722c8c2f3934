"""RPCs about tokens: login and refresh."""

from dataclasses import replace
from uuid import UUID

from pantheon.auth.v1.auth_service_pb2 import (
    LoginRequest,
    LoginResponse,
    RefreshTokenRequest,
    RefreshTokenResponse,
    Tokens,
)
from services.auth import messages, tokens, users
from services.auth.entities import Account, Actor, User
from services.auth.resources import Resources
from services.auth.store import identity, sessions
from services.auth.writing import NOBODY, Write, writing
from services.runtime.errors import CredentialsInvalid, LoginFailed
from services.runtime.ids import uuid7
from services.runtime.keys import secret_hash
from services.runtime.rpc import RpcContext


class TokenRpcs:
    """Login and what comes of it."""

    resources: Resources

    async def Login(self, request: LoginRequest, context: RpcContext) -> LoginResponse:
        email = users.email("email", request.email)
        account = await self._account(email)
        stored = account.password_hash if account else None
        matches = await self.resources.passwords.matches(stored, request.password)
        if account is None or not matches or account.user.disabled_at is not None:
            async with writing(self.resources.outbox, NOBODY, self.resources.clock()) as write:
                await write.record("login.failed", email)
            raise LoginFailed
        async with writing(self.resources.outbox, _actor(account.user), self.resources.clock()) as write:
            await sessions.forget_attempts(write.connection, email)
            granted = await self._open_session(write, account.user)
            await write.record("login.succeeded", email)
        return LoginResponse(tokens=granted, user=messages.user(account.user))

    async def RefreshToken(self, request: RefreshTokenRequest, context: RpcContext) -> RefreshTokenResponse:
        digest = secret_hash(self.resources.pepper, request.refresh_token)
        granted = None
        async with writing(self.resources.outbox, NOBODY, self.resources.clock()) as write:
            held = await sessions.lock_token(write.connection, digest)
            outcome = tokens.judge(held, write.now)
            if held is not None and outcome is tokens.Exchange.GRANTED:
                await sessions.mark_used(write.connection, digest, write.now)
                granted = await self._grant(write, held.user, held.session_id)
            elif held is not None and outcome is tokens.Exchange.REUSED:
                await sessions.end_session(write.connection, held.session_id, write.now)
                thief = replace(_actor(held.user), user_id=None)
                await replace(write, actor=thief).record("refresh_token.reused", str(held.user.id))
        # The end of a session is to be kept: the error comes after the commit.
        if granted is None:
            raise CredentialsInvalid
        return RefreshTokenResponse(tokens=granted)

    async def _account(self, email: str) -> Account | None:
        """Counts the attempt, before any password is looked at, and finds who has the email."""
        now = self.resources.clock()
        async with self.resources.db.write() as connection:
            attempts = await sessions.count_attempt(connection, email, now=now, window_start=now - users.LOGIN_WINDOW)
        users.check_attempts(attempts, now)
        async with self.resources.db.read() as connection:
            return await identity.find_account(connection, email)

    async def _open_session(self, write: Write, user: User) -> Tokens:
        session_id = uuid7()
        expires_at = write.now + tokens.REFRESH_TOKEN_LIFE
        await sessions.open_session(write.connection, session_id, user.id, now=write.now, expires_at=expires_at)
        return await self._grant(write, user, session_id)

    async def _grant(self, write: Write, user: User, session_id: UUID) -> Tokens:
        project_id = await identity.first_project(write.connection, user.organisation_id)
        refresh_token = tokens.new_refresh_token()
        digest = secret_hash(self.resources.pepper, refresh_token)
        expires_at = write.now + tokens.REFRESH_TOKEN_LIFE
        await sessions.add_token(write.connection, session_id, digest, expires_at=expires_at)
        issuer = self.resources.issuer
        return messages.tokens(issuer.issue(user, project_id, write.now), issuer.life, refresh_token)


def _actor(user: User) -> Actor:
    return Actor(user.id, None, user.organisation_id)
