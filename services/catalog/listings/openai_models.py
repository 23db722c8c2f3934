"""GET /models as OpenAI defines it: ids; and what others that speak its format add.

Sources: OpenAI API reference, "List models"; https://openrouter.ai/docs/guides/overview/models (prices, limits,
abilities); https://console.groq.com/docs/models (`context_window`); vLLM's `max_model_len`.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from services.catalog.entities import PARAMETER_NAMES
from services.catalog.listings import members
from services.catalog.listings.listed import Listed, ListPage
from services.catalog.listings.members import Object
from services.catalog.listings.token_prices import unit_prices

FIRST: Mapping[str, str] = {}
"""The whole list comes at once unless it says otherwise."""

# What a customer has tuned is not offered to others.
_FINE_TUNED = "ft:"
_SPELLINGS = {"max_completion_tokens": "max_tokens"}


def page(body: bytes) -> ListPage:
    """One answer. Raises ListBroken."""
    answer, found = members.entries(body, "data")
    listed = (_listed(entry) for entry in found if not entry["id"].startswith(_FINE_TUNED))
    return ListPage(tuple(listed), _following(answer))


def _listed(entry: Object) -> Listed:
    top, shape = members.part(entry, "top_provider"), members.part(entry, "architecture")
    supported = members.texts(entry, "supported_parameters")
    return Listed(
        id=entry["id"],
        display_name=members.text(entry, "name"),
        context_window=members.tokens(entry, "context_length", "context_window", "max_model_len"),
        max_output_tokens=members.tokens(top, "max_completion_tokens")
        or members.tokens(entry, "max_completion_tokens"),
        input_modalities=members.modalities(members.texts(shape, "input_modalities")),
        output_modalities=members.modalities(members.texts(shape, "output_modalities")),
        supports_tools="tools" in supported if supported else None,
        supports_structured_output="structured_outputs" in supported if supported else None,
        supports_reasoning=bool(supported & {"reasoning", "include_reasoning"}) if supported else None,
        release_time=members.moment(entry.get("created")),
        deprecation_time=members.moment(entry.get("expiration_date")),
        unsupported_parameters=_unsupported(supported) if supported else None,
        default_parameters=members.parameters(members.part(entry, "default_parameters"))
        if "default_parameters" in entry
        else None,
        unit_prices=unit_prices(entry["pricing"]) if isinstance(entry.get("pricing"), dict) else None,
    )


def _unsupported(supported: frozenset[str]) -> tuple[str, ...]:
    taken = {_SPELLINGS.get(name, name) for name in supported}
    return tuple(name for name in PARAMETER_NAMES if name not in taken)


def _following(answer: Object) -> Mapping[str, str]:
    """Of the address of the next page only the query: the rest is ours to say."""
    following = members.part(answer, "links").get("next")
    if not isinstance(following, str):
        return {}
    return dict(parse_qsl(following.partition("#")[0].partition("?")[2]))
