"""The one error a simulated provider answers with."""

import os

INVALID_REQUEST = "invalid_request_error"


class ApiError(Exception):
    """A refusal as a provider would make it; each provider writes it in the shape of its own error body.

    `kind` is what OpenAI calls `type`; `param` names the offending field as a path (`messages[0].role`).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID_REQUEST,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.retry_after = retry_after
        """Seconds after which the provider says the request may be sent again."""
        self.serial = os.urandom(10).hex()
        """What no other refusal has; request ids are made of it."""
