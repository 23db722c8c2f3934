"""`pantheon models`: what can be asked, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pantheon.catalog.v1.catalog_service_pb2 import ListModelsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.model_pb2 import Endpoint, Model
from pantheon.catalog.v1.price_pb2 import PriceUnit
from services.cli.calling import Caller
from services.cli.output import UNKNOWN, console, count, print_json, table
from services.runtime import money, times

_PAGE = 1_000
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider's offer; prices in USD per million tokens as in force now, None where unknown."""

    provider: str
    provider_model_id: str
    prompt_price: Decimal | None
    completion_price: Decimal | None


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model, wherever it is served; limits in tokens, None where unknown."""

    id: str
    display_name: str
    aliases: tuple[str, ...]
    context_window: int | None
    max_output_tokens: int | None
    offers: tuple[Offer, ...]


async def list_models(caller: Caller, search: str, provider: str, *, everything: bool, as_json: bool) -> None:
    """Prints the models whose id, name or alias contains the text: those that can be used, or all."""
    request = ListModelsRequest(page_size=_PAGE, provider=provider, available_only=not everything, search=search)
    found: list[ListedModel] = []
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        while True:
            answer = await caller.call(catalog.ListModels, request)
            found.extend(map(_listed, answer.models))
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Sequence[ListedModel]) -> None:
    figures = ("context", "most output", "in, $/M", "out, $/M")
    made = table("model", "provider", *figures, "also called", right=figures)
    for model in found:
        names = ", ".join(model.aliases)
        for place, offer in enumerate(model.offers or (Offer(UNKNOWN, "", None, None),)):
            first = place == 0
            made.add_row(
                model.id if first else "",
                offer.provider,
                count(model.context_window) if first else "",
                count(model.max_output_tokens) if first else "",
                _price(offer.prompt_price),
                _price(offer.completion_price),
                names if first else "",
            )
    screen = console()
    screen.print(made)
    screen.print(f"{len(found)} models")


def _price(price: Decimal | None) -> str:
    return "unpriced" if price is None else f"{price.normalize():f}"


def _listed(message: Model) -> ListedModel:
    return ListedModel(
        id=message.id,
        display_name=message.display_name,
        aliases=tuple(message.aliases),
        context_window=message.context_window if message.HasField("context_window") else None,
        max_output_tokens=message.max_output_tokens if message.HasField("max_output_tokens") else None,
        offers=tuple(map(_offer, message.endpoints)),
    )


def _offer(endpoint: Endpoint) -> Offer:
    now = times.now()
    prices: dict[int, Decimal] = {}
    for version in endpoint.prices:
        if times.from_timestamp(version.effective_time) <= now:
            prices = {entry.unit: money.from_proto(entry.price) * _MILLION / entry.per for entry in version.unit_prices}
    return Offer(
        endpoint.provider,
        endpoint.provider_model_id,
        prices.get(PriceUnit.PRICE_UNIT_PROMPT_TOKEN),
        prices.get(PriceUnit.PRICE_UNIT_COMPLETION_TOKEN),
    )
