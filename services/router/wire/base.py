"""The seam between the engine and the formats that providers speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from services.router.chat import Body, ChatRequest, Facts, Format, Frame
from services.router.sse import Event
from services.runtime.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider's use of the format differs from the plain one; from the flags of its catalog row.

    `takes_extensions`: it takes what OpenRouter has added to OpenAI's chat completions. `wants_reasoning_back`: each of
    the model's turns has to have its `reasoning_content`.
    """

    streams_usage_unasked: bool = False
    renames_max_tokens: bool = False
    takes_extensions: bool = False
    wants_reasoning_back: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: the body in `format`, and what it says about itself.

    `failure` is the error that it is in spite of its status; what it used it may have told all the same.
    """

    body: bytes
    facts: Facts
    format: Format = Format.CHAT
    failure: ProviderError | None = None


class StreamParser(Protocol):
    """Reads one streamed answer. `facts` fills up on the way; `done` is set by the terminal marker.

    `may_end` says whether the connection may end here: some formats have no marker, some providers leave it out.
    """

    facts: Facts
    done: bool

    @property
    def format(self) -> Format:
        """What the frames are written in."""

    @property
    def may_end(self) -> bool:
        """Whether the answer is whole without anything more."""

    def parse(self, event: Event) -> Frame | None:
        """The frame an event makes for the client; None for one it makes none.

        The one that sets `done` reaches the client last of all, when its attempt is booked.

        Raises:
            ProviderError: the event is an error, or can't be read.
        """


class WireFormat(Protocol):
    """One format. Pure: no I/O, no state between calls.

    An answer stays as it came where the request's format, `target`, is this one; else it is put into the common shape.
    """

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """Where to POST."""

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """What the format wants beside the key and the content type."""

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The body to send: the request under the provider's model name, open parameters filled in from `fill`.

        Raises:
            UnsupportedFeature: the format can't say what the request says, and leaving it out would change its meaning.
            InvalidField: a member has to be translated and is not what it should be.
        """

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """A whole answer.

        Raises:
            ProviderError: it is an error that says nothing of what was used.
            ProviderBroken: it is not of this format.
        """

    def parse_stream(self, target: Format) -> StreamParser:
        """A parser for one streamed answer."""

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that an answer with an error status means. `original` holds the body."""
