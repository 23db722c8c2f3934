"""A service that gives prepared answers over real gRPC, and keeps what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from services.cli.calling import Caller
from services.runtime.errors import PantheonError
from services.runtime.status import DETAILS_KEY, status_details

Answer = Message | PantheonError


class Prepared:
    """What a method of this request answers, one after the other; the last answer stays."""

    def __init__(self, request: type[Message], *answers: Answer) -> None:
        self.request = request
        self.answers = list(answers)

    def next(self) -> Answer:
        """What is answered now."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Answering:
    """A service of these methods; an error is told as services tell it."""

    def __init__(self, service: str, **methods: Prepared) -> None:
        self.asked: list[Any] = []
        self._service = service
        self._methods = methods

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Caller]:
        """A caller of the service, as long as it runs."""
        methods = {name: self._handler(prepared) for name, prepared in self._methods.items()}
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(self._service, methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield Caller("service", f"127.0.0.1:{port}", "pan-key")
        finally:
            await server.stop(None)

    def _handler(self, prepared: Prepared) -> Any:
        async def handle(request: Message, context: Any) -> Message:
            self.asked.append(request)
            answer = prepared.next()
            if isinstance(answer, Message):
                return answer
            context.set_trailing_metadata(((DETAILS_KEY, status_details(answer)),))
            await context.abort(answer.code, answer.message)
            raise answer

        return grpc.unary_unary_rpc_method_handler(
            handle, prepared.request.FromString, lambda message: message.SerializeToString()
        )
