"""The seam every simulated provider implements: its words in, its words out, and where it is found."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeAlias

import msgspec
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.errors import ApiError
from services.sandbox.script import Frame

Headers = Sequence[tuple[bytes, bytes]]

_REASONING_MODEL = re.compile(r"(?:.*/)?(?:o1|o3|o4|gpt-5)(?![0-9])(?!.*chat)")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
"""A letter or digit for each byte."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in: whatever a provider may have put its words into. Header names are in lower case."""

    body: bytes
    headers: Mapping[str, str] = {}
    path: Mapping[str, str] = {}
    """The named parts of the path."""
    query: Mapping[str, str] = {}


class Bill(msgspec.Struct, frozen=True):
    """What the client is told it has used; `cost` in USD, None where the provider names none."""

    usage: Usage
    cost: Decimal | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a completion went, told to its provider when it is over."""

    request: ChatRequest
    answer: Answer
    bill: Bill
    """For what was made until the end, early or not."""
    cancelled: bool
    seconds: float
    """From the request's arrival to the end."""


class Reply(msgspec.Struct, frozen=True):
    """The answer to what is no completion; `usage` where the client is told of tokens it is billed for.

    `bare` is the body without them, where they can be left out; `empty` that of a list without anything in it.
    """

    body: bytes
    usage: Usage | None = None
    bare: bytes = b""
    empty: bytes = b""


Operation: TypeAlias = Callable[[Call], Reply]
"""Answers a checked request at once. Raises ApiError for what the real one refuses."""


class Dialect(Protocol):
    """One way a provider is talked to. Every method is quick and none waits; only ApiError may be raised."""

    name: str
    """The provider's name, the same for all its dialects."""
    keepalive: bytes
    """Sent while a stream has nothing to say, and right after its headers; empty for a provider that keeps quiet."""
    stream_type: bytes
    """Content type of a stream; that of a body is `body_type`."""
    body_type: bytes

    def gist(self, call: Call) -> tuple[str | None, bool]:
        """Model and streaming of a request, before it is checked; never raises."""

    def authenticate(self, call: Call) -> str:
        """The key of a request. Raises ApiError for a missing or bad one."""

    def parse(self, call: Call) -> ChatRequest:
        """The request, without the directives in its model's name. Raises ApiError for what the real one refuses."""

    def answer_id(self) -> str:
        """A new id of a completion."""

    def bill(self, request: ChatRequest, usage: Usage) -> Bill:
        """Tokens and cost as this provider reports them."""

    def body(self, request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
        """The answer in one piece; without `bill`, nothing about tokens and cost."""

    def stream(self, request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
        """The answer as events; with `done`, ended as usual."""

    def headers(self, request: ChatRequest, answer: Answer, seconds: float) -> Headers:
        """Headers of an answer that took so many seconds to begin, content type and length aside."""

    def reply_headers(self, seconds: float) -> Headers:
        """Headers of an answer to what is no completion, content type and length aside."""

    def refusal(self, status: int, retry_after: float | None) -> ApiError:
        """A refusal with an ordered status, in this provider's words."""

    def error_body(self, error: ApiError) -> bytes:
        """The body of a refusal."""

    def error_headers(self, error: ApiError, seconds: float) -> Headers:
        """The headers of a refusal, content type and length aside."""

    def error_frames(self, request: ChatRequest, answer: Answer) -> list[Frame]:
        """What is sent when generating fails amid a stream."""

    def ended(self, ended: Ended) -> None:
        """Takes note of a completion that is over."""


class Doors(Protocol):
    """Makes the routes' endpoints, behind which requests are recorded and go wrong as ordered."""

    def completions(self, dialect: Dialect) -> ASGIApp:
        """For what makes completions."""

    def operation(self, dialect: Dialect, operation: Operation) -> ASGIApp:
        """For what is answered at once, as embeddings are; errors are written in `dialect`."""

    def reading(self, dialect: Dialect, operation: Operation, *, public: bool = False) -> ASGIApp:
        """For what is only read, which is not recorded; with `public` nobody is asked for a key."""


class Provider(Protocol):
    """One provider: where it is found, and the dialects spoken there."""

    name: str
    prefix: str
    """The base URL's path, as an SDK is given it."""

    def routes(self, doors: Doors) -> Sequence[BaseRoute]:
        """The provider's routes below its prefix."""


def bearer_key(headers: Mapping[str, str]) -> str | None:
    """The key in `Authorization: Bearer <key>`; None when there is none."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def random_id(length: int) -> str:
    """Letters and digits that no other answer has."""
    return os.urandom(length).translate(_LETTERS).decode()


def is_unknown(model: str) -> bool:
    """Whether a model does not exist: those whose name begins with `no-such-`. All others do."""
    return model.rpartition("/")[2].startswith("no-such-")


def is_invalid(key: str) -> bool:
    """Whether a key is refused: those with `invalid` in them. All others are good."""
    return "invalid" in key


def reasons(model: str) -> bool:
    """Whether a model, by its name, thinks before it answers: the o series and GPT-5, its chat variants aside."""
    return _REASONING_MODEL.match(model) is not None
