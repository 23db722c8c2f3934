"""The part of the run that one process does: its own router and replaying upstream, its share of the trips."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2 as httpx
import msgspec

from pantheon.events.v1.change_pb2 import Change, ProviderChanged
from pantheon.events.v1.completion_pb2 import CompletionFinished
from services.router.journal import JournalLimits
from tests.corpus.comparing import Difference, differences_of_refusal, differences_of_success
from tests.corpus.fidelity import differences_of_body, differences_of_events, differences_of_request
from tests.corpus.recordings import PATHS, ROWS, Recording, Trip, trips
from tests.fixtures.readings import Reading, events_of, read_stream, read_whole
from tests.integration.router.recorded import load_replay
from tests.integration.router.running import RunningRouter, running_router

MODES = {
    "realistic": "mode=realistic",
    "byte": "mode=byte",
    "utf8": "mode=utf8",
    "crlf": "mode=realistic;eol=crlf",
    "lf": "mode=realistic;eol=lf",
    "cr": "mode=realistic;eol=cr",
    "comments": "mode=realistic;comments=1",
    "split": "mode=realistic;split=1",
    "gzip": "mode=realistic;gzip=1",
}
"""How the upstream cuts and writes its answers; the options are explained in the replaying upstream's docstring."""

_AT_ONCE = {"byte": 8}
_PATIENCE_SECONDS = 300
_LIMITS = JournalLimits(segment_bytes=64 * 1024 * 1024, spool_bytes=1024 * 1024 * 1024)


class Result(msgspec.Struct, frozen=True):
    """What one trip came to. `exact` and `request` are None where the formats differ or no bytes are known."""

    mode: str
    id: str
    label: str
    surface: str
    differences: list[Difference] = []
    exact: list[Difference] | None = None
    request: list[Difference] | None = None


@dataclass(frozen=True, slots=True)
class _Answered:
    trip: Trip
    answer: httpx.Response


async def send_all(
    recordings: Sequence[Recording], modes: Sequence[str], tick: Callable[[], None]
) -> AsyncIterator[Result]:
    """The results of all trips of these recordings, mode by mode; `tick` is called when one has come back."""
    async with _upstream(recordings) as upstream, _router(upstream.url) as router:
        parts = trips(recordings)
        for mode in modes:
            upstream.default = dict(option.split("=") for option in MODES[mode].split(";"))
            for surface in PATHS:
                share = [trip for trip in parts if trip.surface == surface]
                async for result in _round(router, upstream, mode, share, tick):
                    yield result


@asynccontextmanager
async def _upstream(recordings: Sequence[Recording]) -> AsyncIterator[Any]:
    server = load_replay().ReplayServer()
    server.store = {recording.id: recording.replayed for recording in recordings}
    async with server:
        yield server


@asynccontextmanager
async def _router(url: str) -> AsyncIterator[RunningRouter]:
    changes = [Change(provider_changed=ProviderChanged(provider=row.provider(url))) for row in ROWS]
    keys = {row.name: ("key",) for row in ROWS}
    with tempfile.TemporaryDirectory() as directory:
        async with running_router(
            Path(directory), changes, keys, longest_seconds=_PATIENCE_SECONDS, limits=_LIMITS
        ) as router:
            yield router


async def _round(
    router: RunningRouter, upstream: Any, mode: str, share: Sequence[Trip], tick: Callable[[], None]
) -> AsyncIterator[Result]:
    """One mode and surface. Each recording is asked for once in it, so that the upstream's log tells them apart."""
    router = replace(router, first=router.journal.last_number + 1)
    upstream.log.clear()
    answers: list[_Answered] = []
    gate = asyncio.Semaphore(_AT_ONCE.get(mode, 24))

    async def send(trip: Trip) -> _Answered:
        async with gate:
            path, headers = PATHS[trip.surface], trip.headers
            return _Answered(
                trip, await router.http.post(path, json=trip.body, headers=headers, timeout=_PATIENCE_SECONDS)
            )

    for sent in asyncio.as_completed([send(trip) for trip in share]):
        answers.append(await sent)
        tick()
    booked = {finished.started.request_id: finished for finished in await router.finished()}
    diffs = {entry["id"]: entry["diff"] for entry in upstream.log if "diff" in entry}
    for answered in answers:
        yield _result(mode, answered, booked, diffs)


def _result(mode: str, answered: _Answered, booked: dict[str, CompletionFinished], diffs: dict[str, Any]) -> Result:
    trip, recording = answered.trip, answered.trip.recording
    answer_is_raw = recording.raw and recording.expected["kind"] == "ok" and answered.answer.status_code == 200
    comparable = trip.same_format and answer_is_raw
    diff = diffs.get(recording.id) if comparable and trip.as_recorded else None
    return Result(
        mode,
        recording.id,
        recording.label,
        trip.surface,
        differences=list(_differences(answered, booked)),
        exact=list(_exact(answered)) if comparable else None,
        request=None if diff is None else list(differences_of_request(trip, diff)),
    )


def _differences(answered: _Answered, booked: dict[str, CompletionFinished]) -> Iterator[Difference]:
    trip, answer = answered.trip, answered.answer
    finished = booked.get(answer.headers.get("x-request-id", ""))
    if answer.status_code != 200:
        reading = _reading_of_refusal(answer)
        yield from differences_of_refusal(trip.recording, answer.status_code, reading, finished)
        return
    try:
        reading = _reading(trip, answer)
    except (AssertionError, KeyError, TypeError, ValueError) as unreadable:
        yield Difference("unreadable", f"{type(unreadable).__name__}: {unreadable}", "an answer of the format")
        return
    if finished is None:
        yield Difference("booked", "nothing", "a FINISH")
        return
    yield from differences_of_success(trip, reading, finished)


def _reading(trip: Trip, answer: httpx.Response) -> Reading:
    if answer.headers["content-type"].startswith("text/event-stream"):
        return read_stream(trip.surface, events_of(answer.text))
    return read_whole(trip.surface, json.loads(answer.content))


def _reading_of_refusal(answer: httpx.Response) -> Reading:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return Reading(error={"message": "no JSON"})
    error = body.get("error") if isinstance(body, dict) else None
    return Reading(error=error if isinstance(error, dict) else {"message": str(error or body)})


def _exact(answered: _Answered) -> Iterator[Difference]:
    trip, answer = answered.trip, answered.answer
    if trip.recording.response["is_sse"]:
        yield from differences_of_events(trip, events_of(answer.text))
    else:
        yield from differences_of_body(trip, answer.content)
