"""Which requests to make something were carried out."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.tables import REQUESTS
from services.runtime.db import ReadConnection, WriteConnection
from services.runtime.errors import InvalidField, RequestRepeated

_LENGTH = 64


async def claim(connection: WriteConnection, user_id: str, method: str, request_id: str, made_id: str) -> None:
    """Sees to it that a request is carried out once. Nothing happens where the caller gave no id.

    Raises:
        InvalidField: the id is too long.
        RequestRepeated: it was carried out before; names what it made.
    """
    if not request_id:
        return
    _check(request_id)
    claimed = insert(REQUESTS).values(user_id=user_id, method=method, request_id=request_id, made_id=made_id)
    if (await connection.execute(claimed.on_conflict_do_nothing())).rowcount != 1:
        await check_new(connection, user_id, method, request_id)


async def check_new(connection: ReadConnection, user_id: str, method: str, request_id: str) -> None:
    """Lets a request pass that was not carried out before, as far as can be seen without claiming it.

    Raises:
        InvalidField, RequestRepeated: as `claim` does.
    """
    if not request_id:
        return
    _check(request_id)
    query = select(REQUESTS.c.made_id).filter_by(user_id=user_id, method=method, request_id=request_id)
    made = (await connection.execute(query)).scalar_one_or_none()
    if made is not None:
        raise RequestRepeated(request_id, made)


def _check(request_id: str) -> None:
    if len(request_id) > _LENGTH or not request_id.isprintable():
        raise InvalidField("request_id", request_id, f"at most {_LENGTH} printable characters")
