"""Users' settings."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import PARAMETER_NAMES, Choice, Parameters, UserSettings
from services.catalog.tables import USER_SETTINGS
from services.runtime.db import ReadConnection, WriteConnection, lock_for
from services.runtime.ids import NIL


async def lock(connection: WriteConnection, user_id: str) -> None:
    """Lets one transaction at a time change the settings of this user, those never set before included."""
    await lock_for(connection, f"pantheon.catalog.settings.{user_id}")


async def get(connection: ReadConnection, user_id: str) -> UserSettings:
    """The user's settings; empty ones where none were ever set."""
    row = (await connection.execute(select(USER_SETTINGS).where(USER_SETTINGS.c.user_id == user_id))).one_or_none()
    return _settings(row) if row else UserSettings(user_id)


async def page(connection: ReadConnection, *, after: str = "", limit: int) -> list[UserSettings]:
    """Settings of users whose id comes after `after`, by user."""
    query = select(USER_SETTINGS).where(USER_SETTINGS.c.user_id > (after or NIL))
    return [_settings(row) for row in await connection.execute(query.order_by(USER_SETTINGS.c.user_id).limit(limit))]


async def write(connection: WriteConnection, settings: UserSettings) -> None:
    """Replaces the user's settings."""
    values = {
        "user_id": settings.user_id,
        "preferred_model": settings.preferred_model,
        "use_cases": {name: asdict(choice) for name, choice in settings.use_cases.items()},
        "update_time": settings.update_time,
        **asdict(settings.parameters),
    }
    statement = insert(USER_SETTINGS).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


def _settings(row: Row[Any]) -> UserSettings:
    parameters = Parameters(**{name: getattr(row, name) for name in PARAMETER_NAMES})
    use_cases = {name: Choice(**choice) for name, choice in row.use_cases.items()}
    return UserSettings(row.user_id, row.preferred_model, parameters, row.update_time, use_cases)
