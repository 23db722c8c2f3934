import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.usage.v1.ledger_pb2 import OUTCOME_LOST
from services.router.journal import create_spool, finish_unfinished
from tests.unit.router.journals import all_records, opened

ROOT = Path(__file__).resolve().parents[3]


async def killed_in_mid_work(spool: Path, lines: int) -> list[list[str]]:
    """Runs the journalling process, kills it after so many lines, and returns what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.router.journal_process", str(spool), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said: list[bytes] = []
    async with asyncio.timeout(30):
        while len(said) < lines:
            said.append(await process.stdout.readline())
        process.kill()
        said += (await process.stdout.read()).splitlines()
        await process.wait()
    return [line.decode().split() for line in said]


async def test_nothing_promised_is_lost_by_a_process_killed_again_and_again(tmp_path: Path) -> None:
    spool = create_spool(tmp_path)
    spool.release()
    finish_ids: set[str] = set()
    for seed in range(5):
        lines = await killed_in_mid_work(spool.directory, random.Random(seed).randint(1, 600))
        async with opened(tmp_path, name=str(spool.id)) as journal:
            events = {number: CompletionEvent.FromString(payload) for number, payload in await all_records(journal)}
            for kind, first, second in lines:
                if kind == "START":
                    finish_ids.add(second)
                    assert events[int(first)].started.finish_id == second
                else:
                    assert events[int(second)].finished.event_id == events[int(first)].started.finish_id
            await finish_unfinished(journal, None)
            assert journal.open_count == 0

    async with opened(tmp_path, name=str(spool.id)) as journal:
        records = [CompletionEvent.FromString(payload) for _, payload in await all_records(journal)]
    finished = Counter(event.finished.event_id for event in records if event.WhichOneof("event") == "finished")
    assert finish_ids <= finished.keys()
    assert set(finished.values()) == {1}
    assert any(event.finished.outcome == OUTCOME_LOST for event in records)
