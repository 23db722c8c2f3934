import re
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx2 as httpx
import pytest

from tests.fixtures.eventually import eventually
from tests.integration.edge.running import LOOPBACK, NOWHERE, Behind, client_of, running_edge, running_services

ROW = re.compile(
    r'<th scope="row">(?P<process>.*?)</th>.*?<code>(?P<address>.*?)</code>.*?<span class="state .*?">(?P<state>.*?)<',
    re.DOTALL,
)


def rows(page: str) -> dict[tuple[str, str], str]:
    """(process, address) -> state."""
    return {(row["process"], row["address"]): row["state"] for row in ROW.finditer(page)}


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where the kernel takes connections and nobody ever says anything."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield f"{LOOPBACK}:{listener.getsockname()[1]}"


async def test_it_says_what_runs_where_and_whether_it_is_ready(anyone: httpx.AsyncClient, behind: Behind) -> None:
    answer = await anyone.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert rows(answer.text) == {
        ("edge", str(anyone.base_url).rstrip("/")): "ready",
        ("router", f"http://{NOWHERE}"): "unreachable",
        ("router", behind.address): "ready",
        ("catalog", behind.address): "ready",
        ("usage", behind.address): "ready",
        ("auth", behind.address): "ready",
    }
    assert "5 of 6 addresses ready" in answer.text


async def test_an_http_server_that_answers_is_ready(anyone: httpx.AsyncClient, behind: Behind) -> None:
    other = anyone.base_url
    settings = behind.settings.model_copy(
        update={"router_http_address": f"{other.host}:{other.port}", "sandbox_url": f"{other}"}
    )
    async with running_edge(settings) as url, client_of(url) as client:
        found = rows((await client.get("/")).text)
    address = str(other).rstrip("/")
    assert found["router", address] == "ready"
    assert found["sandbox", address] == "ready"


async def test_services_that_say_nothing_delay_the_page_once_and_not_one_after_another(
    behind: Behind, silent: str
) -> None:
    update = {"auth_address": silent, "usage_address": silent, "router_http_address": silent}
    settings = behind.settings.model_copy(update=update)
    async with running_edge(settings) as url, client_of(url) as client:
        began = time.monotonic()
        answer = await client.get("/")
    assert time.monotonic() - began < 2.5
    found = rows(answer.text)
    assert [found["auth", silent], found["usage", silent], found["router", f"http://{silent}"]] == ["unreachable"] * 3
    assert found["catalog", behind.address] == "ready"


async def test_a_service_that_goes_is_seen_to_be_gone() -> None:
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(running_services())
        async with running_edge(services.settings) as url, client_of(url) as client:

            async def unreachable() -> bool:
                return rows((await client.get("/")).text)["auth", services.address] == "unreachable"

            assert not await unreachable()
            await stack.aclose()
            assert await eventually(unreachable, interval=0.2)


async def test_nothing_comes_from_elsewhere(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    for link in re.findall(r'(?:src|href)="(.*?)"', answer.text):
        assert link.startswith(("/", "#")), link
        assert (await anyone.get(link)).status_code == 200


async def test_static_files_are_asked_about_again_but_not_sent_again(anyone: httpx.AsyncClient) -> None:
    first = await anyone.get("/static/console.css")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = await anyone.get("/static/console.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "url(" not in first.text
    assert "@import" not in first.text


async def test_what_the_caller_sends_is_not_markup(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script" not in answer.text
    page = await anyone.get("/", headers={"host": "<script>"})
    assert "<script" not in page.text


async def test_a_file_outside_the_static_ones_is_not_served(anyone: httpx.AsyncClient) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/routes.py", "/static/..%2froutes.py", "/static/"):
        assert (await anyone.get(path)).status_code == 404
    assert (await anyone.post("/static/console.css")).status_code == 405
