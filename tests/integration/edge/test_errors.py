import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2 as httpx
import pytest

from tests.integration.edge.running import NOWHERE, Behind, client_of, running_edge
from tests.integration.edge.services import KEY

SETTINGS = "/api/user/settings"
USAGE = "/api/user/usage"
MEBIBYTE = 1024 * 1024


async def test_a_path_that_is_not_there_is_told_as_json_below_api(anyone: httpx.AsyncClient) -> None:
    for path in ("/api", "/api/", "/api/user/usage/", "/api/nothing"):
        answer = await anyone.get(path)
        assert answer.status_code == 404
        assert answer.json() == {
            "error": {
                "code": "NO_SUCH_METHOD",
                "message": f"There is nothing at {path}",
                "details": {"path": path},
            }
        }


async def test_a_method_that_is_not_possible_names_those_that_are(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.delete(SETTINGS)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, PATCH, POST, PUT"
    assert answer.json()["error"]["details"] == {
        "method": "DELETE",
        "path": SETTINGS,
        "allowed": "GET, HEAD, PATCH, POST, PUT",
    }


@pytest.mark.parametrize(
    "body",
    (
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"{} trailing",
        b'{"preferred_model": "\xff"}',
        b'{"preferred_model": "\\ud800"}',
        b'{"model_parameters": {"temperature": NaN}}',
        b'{"model_parameters": {"temperature": 1e999}}',
        b'{"model_parameters": ' + b"[" * 100_000,
        '{"preferred_model": null}'.encode("utf-16"),
    ),
)
async def test_a_body_that_is_no_json_object_is_malformed(ada: httpx.AsyncClient, body: bytes) -> None:
    answer = await ada.post(SETTINGS, content=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "MALFORMED_BODY"
    assert error["details"]["detail"]


async def test_a_body_that_announces_too_much_is_refused_unread(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(SETTINGS, content=b" " * (50 * MEBIBYTE))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "BODY_TOO_LARGE"
    assert answer.json()["error"]["details"]["size"] == str(50 * MEBIBYTE)


async def test_a_body_without_a_length_is_read_no_further_than_the_limit(ada: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (MEBIBYTE // 8)

    answer = await ada.post(SETTINGS, content=parts())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_body_just_within_the_limit_is_read(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(SETTINGS, content=b"{}" + b" " * (MEBIBYTE - 2))
    assert answer.status_code == 200


async def test_a_service_that_is_down_is_named(behind: Behind) -> None:
    settings = behind.settings.model_copy(update={"usage_address": NOWHERE})
    async with running_edge(settings) as url, client_of(url) as client:
        answer = await client.get(USAGE, headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "DEPENDENCY_UNAVAILABLE"
    assert answer.json()["error"]["details"] == {"dependency": "usage"}


async def test_a_fault_in_a_service_shows_its_request_id_and_nothing_else(
    ada: httpx.AsyncClient, behind: Behind
) -> None:
    behind.catalog.error = RuntimeError("the secret ingredient")
    answer = await ada.put(SETTINGS, json={}, headers={"x-request-id": "r-1"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "INTERNAL_FAULT"
    assert answer.json()["error"]["details"] == {"request_id": "r-1"}
    assert "ingredient" not in answer.text


async def test_the_request_id_goes_to_the_service_and_back(ada: httpx.AsyncClient, behind: Behind) -> None:
    answer = await ada.get(USAGE, headers={"x-request-id": "trace.me_1-A"})
    assert answer.headers["x-request-id"] == "trace.me_1-A"
    assert behind.usage.received.metadata[0]["x-request-id"] == "trace.me_1-A"


@pytest.mark.parametrize("given", (None, "", "x" * 65, "with space", 'quo"te'))
async def test_a_request_id_is_made_where_none_is_well_formed(anyone: httpx.AsyncClient, given: str | None) -> None:
    answer = await anyone.get("/nothing", headers={} if given is None else {"x-request-id": given})
    assert UUID(answer.headers["x-request-id"]).version == 7


async def test_a_caller_who_leaves_in_mid_body_leaves_no_trace(ada: httpx.AsyncClient) -> None:
    host, port = ada.base_url.host, ada.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /api/auth/login HTTP/1.1\r\nhost: edge\r\ncontent-length: 100\r\n\r\n{")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert (await ada.get(SETTINGS)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    (
        ("GET", SETTINGS),
        ("PATCH", SETTINGS),
        ("POST", "/api/auth/login"),
        ("GET", "/api/models/openai/gpt-4"),
        ("POST", "/api/models/sync"),
        ("POST", "/api/models/syncs/0199/revert"),
        ("POST", "/api/prices"),
        ("POST", "/api/price-overrides"),
        ("PUT", "/api/use-cases/code"),
        ("DELETE", "/api/use-cases/code"),
        ("POST", "/api/provider-keys"),
        ("POST", "/api/provider-keys/0199/check"),
        ("DELETE", "/api/provider-keys/0199"),
        ("POST", "/api/custom-models"),
        ("GET", "/api/custom-models/custom/mine"),
        ("PUT", "/api/custom-models/custom/mine"),
        ("DELETE", "/api/custom-models/custom/mine"),
        ("POST", "/api/custom-models/custom/mine/default"),
        ("POST", "/api/custom-models/custom/mine/test"),
        ("POST", "/api/custom-models/test"),
    ),
)
async def test_a_query_that_nobody_reads_is_refused_and_not_repeated(
    ada: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await ada.request(method, f"{path}?dry_run=sk-31337", content=b"{}")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "dry_run"
    assert "31337" not in answer.text
