"""The description as it is served, and the members and parameters that the edge says it expects."""

from typing import Any

import httpx2 as httpx
import pytest

from services.edge.rest.openapi import DOCUMENT
from tests.integration.edge.services import KEY
from tests.unit.edge.description import Operation, document, operations, resolved

BODIES = [operation for operation in operations() if operation.body is not None]
QUERIES = [operation for operation in operations() if any(found["in"] == "query" for found in operation.parameters)]


def address(operation: Operation) -> str:
    return operation.path.format(id="x", use_case="code")


def title(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


async def test_it_is_served_to_anyone_and_read_again_only_when_it_changed(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/api/openapi.yaml")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == DOCUMENT.read_bytes()
    assert answer.headers["etag"]


@pytest.mark.parametrize("operation", BODIES, ids=title)
async def test_the_members_expected_are_those_described(ada: httpx.AsyncClient, operation: Operation) -> None:
    assert operation.body is not None
    answer = await ada.request(operation.method, address(operation), json={"no such member": 1})
    assert answer.status_code == 400
    expected = answer.json()["error"]["details"]["allowed"].removeprefix("expected ").split(", ")
    assert set(expected) == set(properties(operation.body["schema"]))


@pytest.mark.parametrize("operation", QUERIES, ids=title)
async def test_the_parameters_expected_are_those_described(ada: httpx.AsyncClient, operation: Operation) -> None:
    answer = await ada.get(f"{address(operation)}?no-such-parameter=1")
    assert answer.status_code == 400
    expected = answer.json()["error"]["details"]["allowed"].removeprefix("expected ").split(", ")
    assert set(expected) == {found["name"] for found in operation.parameters if found["in"] == "query"}


@pytest.mark.parametrize("operation", operations(), ids=title)
async def test_credentials_are_asked_for_wherever_the_description_says_so(
    anyone: httpx.AsyncClient, operation: Operation
) -> None:
    answer = await anyone.request(operation.method, address(operation), content=b"{")
    if operation.says.get("security") == []:
        assert answer.status_code in (200, 400)
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "CREDENTIALS_MISSING")
        answer = await anyone.request(operation.method, address(operation), headers={"authorization": KEY})
        assert answer.status_code == 401


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    """Those of the schema and of the one it extends."""
    base = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
    inherited = properties(base) if base else {}
    return {**inherited, **resolved(schema).get("properties", {})}
