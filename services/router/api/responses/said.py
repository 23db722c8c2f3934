"""What an answer in the common shape says, whole or in a chunk, as far as a response can show it.

Formats: OpenAI API reference, "The chat completion object" and "The chat completion chunk object"; Mistral, "Reasoning"
(thinking parts); OpenRouter, "Reasoning tokens" and "Image generation"; Google, "OpenAI compatibility"
(`extra_content`).
"""

from typing import Any

import msgspec

from services.router.api.said import Index, Message
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import text_of


class _Citation(msgspec.Struct):
    url: str = ""
    title: str | None = None
    start_index: int = 0
    end_index: int = 0


class _Annotation(msgspec.Struct):
    type: str | None = None
    url_citation: _Citation | None = None


class _Address(msgspec.Struct):
    url: str = ""


class _Image(msgspec.Struct):
    image_url: _Address | None = None


class _Audio(msgspec.Struct):
    transcript: str | None = None


class Said(Message):
    """A message, or a piece of one."""

    reasoning_details: list[dict[str, Any]] | None = None
    annotations: list[_Annotation] | None = None
    images: list[_Image] | None = None
    audio: _Audio | None = None
    extra_content: dict[str, Any] | None = None


class _TopLogprob(msgspec.Struct):
    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None


class _Logprob(_TopLogprob):
    top_logprobs: list[_TopLogprob] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Logprob] | None = None


class Choice(msgspec.Struct):
    """One of the answers, or a piece of one."""

    index: Index = 0
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    choices: list[Choice] | None = None


_decode = LenientDecoder(_Answer).decode
_NOTHING = Said()


def read(data: bytes, *, whole: bool) -> tuple[str, Choice, Said]:
    """The model, and the only choice with what it says. Raises ProviderBroken where it is not of this format.

    Perplexity sends message and delta side by side: an empty delta in a whole answer, the message so far in a chunk.
    """
    answer = _decode(data)
    choice = next((choice for choice in answer.choices or () if choice.index == 0), Choice())
    said = (choice.message or choice.delta) if whole else (choice.delta or choice.message)
    return answer.model or "", choice, said or _NOTHING


def thinking(said: Said) -> str:
    """The reasoning that may be shown."""
    if shown := said.thought:
        return shown
    texts = (detail.get("text") or detail.get("summary") for detail in said.reasoning_details or ())
    return "".join(text for text in texts if isinstance(text, str))


def text(said: Said) -> str:
    """The text, or what is spoken in its place."""
    spoken = said.audio.transcript if said.audio is not None else None
    return text_of(said.content) or spoken or ""


def annotations(said: Said) -> list[dict[str, Any]]:
    """The citations, as a response has them."""
    return [
        {
            "type": "url_citation",
            "url": one.url_citation.url,
            "title": one.url_citation.title or "",
            "start_index": one.url_citation.start_index,
            "end_index": one.url_citation.end_index,
        }
        for one in said.annotations or ()
        if one.url_citation is not None
    ]


def images(said: Said) -> list[str]:
    """The images that came in the answer itself, as base64."""
    addresses = [image.image_url.url for image in said.images or () if image.image_url is not None]
    return [address.partition(",")[2] for address in addresses if address.startswith("data:")]


def logprobs(choice: Choice) -> list[dict[str, Any]]:
    """The log probabilities of the text's tokens, as a response has them."""
    found = choice.logprobs.content if choice.logprobs is not None else None
    return [
        {**_logprob(token), "top_logprobs": [_logprob(other) for other in token.top_logprobs or ()]}
        for token in found or ()
    ]


def _logprob(token: _TopLogprob) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.logprob, "bytes": token.bytes or []}
