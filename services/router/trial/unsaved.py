"""Custom models that are not kept yet: the catalog says whether one may be made, and what it would be."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc

from pantheon.catalog.v1.catalog_service_pb2 import CheckCustomModelRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.custom_model_pb2 import CustomModel as Description
from services.router.catalog import CustomModel
from services.router.catalog_messages import custom_model_of
from services.runtime.rpc import RpcContext
from services.runtime.status import error_from_rpc

_CALL_SECONDS = 10.0

Check: TypeAlias = Callable[[Description, str], Awaitable[CustomModel]]
"""Takes a description and the `authorization` of who gives it. Raises PantheonError where it may not be made."""


def authorization_of(context: RpcContext) -> str:
    """What the caller of an RPC proved to be with: of several the last, as it was verified; empty: nothing."""
    return str(dict(context.invocation_metadata() or ()).get("authorization", ""))


def checked_by(catalog: grpc.aio.Channel) -> Check:
    """The catalog as judge. It is asked in the caller's name, for what a model may be depends on who makes it."""
    stub = CatalogServiceStub(catalog)

    async def check(description: Description, authorization: str) -> CustomModel:
        request = CheckCustomModelRequest(custom_model=description)
        metadata = (("authorization", authorization),)
        try:
            answer = await stub.CheckCustomModel(request, timeout=_CALL_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as failure:
            raise error_from_rpc(failure, "catalog") from None
        return custom_model_of(answer.custom_model)

    return check
