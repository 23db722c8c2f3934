import json
import sys
from pathlib import Path

import httpx2 as httpx

from services.local.process import Process
from tests.fixtures.eventually import eventually


def events(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def spawn(log: Path, listen: str) -> Process:
    environment = {"PANTHEON_ENV_FILE": "", "PANTHEON_LISTEN": listen}
    return await Process.spawn("edge", [sys.executable, "-m", "services.edge"], log_path=log, env=environment)


async def test_it_serves_with_nothing_behind_it_and_stops_when_told(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    process = await spawn(log, "127.0.0.1:0")

    def port() -> object:
        serving = [event for event in events(log) if event["event"] == "http.serving" and event["name"] == "edge"]
        return serving[0]["port"] if serving else None

    try:
        address = f"http://127.0.0.1:{await eventually(port, timeout=30)}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as client:
            assert "1 of 6 addresses ready" in (await client.get("/")).text
            assert (await client.get("/api/user/usage?key=31337")).status_code == 401
    finally:
        await process.stop(grace=10)
    assert process.returncode == 0
    requests = [event for event in events(log) if event["event"] == "http.request"]
    assert [(event["path"], event["status"]) for event in requests] == [("/", 200), ("/api/user/usage", 401)]
    assert "31337" not in log.read_text()


async def test_an_address_that_is_none_stops_it_with_one_line(tmp_path: Path) -> None:
    process = await spawn(tmp_path / "edge.log", "3000")
    try:
        await eventually(lambda: process.returncode is not None, timeout=30)
    finally:
        await process.stop(grace=10)
    assert process.returncode == 1
    assert process.log_path.read_text() == "PANTHEON_LISTEN='3000': expected host:port, as 127.0.0.1:8080\n"
