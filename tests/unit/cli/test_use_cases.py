"""Use cases as a table, and as they are typed."""

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import SetUseCaseRequest, SetUseCaseResponse
from pantheon.catalog.v1.use_case_pb2 import ChoiceLevel, UseCase, UseCaseChoice
from services.cli.use_cases import choices_table, choose, take_back
from services.edge.rest.use_case_bodies import use_case_body
from services.runtime.errors import InvalidField
from tests.unit.cli.answering import Answering, Prepared
from tests.unit.cli.printed import lines

CHOICE = UseCaseChoice(
    use_case=UseCase.USE_CASE_LONG_CONTEXT, model="acme/sage", level=ChoiceLevel.CHOICE_LEVEL_PLATFORM, reason="room"
)


def test_a_choice_says_who_made_it_and_why() -> None:
    assert lines(choices_table([use_case_body(CHOICE)]))[2:] == ["auto/long-context acme/sage platform room"]


@pytest.mark.parametrize("name", ("long-context", "auto/long-context"))
async def test_a_use_case_is_named_as_in_requests_or_without_auto(name: str) -> None:
    catalog = Answering(
        "pantheon.catalog.v1.CatalogService",
        SetUseCase=Prepared(SetUseCaseRequest, SetUseCaseResponse(choice=CHOICE)),
    )
    async with catalog.serving() as caller:
        await choose(caller, name, "acme/sage", "acme", as_json=True)
    (request,) = catalog.asked
    assert (request.choice.use_case, request.choice.provider) == (UseCase.USE_CASE_LONG_CONTEXT, "acme")


async def test_an_unknown_use_case_is_refused_with_the_known_ones() -> None:
    catalog = Answering("pantheon.catalog.v1.CatalogService")
    async with catalog.serving() as caller:
        with pytest.raises(InvalidField, match="USE_CASE: 'poetry' is not allowed; one of general, code, fast, vision"):
            await choose(caller, "poetry", "acme/sage", "", as_json=True)


async def test_a_choice_is_taken_back_by_name_and_not_by_an_empty_model() -> None:
    answers = Prepared(SetUseCaseRequest, SetUseCaseResponse(choice=CHOICE))
    catalog = Answering("pantheon.catalog.v1.CatalogService", SetUseCase=answers)
    async with catalog.serving() as caller:
        with pytest.raises(InvalidField, match="MODEL: '' is not allowed; a model; `pantheon use-cases clear code`"):
            await choose(caller, "code", "", "", as_json=True)
        assert catalog.asked == []
        await take_back(caller, "code", as_json=True)
    assert [request.choice.model for request in catalog.asked] == [""]
