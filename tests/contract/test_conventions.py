"""Paging, repeating and partial updates look the same in every service."""

import pytest
from google.protobuf.descriptor import Descriptor

from tests.contract.declared import Rpc, rpcs
from tests.contract.listing import type_of

NOT_PAGED = {
    "pantheon.auth.v1.AuthService/ListSigningKeys": "a handful of public keys",
    "pantheon.catalog.v1.CatalogService/ListSecrets": "internal; a router needs all of them at once",
    "pantheon.catalog.v1.CatalogService/ListUseCases": "there are five",
    "pantheon.events.v1.ChangeFeedService/ListChanges": "internal; goes on by revision",
}


def called(verb: str) -> list[Rpc]:
    return [rpc for rpc in rpcs() if rpc.name.startswith(verb)]


def types(message: Descriptor) -> dict[str, str]:
    return {field.name: type_of(field) for field in message.fields}


def is_paged(rpc: Rpc) -> bool:
    asked = {"page_size": "int32", "page_token": "string"}
    return asked.items() <= types(rpc.request).items() and types(rpc.response).get("next_page_token") == "string"


def test_lists_are_paged() -> None:
    assert {rpc.path for rpc in called("List") if not is_paged(rpc)} == set(NOT_PAGED)


def test_whoever_takes_a_page_token_gives_the_next() -> None:
    halves = [rpc for rpc in rpcs() if "page_token" in types(rpc.request) or "next_page_token" in types(rpc.response)]

    assert all(is_paged(rpc) for rpc in halves)


@pytest.mark.parametrize("rpc", [pytest.param(rpc, id=rpc.path) for rpc in called("Create")])
def test_creating_twice_by_mistake_can_be_ruled_out(rpc: Rpc) -> None:
    assert types(rpc.request)["request_id"] == "string"


@pytest.mark.parametrize("rpc", [pytest.param(rpc, id=rpc.path) for rpc in called("Update")])
def test_an_update_says_which_fields_it_means(rpc: Rpc) -> None:
    assert types(rpc.request)["update_mask"] == "google.protobuf.FieldMask"
