"""`pantheon models list` and `show`: what can be asked, what it takes, and what it costs."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rich.table import Table

from pantheon.catalog.v1.catalog_service_pb2 import GetModelRequest, ListModelsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.model_pb2 import Capability, Model, ModelOrder
from services.cli.calling import Caller
from services.cli.near import suggesting
from services.cli.numbers import digits
from services.cli.output import UNKNOWN, console, count, facts, moment, print_json, table
from services.cli.price_tables import price_history
from services.edge.rest import decimals
from services.edge.rest.model_bodies import EndpointBody, ModelBody, model_body
from services.edge.rest.names import Names
from services.runtime import money, times
from services.runtime.errors import InvalidField

_OPTIONS = MappingProxyType(
    {
        "min_context_window": "--min-context",
        "max_prompt_price": "--max-prompt-price",
        "max_completion_price": "--max-completion-price",
    }
)
_CAPABILITIES = Names(Capability, "-")
_ORDERS = Names(ModelOrder, "-")
_BY_ID = "id"
_SHOWN_PRICES = ("prompt_token", "completion_token")


def models_request(  # noqa: PLR0913 - one a filter
    *,
    search: str = "",
    provider: str = "",
    capabilities: Sequence[str] = (),
    min_context: int = 0,
    max_prompt_price: str = "",
    max_completion_price: str = "",
    current: bool = False,
    everything: bool = False,
    order: str = _BY_ID,
    reverse: bool = False,
) -> ListModelsRequest:
    """What to list, as the options say it; prices are in USD per million tokens.

    Raises:
        InvalidField: an option's value is not allowed.
    """
    request = ListModelsRequest(
        search=search,
        provider=provider,
        available_only=not everything,
        capabilities=[_CAPABILITIES.value(name, "--capability") for name in dict.fromkeys(capabilities)],
        min_context_window=min_context,
        current_only=current,
        order=_order(order),
        reverse=reverse,
    )
    for name, text in (("max_prompt_price", max_prompt_price), ("max_completion_price", max_completion_price)):
        if text:
            getattr(request, name).CopyFrom(money.to_proto(decimals.read(_OPTIONS[name], text)))
    return request


async def list_models(caller: Caller, request: ListModelsRequest, *, as_json: bool) -> None:
    """Prints the models asked for, in their order."""
    now = times.to_timestamp(times.now())
    async with caller:
        pages = caller.pages(CatalogServiceStub(caller.channel).ListModels, request, _OPTIONS)
        found = [model_body(model, now, alone=False) async for page in pages for model in page.models]
    if as_json:
        print_json(found)
        return
    screen = console()
    screen.print(models_table(found))
    screen.print(f"{len(found)} model{'' if len(found) == 1 else 's'}")


async def show_model(caller: Caller, name: str, *, as_json: bool) -> None:
    """Prints all that is known of a model."""
    async with caller:
        model = await found_model(caller, name)
    body = model_body(model, times.to_timestamp(times.now()), alone=True)
    if as_json:
        print_json(body)
        return
    screen = console()
    screen.print(model_facts(body))
    screen.print(parameters_table(body))
    screen.print(price_history(body.endpoints, times.now()))


async def found_model(caller: Caller, name: str) -> Model:
    """The model of an id or alias. Raises CommandFailed; where there is none, it names some that are called alike."""
    catalog = CatalogServiceStub(caller.channel)
    async with suggesting(caller, name):
        answer = await caller.call(catalog.GetModel, GetModelRequest(model_id=name))
    return answer.model


def models_table(found: Sequence[ModelBody]) -> Table:
    """A line an offer."""
    figures = ("context", "most output", "in, $/M", "out, $/M")
    made = table("model", "provider", *figures, "can", "also called", right=figures)
    for model in found:
        own = (count(model.context_window), count(model.max_output_tokens))
        said = (_abilities(model), ", ".join(model.aliases))
        for place, (provider, prices) in enumerate(_offers(model.endpoints)):
            if place == 0:
                made.add_row(model.id, provider, *own, *prices, *said)
            else:
                made.add_row("", provider, "", "", *prices, "", "")
    return made


def model_facts(model: ModelBody) -> Table:
    """What there is to say of a model, but parameters and prices."""
    return facts(
        {
            "model": model.id,
            "name": model.display_name or UNKNOWN,
            "also called": ", ".join(model.aliases) or UNKNOWN,
            "context window": count(model.context_window),
            "most output": count(model.max_output_tokens),
            "takes": ", ".join(model.input_modalities) or "unknown",
            "makes": ", ".join(model.output_modalities) or "unknown",
            **{what.replace("_", " "): _known(value) for what, value in _capabilities(model).items()},
            "released": moment(model.release_time) if model.release_time else "unknown",
            "deprecated": moment(model.deprecation_time) if model.deprecation_time else "no",
            "successor": model.successor_id or UNKNOWN,
        }
    )


def parameters_table(model: ModelBody) -> Table:
    """What the model takes for each parameter."""
    figures = ("from", "to", "default")
    made = table("parameter", "taken", *figures, right=figures)
    for name, spec in model.parameters.items():
        bounds = (spec.minimum, spec.maximum, spec.default)
        made.add_row(name, _known(spec.supported), *(f"{bound:,}" for bound in bounds))
    return made


def _offers(endpoints: Sequence[EndpointBody]) -> list[tuple[str, tuple[str, ...]]]:
    """Providers with their present prices; one line of nothing where there is no provider."""
    if not endpoints:
        return [(UNKNOWN, (UNKNOWN,) * len(_SHOWN_PRICES))]
    return [(endpoint.provider, _prices(endpoint.price_per_million or {})) for endpoint in endpoints]


def _prices(prices: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(digits(prices[unit]) if unit in prices else "unpriced" for unit in _SHOWN_PRICES)


def _abilities(model: ModelBody) -> str:
    found = [what.replace("_", "-") for what, able in _capabilities(model).items() if able]
    return ", ".join([*found, *(kind for kind in model.input_modalities if kind != "text")])


def _capabilities(model: ModelBody) -> dict[str, bool | None]:
    said = model.capabilities
    return {"tools": said.tools, "structured_output": said.structured_output, "reasoning": said.reasoning}


def _known(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _order(name: str) -> ModelOrder.ValueType:
    if name == _BY_ID:
        return ModelOrder.MODEL_ORDER_UNSPECIFIED
    if name not in _ORDERS:
        raise InvalidField("--order", name, f"one of {', '.join((_BY_ID, *_ORDERS))}")
    return _ORDERS.value(name, "--order")
