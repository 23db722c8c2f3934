"""Who sees which custom models, who may change them, and in what order they are listed."""

import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN, ROLE_PROJECT_ADMIN
from pantheon.catalog.v1.catalog_service_pb2 import ListCustomModelsRequest
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from services.runtime.paging import encode_token
from tests.fixtures.refusals import refusal
from tests.integration.catalog.people import Person, described, fresh
from tests.integration.catalog.replica import Catalog


async def test_nobody_sees_another_s_own_model(catalog: Catalog, ada: Person, bob: Person) -> None:
    made = await ada.create(catalog, described())
    admin = ada.colleague(ROLE_ORGANISATION_ADMIN)
    for other in (bob, admin, Person(), Person(role=ROLE_PLATFORM_ADMIN)):
        assert await other.list(catalog) == []
        for call in (
            other.get(catalog, made.id),
            other.update(catalog, CustomModel(id=made.id, name="Mine now"), "name"),
            other.delete(catalog, made.id),
        ):
            assert (await refusal(call)).reason == "RESOURCE_NOT_FOUND"
    assert await ada.get(catalog, made.id) == made


async def test_members_of_a_project_see_what_is_shared_in_it_and_only_administrators_change_it(
    catalog: Catalog, ada: Person, bob: Person
) -> None:
    made = await ada.create(catalog, described(project_id=ada.project))
    assert await bob.list(catalog) == [made]
    assert await bob.get(catalog, "custom/my-model") == made
    renamed = CustomModel(id="custom/my-model", name="Ours")
    for call in (bob.update(catalog, renamed, "name"), bob.delete(catalog, "custom/my-model")):
        error = await refusal(call)
        assert (error.reason, error.metadata["required"]) == ("ACCESS_DENIED", "ROLE_PROJECT_ADMIN")
        assert error.metadata["method"].startswith("/pantheon.catalog.v1.CatalogService/")
    admin = ada.colleague(ROLE_PROJECT_ADMIN)
    changed = await admin.update(catalog, renamed, "name")
    assert (changed.name, changed.user_id) == ("Ours", ada.id)
    await admin.delete(catalog, "custom/my-model")
    assert await bob.list(catalog) == []


async def test_administrators_of_another_project_or_organisation_change_nothing_here(
    catalog: Catalog, ada: Person
) -> None:
    made = await ada.create(catalog, described(project_id=ada.project))
    renamed = CustomModel(id=made.id, name="Ours")
    outsiders = (
        ada.colleague(project=fresh()),
        ada.colleague(ROLE_PROJECT_ADMIN, fresh()),
        Person(role=ROLE_ORGANISATION_ADMIN),
        Person(role=ROLE_PLATFORM_ADMIN),
    )
    for outsider in outsiders:
        assert await outsider.list(catalog) == []
        assert (await refusal(outsider.get(catalog, made.id))).reason == "RESOURCE_NOT_FOUND"
        assert (await refusal(outsider.update(catalog, renamed, "name"))).reason == "RESOURCE_NOT_FOUND"
        assert (await refusal(outsider.delete(catalog, made.id))).reason == "RESOURCE_NOT_FOUND"
    of_all_projects = ada.colleague(ROLE_ORGANISATION_ADMIN, fresh())
    assert (await of_all_projects.update(catalog, renamed, "name")).name == "Ours"


async def test_an_owner_in_another_project_keeps_what_is_shared_in_the_first(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(project_id=ada.project))
    moved = Person(ada.id, ada.organisation)
    assert await moved.list(catalog) == [made]
    assert (await moved.update(catalog, CustomModel(id=made.id, name="Still mine"), "name")).project_id == ada.project


async def test_pages_hold_every_model_once_in_order(catalog: Catalog, ada: Person, bob: Person) -> None:
    slugs = [f"m{number}" for number in range(5)]
    for slug in slugs:
        await ada.create(catalog, described(slug))
        await bob.create(catalog, described(slug, project_id=ada.project))
    found, token = list[CustomModel](), ""
    while True:
        request = ListCustomModelsRequest(page_size=3, page_token=token)
        page = await catalog.stub.ListCustomModels(request, metadata=ada.metadata)
        found += page.custom_models
        token = page.next_page_token
        if not token:
            break
        assert len(page.custom_models) == 3
    assert [model.model_id for model in found] == [f"custom/{slug}" for slug in slugs for _ in range(2)]
    assert len({model.id for model in found}) == 10


async def test_a_page_token_is_good_for_its_own_query_only(catalog: Catalog, ada: Person, bob: Person) -> None:
    for slug in ("a", "b"):
        await ada.create(catalog, described(slug))
    request = ListCustomModelsRequest(page_size=1)
    token = (await catalog.stub.ListCustomModels(request, metadata=ada.metadata)).next_page_token
    query = ("ListCustomModels", ada.id, ada.project)
    forged = (encode_token(query, "custom/a", "no id"), encode_token(query, "custom/a\0", fresh()))
    for who, used in ((bob, token), (ada, "!"), (ada, forged[0]), (ada, forged[1])):
        asked = ListCustomModelsRequest(page_token=used)
        error = await refusal(catalog.stub.ListCustomModels(asked, metadata=who.metadata))
        assert error.metadata["field"] == "page_token"
    asked = ListCustomModelsRequest(page_size=-1)
    assert (await refusal(catalog.stub.ListCustomModels(asked, metadata=ada.metadata))).reason == "INVALID_FIELD"


@pytest.mark.parametrize(
    "name", ("", "custom/gone", "openai/gpt-4", "0", "{01900000-0000-7000-8000-000000000000}", "\0")
)
async def test_what_is_not_there_is_not_found(catalog: Catalog, ada: Person, name: str) -> None:
    error = await refusal(ada.get(catalog, name))
    assert error.reason == ("INVALID_FIELD" if "\0" in name else "RESOURCE_NOT_FOUND")
