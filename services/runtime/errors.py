"""Every error Pantheon tells a caller, as one tree.

    PantheonError
    ├── BadRequest                INVALID_ARGUMENT 400
    │   ├── InvalidField  MalformedBody  BodyTooLarge (413)  ContextTooLong  UnsupportedFeature  InvalidPageToken
    ├── Unauthenticated           UNAUTHENTICATED 401
    │   ├── CredentialsMissing  CredentialsInvalid  LoginFailed
    ├── AccessDenied              PERMISSION_DENIED 403
    ├── NotFound                  NOT_FOUND 404
    │   ├── ModelNotFound  ResourceNotFound
    ├── NoSuchMethod              UNIMPLEMENTED 404
    ├── Refused                   FAILED_PRECONDITION 400
    │   ├── NoEndpoint  ModelUnpriced
    ├── Exists                    ALREADY_EXISTS 409
    │   ├── ResourceExists  RequestRepeated
    ├── Conflict                  ABORTED 409
    ├── Exhausted                 RESOURCE_EXHAUSTED 429
    │   ├── BudgetExhausted  RateLimited
    ├── ProviderError
    │   ├── ProviderInvalidRequest (400)  ProviderContextTooLong (400)  ContentFiltered (400)  ProviderNotFound (404)
    │   ├── ProviderAuthentication (502)  ProviderPermission (502)
    │   ├── ProviderRateLimited (429)  ProviderOverloaded (503)  ProviderTimeout (504)  ProviderBroken (502)
    │   └── ProviderFailed (502)
    ├── Unavailable               UNAVAILABLE 503
    │   ├── JournalUnavailable  ServiceUnavailable  DependencyUnavailable  SnapshotStale
    ├── DeadlinePassed            DEADLINE_EXCEEDED 504
    ├── CallerGone                CANCELLED 499
    └── InternalFault             INTERNAL 500

A leaf fixes its reason (`pantheon.errors.v1.ErrorReason` without the prefix), gRPC code and HTTP status. Every dynamic
part of a message is in the metadata too. Metadata never holds secrets, prompts or answers.
"""

from typing import ClassVar

from grpc import StatusCode


class PantheonError(Exception):
    """The root. `message` is for people, `metadata` for programs."""

    reason: ClassVar[str]
    code: ClassVar[StatusCode]
    http_status: ClassVar[int]

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = {name: str(value) for name, value in metadata.items()}


class BadRequest(PantheonError):
    code, http_status = StatusCode.INVALID_ARGUMENT, 400


class InvalidField(BadRequest):
    """A field's value is not allowed: names the field, the value (cut at 200 characters) and what is allowed."""

    reason = "INVALID_FIELD"

    def __init__(self, field: str, value: object, allowed: str) -> None:
        shown = str(value)[:200]
        super().__init__(f"{field}: {shown!r} is not allowed; {allowed}", field=field, value=shown, allowed=allowed)


class MalformedBody(BadRequest):
    reason = "MALFORMED_BODY"

    def __init__(self, detail: str) -> None:
        super().__init__(f"The request body can't be read: {detail}", detail=detail)


class BodyTooLarge(BadRequest):
    reason, http_status = "BODY_TOO_LARGE", 413

    def __init__(self, size: int | str, most: int) -> None:
        allowed = f"at most {most} bytes"
        super().__init__(f"The request body has {size} bytes; {allowed} are allowed", size=size, allowed=allowed)


class ContextTooLong(BadRequest):
    """It is certain that the request can't fit: `prompt_tokens` is the least that the prompt can have."""

    reason = "CONTEXT_TOO_LONG"

    def __init__(self, model: str, window: int, prompt_tokens: int, max_tokens: int) -> None:
        super().__init__(
            f"{model[:200]} has room for {window} tokens; the prompt has at least {prompt_tokens},"
            f" and {max_tokens} are asked for",
            model=model[:200],
            window=window,
            prompt_tokens=prompt_tokens,
            max_tokens=max_tokens,
        )


