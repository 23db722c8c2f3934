"""The seam between the engine and the formats that providers speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from services.router.chat import Body, ChatRequest, Facts, Frame
from services.router.sse import Event
from services.runtime.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider's use of the format differs from the plain one; from the flags of its catalog row."""

    streams_usage_unasked: bool = False
    renames_max_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: the body in the common shape, and what it says about itself."""

    body: bytes
    facts: Facts


class StreamParser(Protocol):
    """Reads one streamed answer. `facts` fills up on the way; `done` is set by the terminal marker."""

    facts: Facts
    done: bool

    def parse(self, event: Event) -> Frame | None:
        """The frame an event makes for the client; None for one it makes none.

        Raises:
            ProviderError: the event is an error, or can't be read.
        """


class WireFormat(Protocol):
    """One format. Pure: no I/O, no state between calls."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """Where to POST."""

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The body to send: the request under the provider's model name, open parameters filled in from `fill`."""

    def parse_response(self, body: bytes) -> Answer:
        """A whole answer.

        Raises:
            ProviderBroken: it is not of this format.
        """

    def parse_stream(self) -> StreamParser:
        """A parser for one streamed answer."""

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that an answer with an error status means. `original` holds the body."""
