"""The sandbox's own endpoints, for those who run it: the request log and the faults to come."""

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from services.sandbox.exchange import Laboratory
from services.sandbox.faults import Directives, Rule
from services.sandbox.provider import Provider
from services.sandbox.recorder import Recorder, RequestRecord

_ABOUT = "Simulated LLM providers for demos, tests, load and game days. Nothing here is a real model, or costs money."
_LONGEST_WAIT_S = 60.0


class RequestLog(msgspec.Struct, frozen=True):
    """The answer of `GET /__sandbox__/requests`; `requests` are the kept ones, oldest first."""

    seen: int
    """All since the start or the last clearing, those no longer kept included."""
    requests: list[RequestRecord]


class Control:
    """Serves `/__sandbox__`.

    - `GET /` tells what this is;
    - `GET /requests` the log; `?at_least=N&timeout=S` first waits until N requests were seen, S seconds at the most;
      `DELETE /requests` clears it;
    - `POST /faults` adds a rule (`faults.Rule`), `GET /faults` lists them, `DELETE /faults` takes all back.
    """

    def __init__(self, laboratory: Laboratory, providers: tuple[Provider, ...]) -> None:
        self._laboratory = laboratory
        self._providers = providers

    def routes(self) -> list[BaseRoute]:
        """The routes below `/__sandbox__`."""
        return [
            Route("/", self._about, methods=["GET"]),
            Route("/requests", self._requests, methods=["GET", "DELETE"]),
            Route("/faults", self._faults, methods=["GET", "POST", "DELETE"]),
        ]

    async def _about(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        names = {provider.name: base + provider.prefix for provider in self._providers}
        directives = [field.encode_name for field in msgspec.structs.fields(Directives)]
        return _json({"about": _ABOUT, "base_urls": names, "directives": directives})

    async def _requests(self, request: Request) -> Response:
        recorder = self._laboratory.recorder
        if request.method == "DELETE":
            recorder.clear()
            return Response(status_code=204)
        try:
            at_least = int(request.query_params.get("at_least", "0"))
            timeout = min(float(request.query_params.get("timeout", "0")), _LONGEST_WAIT_S)
        except ValueError as error:
            return PlainTextResponse(f"at_least and timeout have to be numbers: {error}", 400)
        await _wait(recorder, at_least, timeout)
        return _json(RequestLog(recorder.seen, list(recorder)))

    async def _faults(self, request: Request) -> Response:
        rules = self._laboratory.rules
        if request.method == "DELETE":
            rules.clear()
            return Response(status_code=204)
        if request.method == "POST":
            try:
                rules.add(msgspec.json.decode(await request.body(), type=Rule))
            except msgspec.DecodeError as error:
                return PlainTextResponse(f"not a rule: {error}", 400)
        return _json(list(rules))


async def _wait(recorder: Recorder, at_least: int, timeout: float) -> None:
    """Returns when so many requests were seen or the time is over; what was seen tells which."""
    try:
        await recorder.wait_until(lambda seen: seen.seen >= at_least, timeout)
    except TimeoutError:
        return


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