class UnsupportedFeature(BadRequest):
    reason = "UNSUPPORTED_FEATURE"


class InvalidPageToken(BadRequest):
    reason = "INVALID_PAGE_TOKEN"

    def __init__(self) -> None:
        super().__init__("page_token: not one given out for this query", field="page_token")


class Unauthenticated(PantheonError):
    code, http_status = StatusCode.UNAUTHENTICATED, 401


class CredentialsMissing(Unauthenticated):
    reason = "CREDENTIALS_MISSING"

    def __init__(self) -> None:
        expected = "Authorization: Bearer <token or API key>"
        super().__init__(f"No credentials were sent; expected {expected}", expected=expected)


class CredentialsInvalid(Unauthenticated):
    """Deliberately without a detail: what exactly is wrong with a credential helps only who is guessing."""

    reason = "CREDENTIALS_INVALID"

    def __init__(self) -> None:
        super().__init__("The token or API key is not valid: unknown, malformed, expired or revoked")


class LoginFailed(Unauthenticated):
    reason = "LOGIN_FAILED"

    def __init__(self) -> None:
        super().__init__("Email and password do not match")


class AccessDenied(PantheonError):
    reason, code, http_status = "ACCESS_DENIED", StatusCode.PERMISSION_DENIED, 403


class NotFound(PantheonError):
    code, http_status = StatusCode.NOT_FOUND, 404


class ModelNotFound(NotFound):
    reason = "MODEL_NOT_FOUND"

    def __init__(self, model: str) -> None:
        super().__init__(f"No model {model[:200]!r} is known", model=model[:200])


class ResourceNotFound(NotFound):
    reason = "RESOURCE_NOT_FOUND"

    def __init__(self, resource: str, id: str) -> None:  # noqa: A002 - the metadata's own word
        super().__init__(f"There is no {resource} {id[:200]!r}", resource=resource, id=id[:200])


class NoSuchMethod(PantheonError):
    reason, code, http_status = "NO_SUCH_METHOD", StatusCode.UNIMPLEMENTED, 404

    def __init__(self, path: str) -> None:
        super().__init__(f"There is nothing at {path[:200]}", path=path[:200])


class Refused(PantheonError):
    code, http_status = StatusCode.FAILED_PRECONDITION, 400


class NoEndpoint(Refused):
    reason = "NO_ENDPOINT"

    def __init__(self, model: str, successor: str = "") -> None:
        advice = f"; {successor!r} is advised in its place" if successor else ""
        metadata = {"successor": successor} if successor else {}
        super().__init__(f"No configured provider offers {model[:200]!r}{advice}", model=model[:200], **metadata)


class ModelUnpriced(Refused):
    reason = "MODEL_UNPRICED"


class Exists(PantheonError):
    code, http_status = StatusCode.ALREADY_EXISTS, 409


class ResourceExists(Exists):
    reason = "RESOURCE_EXISTS"

    def __init__(self, resource: str, field: str, value: str) -> None:
        message = f"There is a {resource} with the {field} {value!r} already"
        super().__init__(message, resource=resource, field=field, value=value)


class RequestRepeated(Exists):
    reason = "REQUEST_REPEATED"

    def __init__(self, request_id: str, id: str) -> None:  # noqa: A002 - the metadata's own word
        super().__init__(
            f"The request {request_id!r} was carried out before: it made {id}", request_id=request_id, id=id
        )


class Conflict(PantheonError):
    reason, code, http_status = "CONFLICT", StatusCode.ABORTED, 409


class Exhausted(PantheonError):
    code, http_status = StatusCode.RESOURCE_EXHAUSTED, 429


class BudgetExhausted(Exhausted):
    reason = "BUDGET_EXHAUSTED"


class RateLimited(Exhausted):
    reason = "RATE_LIMITED"


class ProviderError(PantheonError):
    """What went wrong at or on the way to a provider. `original` is its own error body, where there is one.

    With `is_about_us` that body is about Pantheon's own key or account, which is no business of the client's.
    """

    original: bytes = b""
    is_about_us: ClassVar[bool] = False


