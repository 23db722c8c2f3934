"""The first page: what runs where, and the ways in."""

from starlette.requests import Request
from starlette.responses import Response

from services.edge.console.board import Board, Row
from services.edge.console.pages import Pages
from services.edge.console.probes import State
from services.edge.settings import EdgeSettings


class Overview:
    """`GET /`. Anyone may see it: it shows addresses and states, nothing of users."""

    def __init__(self, pages: Pages, settings: EdgeSettings, board: Board) -> None:
        self._pages = pages
        self._settings = settings
        self._board = board

    async def show(self, request: Request) -> Response:
        """The page."""
        look = await self._board.look()
        base_url = str(request.base_url).rstrip("/")
        edge = Row("edge", "this page and the REST API", "HTTP", base_url, State.READY)
        rows = (edge, *look.rows)
        return self._pages.render(
            "overview.html",
            rows=rows,
            ready=sum(row.state is State.READY for row in rows),
            checked=look.time,
            base_url=base_url,
            router_url=f"http://{self._settings.router_http_address}/v1",
            router_address=self._settings.router_address,
            sandbox=bool(self._settings.sandbox_url),
        )
