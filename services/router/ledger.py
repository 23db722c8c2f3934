"""What the router asks of the usage service: how much of a spool the ledger has."""

from collections.abc import Awaitable, Callable

import grpc

from pantheon.usage.v1.usage_service_pb2 import GetWatermarkRequest
from pantheon.usage.v1.usage_service_pb2_grpc import UsageServiceStub
from services.runtime.status import error_from_rpc

_CALL_SECONDS = 5.0


def watermarks_from(usage: grpc.aio.Channel) -> Callable[[str], Awaitable[int]]:
    """The usage service as the source of watermarks: spool id -> the number everything up to which is booked.

    The function raises a PantheonError when the service can't be asked.
    """
    stub = UsageServiceStub(usage)

    async def ask(spool_id: str) -> int:
        try:
            answer = await stub.GetWatermark(GetWatermarkRequest(spool_id=spool_id), timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as failure:
            raise error_from_rpc(failure, "usage") from None
        return answer.watermark.committed_through

    return ask
