"""Google Gemini's API as providers speak it.

>>> wires = {Format.CHAT: Gemini(), Format.EMBEDDINGS: GeminiEmbeddings(), Format.COUNT_TOKENS: GeminiCountTokens()}
"""

from services.router.wire.gemini.count_tokens import GeminiCountTokens
from services.router.wire.gemini.embeddings import GeminiEmbeddings
from services.router.wire.gemini.wire import Gemini

__all__ = ["Gemini", "GeminiCountTokens", "GeminiEmbeddings"]
