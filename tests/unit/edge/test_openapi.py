"""The document describes what the edge does: no more, no less."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from starlette.routing import Route

from pantheon.auth.v1.access_pb2 import Role
from services.edge.app import rest_routes
from services.edge.backends import Backends
from services.edge.rest import (
    auth,
    custom_model_bodies,
    custom_models,
    model_bodies,
    model_test_bodies,
    models,
    names,
    price_bodies,
    price_override_bodies,
    prices,
    provider_key_bodies,
    settings_bodies,
    sync_bodies,
    syncs,
    usage,
    use_case_bodies,
)
from services.edge.rest.answers import ErrorBody
from services.edge.rest.periods import PERIODS
from services.edge.settings import EdgeSettings
from services.runtime.errors import by_reason
from tests.unit.edge.description import STRICT, Operation, document, faults, operation_at, operations, read, resolved

BODIES: Mapping[str, type[msgspec.Struct]] = {
    "Error": ErrorBody,
    "Tokens": auth.TokensBody,
    "Login": auth.LoginBody,
    "User": auth.UserBody,
    "Settings": settings_bodies.SettingsBody,
    "Usage": usage.UsageBody,
    "ModelUsage": usage.ModelUsage,
    "Models": models.ModelsBody,
    "Model": model_bodies.ModelBody,
    "ParameterSpec": model_bodies.ParameterBody,
    "Endpoint": model_bodies.EndpointBody,
    "PriceVersion": price_bodies.PriceVersionBody,
    "UnitPrice": price_bodies.UnitPriceBody,
    "PriceOverride": price_override_bodies.PriceOverrideBody,
    "PriceOverrides": prices.PriceOverridesBody,
    "Provider": model_bodies.ProviderBody,
    "Providers": models.ProvidersBody,
    "Listing": sync_bodies.ListingBody,
    "Difference": sync_bodies.DifferenceBody,
    "Sync": sync_bodies.SyncBody,
    "Syncs": syncs.SyncsBody,
    "UseCaseChoice": use_case_bodies.UseCaseBody,
    "ProviderKey": provider_key_bodies.ProviderKeyBody,
    "ProviderKeys": provider_key_bodies.ProviderKeysBody,
    "CustomModel": custom_model_bodies.CustomModelBody,
    "CustomModels": custom_models.CustomModelsBody,
    "CostPerThousandTokens": custom_model_bodies.CostBody,
    "ModelTest": model_test_bodies.ModelTestBody,
}

UNNEEDED: Mapping[str, set[str]] = {"UnitPrice": {"tiers"}}

ENUMS: Mapping[str, names.Names[Any]] = {
    "Capability": names.CAPABILITIES,
    "Check": names.OUTCOMES,
    "Modality": names.MODALITIES,
    "PriceUnit": names.PRICE_UNITS,
    "UseCase": names.USE_CASES,
    "Provider.wire_format": names.WIRE_FORMATS,
    "Provider.auth_style": names.AUTH_STYLES,
    "Difference.kind": names.DIFFERENCES,
    "UseCaseChoice.level": names.LEVELS,
    "ProviderKey.source": names.KEY_SOURCES,
    "ProviderKey.status": names.KEY_STATUSES,
}


@pytest.fixture
async def routes() -> AsyncIterator[list[Route]]:
    """Everything below /api."""
    settings = EdgeSettings()
    backends = Backends(settings)
    yield [route for route in rest_routes(settings, backends) if isinstance(route, Route)]
    await backends.close()


def schema(name: str) -> dict[str, Any]:
    """A component, or a property of one: "Provider.wire_format"."""
    name, _, member = name.partition(".")
    found = resolved({"$ref": f"#/components/schemas/{name}"})
    return resolved(found["properties"][member]) if member else found


def nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document, with its path."""
    if isinstance(node, dict):
        yield path, node
    for name, member in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from nodes(member, f"{path}/{name}")


