"""What simulated OpenRouter tells of its models, and of a key.

After OpenRouter's API reference, "List all models and their properties" and "Get current API key".
"""

import msgspec

from services.sandbox.prices import PRICES, Price
from services.sandbox.provider import Call, Reply, bearer_key, reasons

_CATALOG_DATE = 1_760_000_000
_SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_ALWAYS = ("max_tokens", "tools", "tool_choice", "response_format", "structured_outputs", "stop")
_REASONING = ("reasoning", "include_reasoning")
_SHOWN_HEAD, _SHOWN_TAIL = 9, 3
"""How much of a key is shown again."""


def listed(_: Call) -> Reply:
    """The catalogue. What a request to its router costs depends on which model serves it: -1."""
    models = [_model(name, price) for name, price in PRICES.items()]
    return Reply(_list([*models, _router()]), empty=_list([]))


def key(call: Call) -> Reply:
    """What a key is, and what may be spent with it."""
    secret = bearer_key(call.headers) or ""
    shape = {
        "label": f"{secret[:_SHOWN_HEAD]}...{secret[-_SHOWN_TAIL:]}",
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        "usage": 0,
        "usage_daily": 0,
        "usage_weekly": 0,
        "usage_monthly": 0,
        "is_free_tier": False,
        "is_provisioning_key": False,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated and safe to ignore."},
    }
    return Reply(msgspec.json.encode({"data": shape}))


def _list(models: list[dict[str, object]]) -> bytes:
    return msgspec.json.encode({"data": models})


def _model(name: str, price: Price) -> dict[str, object]:
    """A model of the catalogue; prices are decimal strings, USD a token."""
    pricing = {
        "prompt": f"{price.prompt:f}",
        "completion": f"{price.completion:f}",
        "request": "0",
        "image": "0",
        "input_cache_read": f"{price.cache_read:f}",
    }
    return _entry(name, pricing, context=price.context, longest=price.longest)


def _router() -> dict[str, object]:
    return _entry("openrouter/auto", {"prompt": "-1", "completion": "-1"}, context=2_000_000, longest=None)


def _entry(name: str, pricing: dict[str, str], *, context: int, longest: int | None) -> dict[str, object]:
    parameters = (*_ALWAYS, *_REASONING) if reasons(name) else (*_ALWAYS, *_SAMPLING)
    return {
        "id": name,
        "canonical_slug": name,
        "name": name,
        "created": _CATALOG_DATE,
        "description": "A simulated model.",
        "context_length": context,
        "architecture": {
            "modality": "text+image->text",
            "input_modalities": ["text", "image"],
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": pricing,
        "top_provider": {
            "context_length": context,
            "max_completion_tokens": longest,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": sorted(parameters),
        "default_parameters": {"temperature": None, "top_p": None, "frequency_penalty": None},
        "expiration_date": None,
    }
