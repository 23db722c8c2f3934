"""The sandbox as an ASGI application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from services.sandbox.anthropic import Anthropic
from services.sandbox.control import Control
from services.sandbox.doors import LaboratoryDoors
from services.sandbox.exchange import Laboratory
from services.sandbox.gemini import Gemini
from services.sandbox.openai import OpenAI
from services.sandbox.openrouter import OpenRouter
from services.sandbox.provider import Provider

PROVIDERS: tuple[type[Provider], ...] = (OpenAI, OpenRouter, Anthropic, Gemini)
"""Every simulated provider. A new one is a module with a `Provider` and its name here."""


def create_app(laboratory: Laboratory) -> Starlette:
    """All providers below their base URLs, the control endpoints, and the probes."""
    providers = tuple(provider() for provider in PROVIDERS)
    doors = LaboratoryDoors(laboratory)
    mounts = [Mount(each.prefix, routes=list(each.routes(doors))) for each in providers]
    control = Mount("/__sandbox__", routes=Control(laboratory, providers).routes())
    return Starlette(routes=[*mounts, control, Route("/livez", _ok), Route("/readyz", _ok)])


async def _ok(_: Request) -> Response:
    return PlainTextResponse("ok")
