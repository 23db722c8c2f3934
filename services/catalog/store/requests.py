"""Which requests to make something were carried out."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.tables import REQUESTS
from services.runtime.db import WriteConnection
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
    if len(request_id) > _LENGTH or not request_id.isprintable():
        raise InvalidField("request_id", request_id, f"at most {_LENGTH} printable characters")
    claim = {"user_id": user_id, "method": method, "request_id": request_id}
    claimed = insert(REQUESTS).values(**claim, made_id=made_id).on_conflict_do_nothing()
    if (await connection.execute(claimed)).rowcount != 1:
        made = (await connection.execute(select(REQUESTS.c.made_id).filter_by(**claim))).scalar_one()
        raise RequestRepeated(request_id, made)
