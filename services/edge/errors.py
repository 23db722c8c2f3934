"""Errors between HTTP and Pantheon's own tree: what Starlette raises, and the headers that an answer needs."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.runtime.errors import InternalFault, NoSuchMethod, PantheonError, Unauthenticated


class MethodNotAllowed(NoSuchMethod):
    """There is something at the path, but not for this method. `allowed` is the value of the Allow header."""

    http_status = 405

    def __init__(self, method: str, path: str, allowed: str) -> None:
        message = f"{method} is not possible at {path[:200]}; allowed: {allowed}"
        PantheonError.__init__(self, message, method=method, path=path[:200], allowed=allowed)


def from_starlette(request: Request, raised: HTTPException) -> PantheonError:
    """The error that routing or the static files ran into."""
    path = request.scope["path"]  # that of request.url is put together with the Host header
    if raised.status_code == 404:
        return NoSuchMethod(path)
    if raised.status_code == 405:
        # Routes name their methods in no order; the static files name none.
        methods = (raised.headers or {}).get("Allow", "GET, HEAD").split(", ")
        return MethodNotAllowed(request.method, path, ", ".join(sorted(methods)))
    return InternalFault()


def error_headers(error: PantheonError) -> dict[str, str]:
    """RFC 9110: a 401 names the scheme, a 405 the methods; and when to try again, where that is known."""
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = error.metadata["allowed"]
    if "retry_after_seconds" in error.metadata:
        headers["retry-after"] = error.metadata["retry_after_seconds"]
    return headers
