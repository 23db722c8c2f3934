import asyncio
import json
from pathlib import Path

import pytest

from services.sandbox.chat import Usage
from services.sandbox.recorder import Outcome, Received, Recorder, RequestRecord


def arrive(recorder: Recorder, attempt_id: str = "a-1", received: Received | None = None) -> RequestRecord:
    return recorder.arrived(provider="openai", attempt_id=attempt_id, model="gpt-4o", stream=False, received=received)


def test_a_request_is_seen_before_it_is_finished() -> None:
    recorder = Recorder()

    record = arrive(recorder)

    assert [(seen.sequence, seen.outcome) for seen in recorder] == [(1, Outcome.OPEN)]
    assert record.finished_at is None


def test_the_oldest_are_dropped_and_still_counted() -> None:
    recorder = Recorder(capacity=2)

    for _ in range(5):
        arrive(recorder)

    assert [record.sequence for record in recorder] == [4, 5]
    assert recorder.seen == 5


def test_bodies_are_kept_only_when_asked_for() -> None:
    received = Received({"content-type": "application/json"}, b"{}")
    keeping, forgetting = Recorder(bodies=1), Recorder()

    for recorder in (keeping, forgetting):
        arrive(recorder, received=received)

    assert (keeping.keeps_bodies, keeping.received(1)) == (True, received)
    assert (forgetting.keeps_bodies, forgetting.received(1)) == (False, None)


def test_the_file_tells_arrival_and_end_and_survives_clearing(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    recorder = Recorder(path=path)

    record = arrive(recorder)
    first = path.read_text()
    record.status, record.usage = 200, Usage(prompt_tokens=3, completion_tokens=4)
    recorder.finished(record, Outcome.ANSWERED)
    recorder.clear()
    recorder.close()

    assert json.loads(first)["event"] == "arrived"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in events] == ["arrived", "finished"]
    assert events[1]["request"]["usage"]["completion_tokens"] == 4
    assert events[1]["request"]["outcome"] == "answered"
    assert len(recorder) == 0


async def test_waiting_ends_with_the_record_that_was_waited_for() -> None:
    recorder = Recorder()
    waiting = asyncio.create_task(recorder.wait_until(lambda seen: seen.seen == 2, 5))
    await asyncio.sleep(0)

    arrive(recorder)
    arrive(recorder)

    await waiting


async def test_waiting_has_an_end() -> None:
    with pytest.raises(TimeoutError):
        await Recorder().wait_until(lambda seen: seen.seen > 0, 0.01)
