"""The edge as an ASGI application: what is where, and what stands around it."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.edge.backends import Backends
from services.edge.console.board import Board
from services.edge.console.routes import Console
from services.edge.errors import from_starlette
from services.edge.middleware.faults import Faults
from services.edge.middleware.request_context import RequestContext
from services.edge.middleware.security_headers import SecurityHeaders
from services.edge.rest.answers import error_answer
from services.edge.rest.auth import AuthRoutes
from services.edge.rest.custom_models import CustomModelRoutes
from services.edge.rest.model_tests import ModelTestRoutes
from services.edge.rest.models import ModelRoutes
from services.edge.rest.openapi import OpenApiRoutes
from services.edge.rest.prices import PriceRoutes
from services.edge.rest.provider_keys import ProviderKeyRoutes
from services.edge.rest.settings import SettingsRoutes
from services.edge.rest.syncs import SyncRoutes
from services.edge.rest.usage import UsageRoutes
from services.edge.rest.use_cases import UseCaseRoutes
from services.edge.settings import EdgeSettings
from services.runtime.errors import PantheonError

_API = "/api"


def rest_routes(settings: EdgeSettings, backends: Backends) -> list[BaseRoute]:
    """Everything below `/api`. Where ids have slashes in them, what begins like one comes first."""
    catalog = backends.catalog
    return [
        *OpenApiRoutes().routes(),
        *AuthRoutes(backends.auth).routes(),
        *SettingsRoutes(catalog).routes(),
        *UsageRoutes(backends.usage, sandbox=bool(settings.sandbox_url)).routes(),
        *SyncRoutes(catalog).routes(),
        *ModelRoutes(catalog).routes(),
        *PriceRoutes(catalog).routes(),
        *UseCaseRoutes(catalog).routes(),
        *ProviderKeyRoutes(catalog).routes(),
        *ModelTestRoutes(backends.router, catalog).routes(),
        *CustomModelRoutes(catalog).routes(),
    ]


def create_app(settings: EdgeSettings, backends: Backends, board: Board) -> Starlette:
    """REST below `/api`, the console everywhere else; errors are told in the form of the part they happen in."""
    console = Console(settings, board)
    routes = [*rest_routes(settings, backends), *console.routes()]

    def tell(request: Request, error: PantheonError) -> Response:
        path = request.scope["path"]
        return error_answer(error) if path == _API or path.startswith(f"{_API}/") else console.error_page(error)

    async def on_error(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            error = from_starlette(request, error)
        if not isinstance(error, PantheonError):
            raise error
        return tell(request, error)

    app = Starlette(
        routes=routes,
        middleware=[Middleware(RequestContext), Middleware(SecurityHeaders), Middleware(Faults, tell=tell)],
        exception_handlers={PantheonError: on_error, HTTPException: on_error},
    )
    # A path is right or wrong; a redirect would be built from the Host header, which anyone may forge.
    app.router.redirect_slashes = False
    return app
