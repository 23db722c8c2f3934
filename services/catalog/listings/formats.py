"""Which format a provider's list of models has: it follows from the wire format it speaks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pantheon.catalog.v1.provider_pb2 import (
    WIRE_FORMAT_ANTHROPIC_MESSAGES,
    WIRE_FORMAT_GEMINI,
    WIRE_FORMAT_OPENAI_CHAT,
    WIRE_FORMAT_OPENAI_RESPONSES,
)
from services.catalog.listings import anthropic_models, gemini_models, openai_models
from services.catalog.listings.listed import ListPage


@dataclass(frozen=True, slots=True)
class ListFormat:
    """How a list is asked for (the parameters of the first page) and read."""

    first: Mapping[str, str]
    page: Callable[[bytes], ListPage]


_OPENAI = ListFormat(openai_models.FIRST, openai_models.page)

LIST_FORMATS: Mapping[int, ListFormat] = MappingProxyType(
    {
        WIRE_FORMAT_OPENAI_CHAT: _OPENAI,
        WIRE_FORMAT_OPENAI_RESPONSES: _OPENAI,
        WIRE_FORMAT_ANTHROPIC_MESSAGES: ListFormat(anthropic_models.FIRST, anthropic_models.page),
        WIRE_FORMAT_GEMINI: ListFormat(gemini_models.FIRST, gemini_models.page),
    }
)
"""By wire format."""
