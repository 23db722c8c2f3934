"""Planted secrets are looked for wherever a stack tells, writes or keeps something, and found nowhere.

They may be where they exist to be: in the files that hold a stack's credentials and keys, in the answer that shows a
new API key, in tokens that a login gives out. Nothing else is left out.
"""

import asyncio
from pathlib import Path

import pytest

from services.local.children import STOP_GRACE_S
from tests.e2e.canaries import mischief
from tests.e2e.canaries.planting import Scene, planted

AT_LEAST = 25
STREAMS = 6
LOOKED_THROUGH = ("answer to", "file ", "table auth.", "table catalog.", "stream CHANGES", "metrics of", "command line")
WITH_WHAT_IS_KNOWN = (
    "answer to POST",
    "answer to CompleteRequest",
    "file logs/router.log",
    "file router/spool",
    "file nats/jetstream",
    "stream COMPLETIONS",
    "subject pantheon.completions",
    "table usage.ledger",
)


async def streaming(scene: Scene, begun: asyncio.Semaphore) -> None:
    """A stream that is open until somebody ends it; told to `begun` when it has begun."""
    body = {
        "model": "openai/gpt-4:sandbox-length-400:sandbox-rate-200",
        "messages": [{"role": "user", "content": "Tell me more."}],
        "stream": True,
    }
    async with scene.member.router() as http, http.stream("POST", "/chat/completions", json=body) as answer:
        assert answer.status_code == 200
        pieces = answer.aiter_raw()
        scene.evidence.add("answer to a stream that was cut off", await anext(pieces))
        begun.release()
        async for piece in pieces:
            scene.evidence.add("answer to a stream that was cut off", piece)


async def terminate_amid_streams(scene: Scene) -> None:
    """SIGTERM to all services while streams are open; what is told before and after it is kept."""
    begun = asyncio.Semaphore(0)
    streams = [asyncio.create_task(streaming(scene, begun)) for _ in range(STREAMS)]
    for _ in streams:
        async with asyncio.timeout(30):
            await begun.acquire()
    scene.evidence.files(scene.deployment.state)
    await asyncio.gather(*(child.stop(grace=STOP_GRACE_S) for child in scene.stack.services.values()))
    await asyncio.gather(*streams, return_exceptions=True)


@pytest.mark.proof
@pytest.mark.timeout(240)
async def test_no_secret_comes_out_anywhere(server_directory: Path) -> None:
    async with planted(server_directory / "state") as scene:
        stack, evidence = scene.stack, scene.evidence
        async with evidence.subjects(stack.nats_url):
            await mischief.set_provider_keys(scene)
            await mischief.keep_custom_models(scene)
            await mischief.log_in(scene)
            await mischief.send_wrong_credentials(scene)
            await mischief.send_malformed_bodies(scene)
            await mischief.compare_lists_of_models(scene)
            await mischief.complete_everywhere(scene)
            await mischief.complete_with_custom_models(scene)
            await evidence.metrics(stack)
            evidence.command_lines(stack)
            await terminate_amid_streams(scene)
        await evidence.tables(stack.database_url)
        await evidence.streams(stack.nats_url)
        evidence.files(scene.deployment.state)
    assert len(scene.canaries) >= AT_LEAST
    assert [place for place in LOOKED_THROUGH if not evidence.amount(place)] == []
    seen = [finding.place for finding in evidence.findings(scene.known)]
    assert [place for place in WITH_WHAT_IS_KNOWN if not any(one.startswith(place) for one in seen)] == []
    found = evidence.findings(scene.canaries)
    assert found == [], f"{len(found)} times:\n" + "\n".join(sorted({finding.summary for finding in found}))