class ProviderInvalidRequest(ProviderError):
    reason, code, http_status = "PROVIDER_INVALID_REQUEST", StatusCode.INVALID_ARGUMENT, 400


class ProviderAuthentication(ProviderError):
    reason, code, http_status = "PROVIDER_AUTHENTICATION", StatusCode.FAILED_PRECONDITION, 502
    is_about_us = True


class ProviderPermission(ProviderError):
    reason, code, http_status = "PROVIDER_PERMISSION", StatusCode.FAILED_PRECONDITION, 502
    is_about_us = True


class ProviderContextTooLong(ProviderError):
    reason, code, http_status = "PROVIDER_CONTEXT_TOO_LONG", StatusCode.INVALID_ARGUMENT, 400


class ProviderNotFound(ProviderError):
    reason, code, http_status = "PROVIDER_NOT_FOUND", StatusCode.NOT_FOUND, 404


class ContentFiltered(ProviderError):
    reason, code, http_status = "CONTENT_FILTERED", StatusCode.INVALID_ARGUMENT, 400


class ProviderRateLimited(ProviderError):
    reason, code, http_status = "PROVIDER_RATE_LIMITED", StatusCode.RESOURCE_EXHAUSTED, 429


class ProviderOverloaded(ProviderError):
    reason, code, http_status = "PROVIDER_OVERLOADED", StatusCode.UNAVAILABLE, 503


class ProviderTimeout(ProviderError):
    reason, code, http_status = "PROVIDER_TIMEOUT", StatusCode.DEADLINE_EXCEEDED, 504


class ProviderBroken(ProviderError):
    reason, code, http_status = "PROVIDER_BROKEN", StatusCode.UNAVAILABLE, 502


class ProviderFailed(ProviderError):
    reason, code, http_status = "PROVIDER_FAILED", StatusCode.INTERNAL, 502


class Unavailable(PantheonError):
    code, http_status = StatusCode.UNAVAILABLE, 503


class JournalUnavailable(Unavailable):
    reason = "JOURNAL_UNAVAILABLE"

    def __init__(self, detail: str) -> None:
        super().__init__(f"Nothing billable can be started: {detail}", detail=detail)


class ServiceUnavailable(Unavailable):
    reason = "SERVICE_UNAVAILABLE"

    def __init__(self, service: str, why: str = "is not ready, or is shutting down", **metadata: object) -> None:
        super().__init__(f"The {service} {why}", service=service, **metadata)


class DependencyUnavailable(Unavailable):
    reason = "DEPENDENCY_UNAVAILABLE"

    def __init__(self, dependency: str) -> None:
        super().__init__(f"The {dependency} can't be reached", dependency=dependency)


class SnapshotStale(Unavailable):
    reason = "SNAPSHOT_STALE"

    def __init__(self, source: str, age_seconds: float) -> None:
        age = f"{age_seconds:.0f}"
        super().__init__(f"What is known of {source} is {age} seconds old", source=source, age_seconds=age)


class DeadlinePassed(PantheonError):
    reason, code, http_status = "DEADLINE_PASSED", StatusCode.DEADLINE_EXCEEDED, 504

    def __init__(self) -> None:
        super().__init__("The deadline passed before the answer was ready")


class CallerGone(PantheonError):
    reason, code, http_status = "CALLER_GONE", StatusCode.CANCELLED, 499

    def __init__(self) -> None:
        super().__init__("The caller went away")


class InternalFault(PantheonError):
    reason, code, http_status = "INTERNAL_FAULT", StatusCode.INTERNAL, 500

    def __init__(self, request_id: str = "") -> None:
        super().__init__("Something went wrong in Pantheon; the log says more", request_id=request_id)


def by_reason() -> dict[str, type[PantheonError]]:
    """Every leaf of the tree by its reason."""
    found: dict[str, type[PantheonError]] = {}
    waiting = [PantheonError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if "reason" in kind.__dict__:
            found[kind.reason] = kind
    return found
