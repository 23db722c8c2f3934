"""`pantheon custom-models`: models that users describe, in the document that REST takes as well."""

from dataclasses import dataclass, field
from types import MappingProxyType

from rich.table import Table

from pantheon.auth.v1.auth_service_pb2 import GetCurrentUserRequest
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.catalog.v1.catalog_service_pb2 import (
    CreateCustomModelRequest,
    DeleteCustomModelRequest,
    GetCustomModelRequest,
    ListCustomModelsRequest,
    UpdateCustomModelRequest,
    UpdateUserSettingsRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.catalog.v1.settings_pb2 import UserSettings
from services.cli.asking import confirm
from services.cli.calling import Caller
from services.cli.numbers import digits
from services.cli.output import UNKNOWN, console, count, facts, moment, print_json, table
from services.cli.running import WRONG_INPUT, CommandFailed
from services.edge.rest.custom_model_bodies import (
    DOCUMENT,
    READ_ONLY,
    CostBody,
    CustomModelBody,
    amendment,
    creation,
    custom_model_body,
)
from services.edge.rest.members import Members
from services.edge.rest.read_only import check_unchanged

NAMES = MappingProxyType({"custom_model.": ""})
"""Fields are called as in the document."""

_WRITTEN = tuple(name for name in DOCUMENT if name != "api_key")


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of the model of an id or model id.

    The document names what is written, null clears; what is read only may be in it as it is. `api_key`: the new one,
    empty for none from now on, None for the present one. `share`: in the caller's project, or no more; None: as it is.
    """

    which: str
    document: Members
    api_key: str | None = field(default=None, repr=False)
    share: bool | None = None

    def request(self) -> UpdateCustomModelRequest:
        """All of it but the sharing. Raises CommandFailed, InvalidField."""
        check_members(self.document, READ_ONLY)
        request = amendment(self.document, self.which)
        if self.api_key is not None:
            request.api_key = self.api_key
            request.update_mask.paths.append("api_key")
        return request


async def list_models(caller: Caller, *, as_json: bool) -> None:
    """Prints the caller's and those shared in the caller's project."""
    async with caller:
        pages = caller.pages(CatalogServiceStub(caller.channel).ListCustomModels, ListCustomModelsRequest())
        found = [custom_model_body(model) async for page in pages for model in page.custom_models]
    if as_json:
        print_json(found)
        return
    figures = ("context", "in, $/k", "out, $/k")
    made = table("model", "name", "provider", "endpoint", *figures, "key", "shared", right=figures)
    for model in found:
        cells = (model.model_id, model.name, model.provider, model.api_endpoint)
        shared = "in the project" if model.project_id else ""
        made.add_row(*cells, count(model.context_window), *_costs(model.cost_per_1k_tokens), _key(model), shared)
    console().print(made)


async def show(caller: Caller, which: str, *, as_json: bool) -> None:
    """Prints one, but its key."""
    async with caller:
        _print(await kept_model(caller, which), as_json=as_json)


async def create(caller: Caller, request: CreateCustomModelRequest, *, sharing: Caller | None, as_json: bool) -> None:
    """Makes one; where `sharing` is the auth service, for all of the caller's project."""
    if sharing is not None:
        request.custom_model.project_id = await _project(sharing)
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        answer = await caller.call(catalog.CreateCustomModel, request, names=NAMES)
    _print(answer.custom_model, as_json=as_json)


async def update(caller: Caller, change: Change, *, auth: Caller, as_json: bool) -> None:
    """Changes one. Raises CommandFailed, InvalidField."""
    request = change.request()
    if change.share is not None:
        request.custom_model.project_id = await _project(auth) if change.share else ""
        request.update_mask.paths.append("project_id")
    if not request.update_mask.paths:
        # To the catalog a mask without paths means everything.
        raise CommandFailed("nothing to change: name a FILE that says something, a key, or --share", WRONG_INPUT)
    async with caller:
        if any(name in change.document for name in READ_ONLY):
            check_unchanged(change.document, READ_ONLY, custom_model_body(await kept_model(caller, change.which)))
        catalog = CatalogServiceStub(caller.channel)
        answer = await caller.call(catalog.UpdateCustomModel, request, names=NAMES)
    _print(answer.custom_model, as_json=as_json)


async def delete(caller: Caller, which: str, *, yes: bool, as_json: bool) -> None:
    """Removes one, and its key with it."""
    async with caller:
        model = await kept_model(caller, which)
        await confirm(f"Delete {model.model_id} ({model.name})?", yes=yes)
        catalog = CatalogServiceStub(caller.channel)
        await caller.call(catalog.DeleteCustomModel, DeleteCustomModelRequest(id=model.id))
    if as_json:
        print_json({"id": model.id, "model_id": model.model_id})
    else:
        console().print(f"{model.model_id} is gone; its rows stay in the ledger")


async def prefer(caller: Caller, which: str, *, as_json: bool) -> None:
    """Makes one what `auto` stands for."""
    async with caller:
        request = UpdateUserSettingsRequest(settings=UserSettings(preferred_model=await reached(caller, which)))
        request.update_mask.paths.append("preferred_model")
        answer = await caller.call(CatalogServiceStub(caller.channel).UpdateUserSettings, request)
    preferred = answer.settings.preferred_model
    if as_json:
        print_json({"preferred_model": preferred})
    else:
        console().print(f"auto stands for {preferred} from now on")


async def kept_model(caller: Caller, which: str) -> CustomModel:
    """The custom model of an id or model id. Raises CommandFailed."""
    catalog = CatalogServiceStub(caller.channel)
    return (await caller.call(catalog.GetCustomModel, GetCustomModelRequest(id=which))).custom_model


async def reached(caller: Caller, which: str) -> str:
    """The name by which the caller's requests reach the custom model of an id or model id.

    Raises CommandFailed; also where the model is a shared one and the caller has one of the same name.
    """
    model = await kept_model(caller, which)
    if which != model.model_id and model.id != (await kept_model(caller, model.model_id)).id:
        raise CommandFailed(f"{model.model_id} is another custom model to you: one of your own")
    return model.model_id


def new_model(document: Members, api_key: str | None) -> CreateCustomModelRequest:
    """The request that makes what the document describes. Raises CommandFailed, InvalidField."""
    check_members(document)
    request = creation(document)
    request.api_key = api_key or ""
    return request


async def _project(auth: Caller) -> str:
    async with auth:
        stub = AuthServiceStub(auth.channel)
        return (await auth.call(stub.GetCurrentUser, GetCurrentUserRequest())).project_id


def _print(model: CustomModel, *, as_json: bool) -> None:
    body = custom_model_body(model)
    if as_json:
        print_json(body)
    else:
        console().print(model_facts(body))


def model_facts(model: CustomModelBody) -> Table:
    """What there is to say of a custom model."""
    cost_in, cost_out = _costs(model.cost_per_1k_tokens)
    cost = cost_in if model.cost_per_1k_tokens is None else f"${cost_in} in, ${cost_out} out per thousand tokens"
    parameters = ", ".join(f"{name} {value}" for name, value in model.parameters.items())
    return facts(
        {
            "model": model.model_id,
            "name": model.name,
            "id": model.id,
            "provider": model.provider,
            "endpoint": model.api_endpoint,
            "called there": model.provider_model_id,
            "parameters": parameters or UNKNOWN,
            "context window": count(model.context_window),
            "cost": cost,
            "key": _key(model),
            "shared": f"in the project {model.project_id}" if model.project_id else "no",
            "made": moment(model.create_time) if model.create_time else UNKNOWN,
            "changed": moment(model.update_time) if model.update_time else UNKNOWN,
        }
    )


def check_members(document: Members, beside: tuple[str, ...] = ()) -> None:
    """Lets a document pass that has no other members than these, and no key, whose place is no file passed around.

    Raises:
        InvalidField: it has another.
        CommandFailed: it has a key.
    """
    if "api_key" in document:
        allowed = "--api-key-prompt, --api-key-stdin or --api-key-variable"
        raise CommandFailed(f"api_key: a key does not belong in the document; use {allowed}", WRONG_INPUT)
    document.only((*_WRITTEN, *beside))


def _costs(cost: CostBody | None) -> tuple[str, str]:
    if cost is None:
        return "unpriced", "unpriced"
    return digits(cost.input), digits(cost.output)


def _key(model: CustomModelBody) -> str:
    if model.has_api_key:
        return f"its own, ending in {model.api_key_last_four}" if model.api_key_last_four else "its own"
    return "the provider's" if model.provider_hosted else "none"
