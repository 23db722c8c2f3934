"""Use cases as JSON: what each stands for, and who says so. Pure."""

import msgspec

from pantheon.catalog.v1.catalog_service_pb2 import ListUseCasesResponse
from pantheon.catalog.v1.use_case_pb2 import UseCaseChoice
from services.edge.rest.names import LEVELS, USE_CASES


class UseCaseBody(msgspec.Struct, frozen=True):
    """What a use case stands for, and who says so. `provider` null: the catalog's order; `reason`: the platform's."""

    use_case: str | None
    model: str
    provider: str | None
    level: str | None
    reason: str | None


class UseCasesBody(msgspec.Struct, frozen=True):
    """All use cases as they are for the caller, and the temperatures advised, by purpose."""

    use_cases: list[UseCaseBody]
    suggested_temperatures: dict[str, float]


def use_cases_body(response: ListUseCasesResponse) -> UseCasesBody:
    """All of them as they are shown."""
    temperatures = {entry.purpose: entry.temperature for entry in response.suggested_temperatures}
    return UseCasesBody([use_case_body(choice) for choice in response.use_cases], temperatures)


def use_case_body(choice: UseCaseChoice) -> UseCaseBody:
    """The choice as it is shown."""
    return UseCaseBody(
        USE_CASES.of(choice.use_case),
        choice.model,
        choice.provider or None,
        LEVELS.of(choice.level),
        choice.reason or None,
    )
