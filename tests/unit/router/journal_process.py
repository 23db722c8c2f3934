"""A process that does nothing but journal, until it is killed: `python -m tests.unit.router.journal_process <spool>`.

Says on stdout what it was promised: "START <number> <finish id>" and "FINISH <start's number> <number>".
"""

import asyncio
import os
import sys
from pathlib import Path

from pantheon.events.v1.completion_pb2 import CompletionCheckpointed, CompletionEvent, CompletionStarted
from services.router.journal import Journal, JournalLimits, lock_spool
from tests.unit.router.journals import finish_payload, start_payload, started

WORKERS = 8


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def start(journal: Journal) -> tuple[int, CompletionStarted]:
    attempt = started()
    number = journal.start(start_payload(attempt), 1000)
    say(f"START {number} {attempt.finish_id}")
    checkpointed = CompletionCheckpointed(attempt_id=attempt.attempt_id, completion_characters=40)
    journal.checkpoint(number, CompletionEvent(checkpointed=checkpointed).SerializeToString())
    return number, attempt


async def work(journal: Journal) -> None:
    # Each attempt starts before the one ahead of it is finished: some are open at whatever moment the process dies.
    number, attempt = start(journal)
    while True:
        following = start(journal)
        await asyncio.sleep(0)
        finish = await journal.finish(number, finish_payload(attempt))
        say(f"FINISH {number} {finish}")
        number, attempt = following


async def main(directory: Path) -> None:
    spool = lock_spool(directory)
    assert spool is not None
    journal = await Journal.open(spool, JournalLimits(segment_bytes=64 * 1024, spool_bytes=64 * 1024 * 1024))
    await asyncio.gather(*(work(journal) for _ in range(WORKERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
