"""GET /v1/models and /v1/models/{id}, in the shape that the client's SDK expects.

Format: OpenAI API reference, "Models".
"""

from typing import Any

import msgspec

from services.router.api import openai_errors
from services.router.api.anthropic import errors as anthropic_errors
from services.router.api.anthropic import models as anthropic
from services.router.api.app import Exchange
from services.router.catalog import Model
from services.router.snapshot import Snapshot
from services.runtime.errors import ModelNotFound

MODELS = "/v1/models"
_encode = msgspec.json.Encoder().encode


class ModelsSurface:
    """Answers as Anthropic does where the request says which version of its API it wants, else as OpenAI does."""

    errors = openai_errors

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        for_anthropic = bool(exchange.header(b"anthropic-version"))
        if for_anthropic:
            exchange.reply.errors = anthropic_errors
        caller = await exchange.principal()
        catalog = self._snapshot.catalog
        found: Any
        if exchange.path == MODELS:
            models = catalog.offered(caller)
            found = anthropic.page(models, exchange.scope["query_string"]) if for_anthropic else _list(models)
        else:
            name = exchange.path.removeprefix(f"{MODELS}/")
            model = catalog.named(name, caller)
            if model is None:
                raise ModelNotFound(name)
            found = anthropic.listed(model) if for_anthropic else _listed(model)
        await exchange.reply.send(_encode(found))


def _list(models: list[Model]) -> dict[str, object]:
    return {"object": "list", "data": [_listed(model) for model in models]}


def _listed(model: Model) -> dict[str, object]:
    owner = model.id.partition("/")[0]
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": owner}
