"""A database that does not let request ids be forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from services.local.ports import free_port
from services.runtime.db import Database, WriteConnection
from services.runtime.errors import DependencyUnavailable
from services.runtime.request_ids import keep_forgetting
from services.runtime.tasks import end
from tests.fixtures.eventually import eventually


class Troubled(Database):
    """Every transaction fails in this way."""

    def __init__(self, trouble: Exception) -> None:
        super().__init__(f"postgresql://nobody@127.0.0.1:{free_port()}/none", schema="public")
        self._trouble = trouble

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteConnection]:
        raise self._trouble
        yield


@pytest.mark.parametrize(
    "trouble",
    # A statement that takes too long is the driver's TimeoutError, which SQLAlchemy lets through as it is.
    (TimeoutError(), DependencyUnavailable("database"), OperationalError("DELETE", {}, Exception("deadlock detected"))),
    ids=lambda trouble: type(trouble).__name__,
)
async def test_trouble_with_the_database_does_not_stop_the_process(trouble: Exception) -> None:
    db = Troubled(trouble)
    with structlog.testing.capture_logs() as logged:
        forgetting = asyncio.create_task(keep_forgetting(db))
        await eventually(lambda: forgetting.done() or bool(logged))
    assert [line["event"] for line in logged] == ["request_ids.not_forgotten"]
    assert not forgetting.done()
    await end([forgetting])
    await db.close()
