"""`pantheon use-cases`: what `auto/code` and the like stand for, and what the organisation chooses."""

from types import MappingProxyType

from rich.table import Table

from pantheon.catalog.v1.catalog_service_pb2 import ListUseCasesRequest, SetUseCaseRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.use_case_pb2 import UseCaseChoice
from services.cli.calling import Caller
from services.cli.near import suggesting
from services.cli.output import UNKNOWN, console, print_json, table
from services.edge.rest.names import USE_CASES
from services.edge.rest.use_case_bodies import UseCaseBody, use_case_body, use_cases_body
from services.runtime.errors import InvalidField

_NAMES = MappingProxyType({"choice.model": "MODEL", "choice.provider": "--provider", "choice.": ""})


async def list_use_cases(caller: Caller, *, as_json: bool) -> None:
    """Prints what each stands for, for the caller, and the temperatures advised."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        found = use_cases_body(await caller.call(catalog.ListUseCases, ListUseCasesRequest()))
    if as_json:
        print_json(found)
        return
    screen = console()
    screen.print(choices_table(found.use_cases))
    advised = ", ".join(f"{purpose} {temperature}" for purpose, temperature in found.suggested_temperatures.items())
    screen.print(f"temperatures advised: {advised or UNKNOWN}")


async def choose(caller: Caller, use_case: str, model: str, provider: str, *, as_json: bool) -> None:
    """Sets what one stands for in the organisation. Raises CommandFailed, InvalidField."""
    if not model:
        # To the catalog a choice without a model takes one back.
        raise InvalidField("MODEL", model, f"a model; `pantheon use-cases clear {use_case}` takes the choice back")
    await _set(caller, use_case, model, provider, as_json=as_json)


async def take_back(caller: Caller, use_case: str, *, as_json: bool) -> None:
    """Takes the organisation's choice back. Raises CommandFailed, InvalidField."""
    await _set(caller, use_case, "", "", as_json=as_json)


def choices_table(choices: list[UseCaseBody]) -> Table:
    """A line a use case."""
    made = table("use case", "model", "provider", "chosen by", "why")
    for choice in choices:
        name = f"auto/{choice.use_case}"
        made.add_row(name, choice.model, choice.provider or "", choice.level or UNKNOWN, choice.reason or "")
    return made


async def _set(caller: Caller, use_case: str, model: str, provider: str, *, as_json: bool) -> None:
    number = USE_CASES.value(use_case.removeprefix("auto/"), "USE_CASE")
    request = SetUseCaseRequest(choice=UseCaseChoice(use_case=number, model=model, provider=provider))
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        async with suggesting(caller, model):
            answer = await caller.call(catalog.SetUseCase, request, names=_NAMES)
    choice = use_case_body(answer.choice)
    if as_json:
        print_json(choice)
    else:
        console().print(choices_table([choice]))
