"""What the surfaces cost with nothing behind them: `python -m benchmarks.yardstick http|grpc UPSTREAM`.

`http` hands each request on to the upstream with aiohttp and the answer back, unread; `grpc` answers a fixed message.
They know no keys, prices, journal or ledger. Measured in turns with the router, they tell what of its figure is the
machine's doing. Prints its port, serves until its input ends.
"""

import asyncio
import sys
from typing import Any

import aiohttp
import grpc
import uvloop
from aiohttp import web

from pantheon.router.v1.completion_pb2 import Choice, Completion
from pantheon.router.v1.message_pb2 import Message, Part, TextPart
from pantheon.router.v1.router_service_pb2 import CompleteRequest, CompleteResponse
from services.runtime.rpc import RpcContext

_SERVICE = "pantheon.router.v1.RouterService"
_ANSWER = Completion(choices=[Choice(message=Message(parts=[Part(text=TextPart(text="All work and no play. " * 12))]))])


async def complete(_request: CompleteRequest, _context: RpcContext) -> CompleteResponse:
    """The same answer to every completion."""
    return CompleteResponse(completion=_ANSWER)


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
    handler: Any = grpc.unary_unary_rpc_method_handler(
        complete,
        request_deserializer=CompleteRequest.FromString,
        response_serializer=CompleteResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, {"Complete": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run({"http": http, "grpc": rpc}[sys.argv[1]](sys.argv[2]))
