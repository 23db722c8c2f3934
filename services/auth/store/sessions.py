"""Attempts to log in, sessions, and the refresh tokens of which one at a time keeps a session going."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.auth.entities import LoginAttempts, RefreshToken, User
from services.auth.store.identity import USER_COLUMNS
from services.auth.tables import login_attempts, refresh_tokens, sessions, users
from services.runtime.db import WriteConnection

_FORGOTTEN_AT_ONCE = 100


async def count_attempt(
    connection: WriteConnection, email: str, *, now: datetime, window_start: datetime
) -> LoginAttempts:
    """Counts one more attempt, from one on if the first was before the window. Forgets a few that are over."""
    over = login_attempts.c.first_at <= window_start
    counted = insert(login_attempts).values(email=email, first_at=now, count=1)
    counted = counted.on_conflict_do_update(
        index_elements=["email"],
        set_={
            "first_at": case((over, now), else_=login_attempts.c.first_at),
            "count": case((over, 1), else_=login_attempts.c.count + 1),
        },
    )
    row = (await connection.execute(counted.returning(login_attempts.c.first_at, login_attempts.c.count))).one()
    forgotten = select(login_attempts.c.email).where(over).limit(_FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
    await connection.execute(delete(login_attempts).where(login_attempts.c.email.in_(forgotten)))
    return LoginAttempts(*row)


async def forget_attempts(connection: WriteConnection, email: str) -> None:
    """Starts the count anew."""
    await connection.execute(delete(login_attempts).where(login_attempts.c.email == email))


async def open_session(
    connection: WriteConnection, session_id: UUID, user_id: UUID, *, now: datetime, expires_at: datetime
) -> None:
    """Begins a session and clears away the user's expired ones."""
    await connection.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at <= now))
    await connection.execute(insert(sessions).values(id=session_id, user_id=user_id, expires_at=expires_at))


async def add_token(connection: WriteConnection, session_id: UUID, secret_hash: bytes, *, expires_at: datetime) -> None:
    """Keeps a new refresh token, with which its session lives on."""
    await connection.execute(
        insert(refresh_tokens).values(secret_hash=secret_hash, session_id=session_id, expires_at=expires_at)
    )
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(expires_at=expires_at))


async def lock_token(connection: WriteConnection, secret_hash: bytes) -> RefreshToken | None:
    """The token with this hash; nobody else uses it or its session before this transaction ends."""
    query = (
        select(
            refresh_tokens.c.session_id,
            refresh_tokens.c.expires_at,
            refresh_tokens.c.used_at,
            sessions.c.ended_at,
            *USER_COLUMNS,
        )
        .select_from(refresh_tokens.join(sessions).join(users, users.c.id == sessions.c.user_id))
        .where(refresh_tokens.c.secret_hash == secret_hash)
        .with_for_update(of=(sessions, refresh_tokens))
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    session_id, expires_at, used_at, ended_at, *user = row
    return RefreshToken(session_id, User(*user), expires_at, used_at, ended_at)


async def mark_used(connection: WriteConnection, secret_hash: bytes, now: datetime) -> None:
    """The token was exchanged."""
    await connection.execute(
        update(refresh_tokens).where(refresh_tokens.c.secret_hash == secret_hash).values(used_at=now)
    )


async def end_session(connection: WriteConnection, session_id: UUID, now: datetime) -> None:
    """None of the session's refresh tokens works any more."""
    ended = func.coalesce(sessions.c.ended_at, now)
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(ended_at=ended))
