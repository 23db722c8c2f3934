"""`python -m services.sandbox`: simulated providers until SIGTERM or SIGINT."""

import sys

import msgspec

from services.runtime.process import Process, run
from services.sandbox.server import SandboxServer
from services.sandbox.settings import SandboxSettings


def main() -> None:
    """Reads the settings, serves, and says on stdout, in one line of JSON, where."""
    settings = SandboxSettings.load()

    async def serve() -> None:
        async with Process(settings, "sandbox") as process:
            sandbox = SandboxServer(settings)
            await process.serve(sandbox)
            line = msgspec.json.encode({"event": "sandbox.listening", "url": sandbox.url}).decode()
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            await process.run()

    run(serve, settings, "sandbox")


if __name__ == "__main__":
    main()
