"""What Google's APIs say to a request they do not take: `google.rpc.Status`, as JSON."""

import re
from collections.abc import Mapping
from typing import Any

from services.sandbox.errors import ApiError

STATUSES: Mapping[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    409: ("ABORTED", "The operation was aborted."),
    413: ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    499: ("CANCELLED", "The operation was cancelled."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
    529: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}
"""Status and message of a refusal by its HTTP status; the message only where it was ordered."""
API_KEY_INVALID = "API_KEY_INVALID"

_CAPITAL = re.compile(r"[A-Z]")
_TYPES = {"str": "TYPE_STRING", "int": "TYPE_INT32", "float": "TYPE_FLOAT", "bool": "TYPE_BOOL"}


def status_of(code: int) -> tuple[str, str]:
    """Status and message for an HTTP status."""
    return STATUSES.get(code) or STATUSES[500 if code >= 500 else 400]


def error_object(error: ApiError) -> dict[str, Any]:
    """The `error` of a body."""
    shape: dict[str, Any] = {"code": error.status, "message": error.message, "status": status_of(error.status)[0]}
    details: list[dict[str, Any]] = []
    if error.code == API_KEY_INVALID:
        info = {"reason": error.code, "domain": "googleapis.com", "metadata": {"service": _SERVICE}}
        details += (
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info},
            {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": error.message},
        )
    if error.param is not None:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None:
        delay = f"{error.retry_after:g}s"
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return {**shape, "details": details} if details else shape


def invalid(message: str) -> ApiError:
    """A request that breaks a rule."""
    return ApiError(400, message)


def invalid_field(field: str, what: str) -> ApiError:
    """A field of a request that breaks a rule."""
    return ApiError(400, f"* GenerateContentRequest.{field}: {what}\n")


def not_json() -> ApiError:
    """A body that cannot be read at all."""
    return ApiError(400, "Invalid JSON payload received. Expected a value.\n\n^")


def unknown_name(name: str, path: str) -> ApiError:
    """A member that does not exist; `path` is where, in camelCase."""
    place = _snake(path)
    at = f" at '{place}'" if place else ""
    return ApiError(400, f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.', param=place)


def wrong_value(path: str, expected: str) -> ApiError:
    """A member of a wrong type."""
    place = _snake(path)
    return ApiError(400, f"Invalid value at '{place}' ({_TYPES.get(expected, 'TYPE_MESSAGE')})", param=place)


def no_model(model: str, method: str) -> ApiError:
    """A model that does not exist."""
    text = (
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    return ApiError(404, text)


_SERVICE = "generativelanguage.googleapis.com"


def _snake(path: str) -> str:
    return _CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", path)
