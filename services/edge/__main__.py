"""`python -m services.edge`: serves until SIGTERM or SIGINT."""

from services.edge.app import create_app
from services.edge.backends import Backends
from services.edge.console.board import Board
from services.edge.settings import EdgeSettings
from services.runtime.http import HttpServer
from services.runtime.process import Process, run
from services.runtime.settings import host_and_port


def main() -> None:
    """Reads the settings, wires, serves."""
    settings = EdgeSettings.load()
    host, port = host_and_port(settings.listen, "PANTHEON_LISTEN")

    async def serve() -> None:
        async with Process(settings, "edge") as process:
            backends = Backends(settings)
            process.on_stop(backends.close)
            board = Board(settings, backends)
            process.on_stop(board.close)
            await process.serve(HttpServer(create_app(settings, backends, board), host, port, name="edge"))
            await process.run()

    run(serve, settings, "edge")


if __name__ == "__main__":
    main()
