"""How much a router serves at once, over all its surfaces together."""

from types import TracebackType

from prometheus_client import Gauge

from services.runtime.errors import ServiceUnavailable

RUNNING = Gauge("pantheon_router_requests_running", "Requests for completions, embeddings and counts under way.")
_RETRY_SECONDS = 1


class Admission:
    """Lets so many requests in at once: each enters it for as long as it is served.

    Attributes:
        running: how many are in it.
    """

    __slots__ = ("_most", "running")

    def __init__(self, most: int) -> None:
        self._most = most
        self.running = 0

    def enter(self) -> None:
        """Takes a place. Raises ServiceUnavailable where there are as many as there may be."""
        if self.running >= self._most:
            raise ServiceUnavailable(
                "router", f"serves {self._most} requests, the most it may", retry_after_seconds=_RETRY_SECONDS
            )
        self.running += 1

    def leave(self) -> None:
        """Gives the place back."""
        self.running -= 1

    def __enter__(self) -> None:
        self.enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
