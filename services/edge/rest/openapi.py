"""`/api/openapi.yaml`: the description of all that is below `/api`, for whoever asks."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

DOCUMENT = Path(__file__).parents[1] / "openapi.yaml"


class OpenApiRoutes:
    """`GET /api/openapi.yaml`, without credentials: it says nothing that the sources do not."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [Route("/api/openapi.yaml", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """The document; its ETag says whether it changed. The media type is that of RFC 9512."""
        return FileResponse(DOCUMENT, media_type="application/yaml", headers={"cache-control": "no-cache"})
