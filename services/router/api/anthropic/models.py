"""Models in the shape Anthropic's SDKs expect.

Format: Anthropic API reference, "List models" (pages of 20 unless asked for up to 1000), "Get a model".
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from services.router.catalog import Model
from services.runtime.errors import InvalidField

_LIMIT, _MOST, _DIGITS = 20, 1000, 4


def page(models: Sequence[Model], query: bytes) -> dict[str, Any]:
    """One page of the models, by `limit` and `after_id` or `before_id`. Raises InvalidField."""
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    limit = asked.get("limit", str(_LIMIT))
    if not (limit.isascii() and limit.isdecimal() and len(limit) <= _DIGITS and 1 <= int(limit) <= _MOST):
        raise InvalidField("limit", limit, f"1 to {_MOST}")
    places = {model.id: place for place, model in enumerate(models)}
    start, end = 0, len(models)
    for name in ("after_id", "before_id"):
        if name in asked and asked[name] not in places:
            raise InvalidField(name, asked[name], "the id of a model in the list")
    if "before_id" in asked:
        end = places[asked["before_id"]]
        start = max(0, end - int(limit))
        more = start > 0
    else:
        start = places[asked["after_id"]] + 1 if "after_id" in asked else 0
        more = start + int(limit) < end
        end = min(end, start + int(limit))
    found = models[start:end]
    return {
        "data": [listed(model) for model in found],
        "has_more": more,
        "first_id": found[0].id if found else None,
        "last_id": found[-1].id if found else None,
    }


def listed(model: Model) -> dict[str, Any]:
    """A model; one whose release date is not known has that of the epoch, as Anthropic does it."""
    created = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id,
        "created_at": created,
        "lifecycle": "active",
        "max_tokens": model.max_output_tokens,
    }
