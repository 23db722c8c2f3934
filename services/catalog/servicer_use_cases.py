"""What use cases stand for."""

from dataclasses import replace

from pantheon.catalog.v1.catalog_service_pb2 import (
    ListUseCasesRequest,
    ListUseCasesResponse,
    SetUseCaseRequest,
    SetUseCaseResponse,
)
from pantheon.catalog.v1.use_case_pb2 import SuggestedTemperature
from services.catalog import use_case_messages as messages
from services.catalog.choices import offers
from services.catalog.entities import Choice
from services.catalog.fields import storable
from services.catalog.resources import Resources
from services.catalog.seed.use_cases import DEFAULTS, TEMPERATURES
from services.catalog.store import settings, use_cases
from services.catalog.use_cases import Choices, holding, name_of
from services.runtime.auth import Principal, current_principal
from services.runtime.db import WriteConnection
from services.runtime.rpc import RpcContext


class UseCaseRpcs:
    """Choices of the caller, of the caller's organisation, and of the platform."""

    resources: Resources

    async def ListUseCases(self, request: ListUseCasesRequest, context: RpcContext) -> ListUseCasesResponse:
        caller = current_principal()
        async with self.resources.db.snapshot() as connection:
            own = await settings.get(connection, caller.user_id)
            organisation = await use_cases.get(connection, caller.organisation_id)
        return ListUseCasesResponse(
            use_cases=map(messages.choice_message, holding(own.use_cases, organisation, DEFAULTS)),
            suggested_temperatures=(
                SuggestedTemperature(purpose=purpose, temperature=value) for purpose, value in TEMPERATURES.items()
            ),
        )

    async def SetUseCase(self, request: SetUseCaseRequest, context: RpcContext) -> SetUseCaseResponse:
        name = name_of("use_case", request.choice.use_case)
        choice = messages.choice_of(request.choice)
        storable("model", choice.model)
        async with self.resources.db.write() as connection:
            organisation = await self._choose(connection, current_principal(), name, choice)
        held = {found.use_case: found for found in holding({}, organisation, DEFAULTS)}
        return SetUseCaseResponse(choice=messages.choice_message(held[request.choice.use_case]))

    async def _choose(self, connection: WriteConnection, caller: Principal, name: str, choice: Choice) -> Choices:
        await use_cases.lock(connection, caller.organisation_id)
        kept = await use_cases.get(connection, caller.organisation_id)
        wanted = {other: held for other, held in kept.items() if other != name}
        if choice.model:
            # What is the administrator's own is nothing to anybody else.
            for_all = await offers(connection, replace(caller, user_id=""), (choice.model,))
            for_all.check_choice("model", "provider", choice)
            wanted[name] = choice
        if wanted != kept:
            await use_cases.write(connection, caller.organisation_id, wanted)
            await self.resources.outbox.add(connection, messages.organisation_changed(caller.organisation_id, wanted))
        return wanted
