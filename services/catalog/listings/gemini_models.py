"""GET /v1beta/models as Google defines it: https://ai.google.dev/api/models."""

from collections.abc import Mapping

from pantheon.catalog.v1.model_pb2 import MODALITY_EMBEDDING
from services.catalog.entities import Parameters
from services.catalog.listings import members
from services.catalog.listings.listed import Listed, ListPage
from services.catalog.listings.members import Object

FIRST: Mapping[str, str] = {"pageSize": "1000"}

_COLLECTION = "models/"
_EMBEDS = frozenset({"embedContent", "batchEmbedContents", "asyncBatchEmbedContent"})
_GENERATES = frozenset({"generateContent", "bidiGenerateContent", "predict", "predictLongRunning"})


def page(body: bytes) -> ListPage:
    """One answer. Raises ListBroken."""
    answer, found = members.entries(body, "models", "name")
    following = members.identity(answer, "nextPageToken")
    models = (_listed(entry, entry["name"].removeprefix(_COLLECTION)) for entry in found)
    return ListPage(tuple(models), {**FIRST, "pageToken": following} if following else {})


def _listed(entry: Object, model: str) -> Listed:
    methods = members.texts(entry, "supportedGenerationMethods")
    embeds = bool(methods & _EMBEDS) and not methods & _GENERATES
    defaults = members.parameters({"temperature": entry.get("temperature"), "top_p": entry.get("topP")})
    return Listed(
        id=model,
        display_name=members.text(entry, "displayName"),
        context_window=members.tokens(entry, "inputTokenLimit"),
        # Of a model that makes vectors it says 1.
        max_output_tokens=None if embeds else members.tokens(entry, "outputTokenLimit"),
        output_modalities=(MODALITY_EMBEDDING,) if embeds else (),
        # Left out where it is false, and by lists that do not know the member.
        supports_reasoning=True if entry.get("thinking") is True else None,
        default_parameters=defaults if defaults != Parameters() and not embeds else None,
    )