def title(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


async def test_every_route_and_method_is_described_and_everything_described_is_served(routes: list[Route]) -> None:
    served = {(method, route.path.replace(":path}", "}")) for route in routes for method in route.methods or ()}
    assert {(operation.method, operation.path) for operation in operations()} == {
        (method, path) for method, path in served if method != "HEAD"
    }


async def test_no_route_hides_another_that_is_described_apart(routes: list[Route]) -> None:
    for operation in operations():
        path = re.sub(r"\{\w+\}", "a", operation.path)
        scope = {"type": "http", "method": operation.method, "path": path, "root_path": "", "headers": []}
        first = next(route for route in routes if route.matches(scope)[0].name == "FULL")
        assert first.path.replace(":path}", "}") == operation.path


def test_references_lead_somewhere_and_nothing_is_described_in_vain() -> None:
    referred = {node["$ref"] for _, node in nodes(document()) if "$ref" in node}
    defined = {
        f"#/components/{kind}/{name}"
        for kind, components in document()["components"].items()
        if kind != "securitySchemes"
        for name in components
    }
    assert referred == defined


def test_a_comma_in_a_text_never_makes_a_member_of_its_rest() -> None:
    examples = re.compile(r"/(example|examples)/")
    found = [f"{path}/{name}" for path, node in nodes(document()) for name, value in node.items() if value is None]
    assert [path for path in found if not examples.search(path)] == []


def test_operations_have_names_of_their_own_and_say_what_they_are() -> None:
    found = [operation.says["operationId"] for operation in operations()]
    assert len(found) == len(set(found))
    for operation in operations():
        assert operation.says["summary"]
        assert "default" in operation.says["responses"] or operation.says["operationId"] == "getDescription"
        in_path = {parameter["name"] for parameter in operation.parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", operation.path)), title(operation)


def test_only_what_needs_no_credentials_says_so() -> None:
    assert document()["security"] == [{"bearer": []}]
    free = {operation.path for operation in operations() if operation.says.get("security") == []}
    assert free == {"/api/openapi.yaml", "/api/auth/login", "/api/auth/refresh"}


def examples() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for path, node in nodes(document()):
        described = node.get("schema", node)
        if "example" in node and isinstance(described, dict):
            yield f"{path}/example", node["example"], described
        for name, example in node.get("examples", {}).items() if "schema" in node else ():
            yield f"{path}/examples/{name}", resolved(example)["value"], described


@pytest.mark.parametrize(("path", "example", "described"), list(examples()))
def test_every_example_is_what_its_schema_says(path: str, example: Any, described: dict[str, Any]) -> None:
    assert list(faults(example, described)) == []


@pytest.mark.parametrize("name", BODIES)
def test_a_schema_has_the_members_of_the_body_it_describes(name: str) -> None:
    fields = msgspec.structs.fields(BODIES[name])
    described = document()["components"]["schemas"][name]
    base = resolved({"$ref": described["$ref"]}) if "$ref" in described else {}
    assert {*base.get("properties", {}), *described.get("properties", {})} == {field.encode_name for field in fields}
    sent = {field.encode_name for field in fields if field.default != msgspec.UNSET}
    # A unit price is a part of requests, too, where tiers may be missing.
    assert {*base.get("required", []), *described.get("required", [])} == sent - UNNEEDED.get(name, set())


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_has_the_names_of_the_contract(name: str) -> None:
    assert [value for value in schema(name)["enum"] if value is not None] == list(ENUMS[name])


def test_orders_periods_roles_and_error_codes_are_those_there_are() -> None:
    asked = {parameter["name"]: parameter["schema"] for op in operations() for parameter in op.parameters}
    assert asked["order"]["enum"] == list(names.ORDERS)
    assert asked["period"]["enum"] == list(PERIODS)
    roles = [name.removeprefix("ROLE_").lower() for name, number in Role.items() if number]
    assert schema("User.role")["enum"] == roles
    assert set(schema("ErrorCode")["enum"]) == set(by_reason())


def test_schemas_have_no_keyword_that_is_none() -> None:
    inline = {path: node["schema"] for path, node in nodes(document()) if "schema" in node}
    for path, described in {**inline, **document()["components"]["schemas"]}.items():
        assert [error.message for error in STRICT.iter_errors(described)] == [], path
    assert list(STRICT.iter_errors({"type": "strnig"}))
    assert list(STRICT.iter_errors({"properties": {"a": {"items": {"anyof": []}}}}))


def test_a_name_that_stands_twice_is_not_read() -> None:
    with pytest.raises(AssertionError, match=r"line 2.*\['b', 'b'\]"):
        read("a:\n  {b: 1, b: 2}")


@pytest.mark.parametrize(
    ("name", "falsified", "told"),
    (
        ("Check", "perhaps", "$: 'perhaps' is not one of"),
        ("Time", "yesterday", "$: 'yesterday' is not a 'date-time'"),
        ("Time", "2026-11-22T12:00:00", "is not a 'date-time'"),
        ("Model.capabilities", {"tools": True}, ""),
        ("ModelParameters", {"temperature": 3}, "$.temperature: 3"),
        ("ModelParameters", {"max_tokens": True}, "$.max_tokens: True"),
        ("ModelParameters", {"warmth": 1}, "'warmth' was unexpected"),
        ("CustomModelDocument", {"id": "a"}, "'name' is a required property"),
        ("Error", {"error": {"code": "NO_SUCH_CODE"}}, "$.error.code: 'NO_SUCH_CODE'"),
        ("Models", {"models": [{}], "next_page_token": ""}, "$.models[0]: 'id' is a required property"),
    ),
)
def test_an_answer_beside_its_schema_is_told_apart(name: str, falsified: Any, told: str) -> None:
    assert told in "\n".join(faults(falsified, schema(name)))
    assert list(faults(falsified, schema(name)))


@pytest.mark.parametrize(("path", "example", "described"), list(examples()))
def test_an_example_that_is_falsified_is_told_apart(path: str, example: Any, described: dict[str, Any]) -> None:
    if isinstance(example, dict):
        assert list(faults({**example, "no such member": 1}, described))
        for name in example:
            assert list(faults({**example, name: {"no such": ["value"]}}, described)), name
    else:
        assert list(faults({"no such": ["value"]}, described))


def test_what_a_schema_allows_is_let_pass() -> None:
    assert list(faults({"temperature": 2, "max_tokens": None}, schema("ModelParameters"))) == []


def test_the_most_literal_path_describes_a_request() -> None:
    found = {
        path: operation.path
        for path in ("/api/models/openai/gpt-4", "/api/models", "/api/models/syncs", "/api/models/syncs/1/revert")
        for method in ("GET", "POST")
        if (operation := operation_at(method, path)) is not None
    }
    assert found == {
        "/api/models/openai/gpt-4": "/api/models/{id}",
        "/api/models": "/api/models",
        "/api/models/syncs": "/api/models/syncs",
        "/api/models/syncs/1/revert": "/api/models/syncs/{id}/revert",
    }
