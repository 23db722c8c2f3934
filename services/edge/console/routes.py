"""The console's routes: one view a page, the static files, and the page of an error."""

import os
from pathlib import Path

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

from services.edge.console.board import Board
from services.edge.console.pages import Pages
from services.edge.console.views.overview import Overview
from services.edge.errors import error_headers
from services.edge.settings import EdgeSettings
from services.runtime.errors import PantheonError

_STATIC = Path(__file__).with_name("static")


class Console:
    """Everything outside `/api`."""

    def __init__(self, settings: EdgeSettings, board: Board) -> None:
        self._pages = Pages()
        self._overview = Overview(self._pages, settings, board)

    def routes(self) -> list[BaseRoute]:
        """The routes of the console."""
        return [
            Route("/", self._overview.show, methods=["GET"]),
            Mount("/static", _Static(directory=_STATIC)),
        ]

    def error_page(self, error: PantheonError) -> Response:
        """What a person sees of an error."""
        page = self._pages.render("error.html", error.http_status, error=error)
        page.headers.update(error_headers(error))
        return page


class _Static(StaticFiles):
    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Kept by browsers, and asked about each time: an ETag says whether it changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        return response
