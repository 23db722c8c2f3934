"""Whether a prompt fits a model's context window. Pure."""

from services.router import estimate
from services.router.chat import CHAT_FORMATS, Body, ChatRequest
from services.router.filling import most_tokens_asked
from services.runtime.errors import ContextTooLong

_MOST_BYTES_PER_TOKEN = 8
"""Twice what text has: what is longer by this measure is so by every tokenizer's."""


def check_fits(request: ChatRequest, model: str, window: int, fill: Body) -> None:
    """Lets a request, sent with `fill`, pass unless it is certain that `model` has no room for it and its answer.

    Raises:
        ContextTooLong: it can't fit; names the figures.
    """
    most_tokens = most_tokens_asked(request, fill)
    if request.format not in CHAT_FORMATS or request.size // _MOST_BYTES_PER_TOKEN + most_tokens <= window:
        return
    least = estimate.text_bytes(request) // _MOST_BYTES_PER_TOKEN
    if least + most_tokens > window:
        raise ContextTooLong(model, window, least, most_tokens)


def is_likely_to_fit(request: ChatRequest, window: int | None, most_tokens: int) -> bool:
    """Whether the prompt, as it is estimated, and its answer have room; yes where the window is unknown."""
    return window is None or estimate.prompt_tokens(request) + most_tokens <= window
