"""Models whose names are like one that nothing has."""

import difflib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pantheon.catalog.v1.catalog_service_pb2 import ListModelsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.cli.calling import Caller, CallFailed
from services.cli.running import CommandFailed
from services.runtime.errors import InvalidField, ModelNotFound

_MOST = 3


@asynccontextmanager
async def suggesting(catalog: Caller, name: str) -> AsyncIterator[None]:
    """Adds to the failure of a call, where it is that there is no model of this name, some that are called alike.

    An empty name is none, and nothing is like it.
    """
    try:
        yield
    except CallFailed as failure:
        if not name or not _is_about(failure, name):
            raise
        near = await _near(catalog, name)
        if not near:
            raise
        raise CommandFailed(f"{failure}; is one of these meant: {', '.join(near)}?") from None


def _is_about(failure: CallFailed, name: str) -> bool:
    error = failure.error
    return isinstance(error, ModelNotFound) or (isinstance(error, InvalidField) and error.metadata["value"] == name)


async def _near(catalog: Caller, name: str) -> list[str]:
    stub = CatalogServiceStub(catalog.channel)
    names: list[str] = []
    async for page in catalog.pages(stub.ListModels, ListModelsRequest()):
        for model in page.models:
            names += (model.id, *model.aliases)
    return difflib.get_close_matches(name, names, _MOST)
