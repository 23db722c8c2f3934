"""One request on its way to one candidate, and what comes back."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from services.router.attempts import Call, too_long
from services.router.catalog import Key
from services.router.plan import Candidate
from services.router.upstream import Response
from services.router.upstreams import Upstreams
from services.runtime.deadline import Deadline
from services.runtime.errors import PantheonError

Result = TypeVar("Result")


class Outgoing(NamedTuple):
    """A request as it is sent."""

    url: str
    headers: dict[str, str]
    body: bytes


def outgoing(call: Call, candidate: Candidate, key: Key) -> Outgoing:
    """What to send to this candidate. Raises BadRequest where its format can't say what the request says."""
    provider, wire, model = candidate.provider, candidate.wire, candidate.endpoint.provider_model_id
    request = call.request
    headers = {"content-type": "application/json", "user-agent": "pantheon", **wire.request_headers(request)}
    if key.secret:
        headers[provider.key_header] = provider.key_prefix + key.secret
    body = wire.render_request(request, model, call.plan.fill, provider.dialect)
    return Outgoing(wire.request_url(provider.base_url, model, stream=request.stream), headers, body)


class Sender:
    """Sends requests; none takes longer with its answer than `longest_seconds` from its beginning (monotonic)."""

    def __init__(self, upstreams: Upstreams, longest_seconds: float) -> None:
        self._upstreams = upstreams
        self._longest_seconds = longest_seconds
        self._loop = asyncio.get_running_loop()

    async def send(self, began: float, candidate: Candidate, sent: Outgoing, key: Key) -> Response:
        """The answer as far as its status, whichever that is. Raises as `Upstreams.send` does."""
        response = await self._in_time(began, self._upstreams.send(candidate, *sent))
        response.hide(key.secret)
        return response

    async def read(self, began: float, response: Response) -> bytes:
        """The whole body; whatever comes of it, the response is closed. Raises as `Response.read` does."""
        try:
            if response.has_come:
                return await response.read()
            return await self._in_time(began, response.read())
        finally:
            response.close()

    async def refusal(self, began: float, candidate: Candidate, response: Response) -> PantheonError:
        """What an answer means that is none of success. Raises as `Response.read` does."""
        content = await self.read(began, response)
        return candidate.wire.parse_error(response.status, response.headers, content)

    async def _in_time(self, began: float, waiting: Coroutine[Any, Any, Result]) -> Result:
        """The result. Raises ProviderTimeout once the attempt has taken longer than any may."""
        try:
            with Deadline(self._loop, self._loop.time() + began + self._longest_seconds - time.monotonic()):
                return await waiting
        except TimeoutError:
            raise too_long() from None
