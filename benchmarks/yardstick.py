"""What the surfaces cost with nothing behind them: `python -m benchmarks.yardstick http|grpc UPSTREAM`.

`http` hands each request on to the upstream with aiohttp and the answer back, unread; `grpc` answers a fixed message.
They know no keys, prices, journal or ledger. Measured in turns with the router, they tell what of its figure is the
machine's doing. Prints its port, serves until its input ends.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import aiohttp
import grpc
import uvloop
from aiohttp import web

from pantheon.router.v1.completion_pb2 import Choice, Completion
from pantheon.router.v1.message_pb2 import Message, Part, TextPart
from pantheon.router.v1.router_service_pb2 import (
    CompleteRequest,
    CompleteResponse,
    StreamCompleteRequest,
    StreamCompleteResponse,
)
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceServicer, add_RouterServiceServicer_to_server
from services.runtime.errors import NoSuchMethod
from services.runtime.rpc import RpcContext

_ANSWER = Completion(choices=[Choice(message=Message(parts=[Part(text=TextPart(text="All work and no play. " * 12))]))])


class Fixed(RouterServiceServicer):
    """Answers every completion with the same message."""

    async def Complete(self, request: CompleteRequest, context: RpcContext) -> CompleteResponse:
        """See the proto."""
        return CompleteResponse(completion=_ANSWER)

    def StreamComplete(
        self, request: StreamCompleteRequest, context: RpcContext
    ) -> AsyncIterator[StreamCompleteResponse]:
        """Not measured."""
        raise NoSuchMethod("StreamComplete")


async def http(upstream: str) -> None:
    """A server that forwards and no more."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())

    async def forward(request: web.Request) -> web.Response:
        headers = {"content-type": "application/json", "authorization": "Bearer static"}
        async with session.post(upstream + "/chat/completions", data=await request.read(), headers=headers) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

    application = web.Application()
    application.router.add_post("/v1/chat/completions", forward)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with session:
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def rpc(_upstream: str) -> None:
    """A server that answers and no more."""
    server = grpc.aio.server()
    add_RouterServiceServicer_to_server(Fixed(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run({"http": http, "grpc": rpc}[sys.argv[1]](sys.argv[2]))
