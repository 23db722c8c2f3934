"""GET /v1/models and /v1/models/{id}, in the shape that the client's SDK expects."""

from services.router.api import openai_errors
from services.router.api.anthropic import errors as anthropic_errors
from services.router.api.anthropic.models import AnthropicModelsSurface
from services.router.api.app import Exchange
from services.router.api.openai import ModelsSurface
from services.router.snapshot import Snapshot


class AnyModelsSurface:
    """Answers as Anthropic does where the request says which version of its API it wants, else as OpenAI does."""

    errors = openai_errors

    def __init__(self, snapshot: Snapshot) -> None:
        self._openai = ModelsSurface(snapshot)
        self._anthropic = AnthropicModelsSurface(snapshot)

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        if exchange.header(b"anthropic-version"):
            exchange.reply.errors = anthropic_errors
            await self._anthropic.serve(exchange)
        else:
            await self._openai.serve(exchange)
