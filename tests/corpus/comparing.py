"""What differs between what a client and the journal ended with and what the provider said."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from tests.corpus.recordings import Recording, Trip
from tests.fixtures.readings import Json, Reading, Said, arguments_of

_SHOWN = 160
_FAILURES = ("http_error", "stream_error", "body_error", "incomplete_stream")
_OUR_STATUS = {
    **dict.fromkeys((401, 402), (502,)),
    403: (502, 400),
    404: (404,),
    408: (504,),
    429: (429,),
    503: (503,),
    504: (504,),
    529: (503,),
}
"""What a client may get for a provider's status, where that is not 400 or the same for 4xx and 502 for 5xx: Pantheon's
own key or account is no business of the client's, its prompt is, which some providers moderate with 403."""


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as the provider said it."""

    what: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.what}: {self.found}, recorded {self.expected}"


def unequal(what: str, found: object, expected: object) -> Iterator[Difference]:
    """The difference, if there is one."""
    if found != expected:
        yield Difference(what, repr(found)[:_SHOWN], repr(expected)[:_SHOWN])


def differences_of_success(trip: Trip, reading: Reading, booked: CompletionFinished) -> Iterator[Difference]:
    """Of an answer that reached the client as a success so far."""
    expected = trip.recording.expected
    if expected["kind"] in _FAILURES:
        yield from unequal("error outcome", reading.error is not None, True)
        yield from unequal("booked outcome", Outcome.Name(booked.outcome), "OUTCOME_FAILED")
        return
    yield from unequal("error", reading.error, None)
    yield from unequal("terminal marker", reading.ended, True)
    yield from unequal("booked outcome", Outcome.Name(booked.outcome), "OUTCOME_SUCCEEDED")
    # An answer without choices (a prompt that was refused) may be told by its finish reason alone.
    yield from _differences_of_choice(trip, reading.choices.get(0, Said()), expected)
    for place, choice in enumerate(expected.get("choices") or ()):
        given = {**choice, "finish_openai": choice["finish_raw"]}
        yield from _differences_of_choice(trip, reading.choices.get(place, Said()), given)
    yield from _differences_of_booked(trip.recording, booked)
    yield from _differences_of_shown(trip, reading)


def _differences_of_choice(trip: Trip, said: Said, expected: Json) -> Iterator[Difference]:
    yield from unequal("text", said.text, expected["text"] or "")
    yield from unequal("tool calls", said.tool_calls, list(_recorded_calls(expected)))
    if trip.same_format:
        yield from unequal("finish reason", said.finish or None, expected["finish_raw"] or None)
    elif expected["finish_openai"] is not None or expected["finish_raw"] is None:
        yield from unequal("finish reason", said.finish or None, expected["finish_openai"])


def _recorded_calls(expected: Json) -> Iterator[tuple[str, object]]:
    for call in expected["tool_calls"]:
        given = call["arguments"]
        if isinstance(given, dict) and "__unparsed__" in given:
            given = given["__unparsed__"]
        yield call["name"], arguments_of(given) if isinstance(given, str) else given


def counts_of(recording: Recording) -> Mapping[str, int | None] | None:
    """What the ledger should hold: prompts with what was cached, completions with reasoning; None: nothing is known.

    The recordings have the provider's own counts: Anthropic's leave out what was read from and written to the cache,
    Google's the thoughts and the prompts of its tools.
    """
    usage = recording.expected["usage"]
    if usage is None:
        return None
    prompt, completion = [usage["input"]], [usage["output"]]
    if recording.wire == "messages":
        prompt += [usage["cached"], usage["cache_write"]]
    elif recording.wire == "gemini":
        prompt.append(usage["tool_use_input"])
        completion.append(usage["reasoning"])
    return {
        "prompt_tokens": _sum(prompt),
        "completion_tokens": _sum(completion),
        "cached_tokens": usage["cached"],
        "cache_write_tokens": usage["cache_write"],
        "reasoning_tokens": usage["reasoning"],
        "prompt_audio_tokens": usage["audio_in"],
        "completion_audio_tokens": usage["audio_out"],
    }


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _differences_of_booked(recording: Recording, booked: CompletionFinished) -> Iterator[Difference]:
    counts = counts_of(recording)
    if counts is None or counts["prompt_tokens"] is None or counts["completion_tokens"] is None:
        yield from unequal("state", LedgerState.Name(booked.state), "LEDGER_STATE_ESTIMATED")
        return
    yield from unequal("state", LedgerState.Name(booked.state), "LEDGER_STATE_SETTLED")
    for name, expected in counts.items():
        found = getattr(booked.tokens, name) if booked.tokens.HasField(name) else None  # type: ignore[arg-type]
        yield from unequal(f"booked {name}", found, expected)
    reported = booked.cost.provider_reported.value
    cost = recording.expected["cost"]
    yield from unequal("reported cost", float(Decimal(reported)) if reported else None, cost)


def _differences_of_shown(trip: Trip, reading: Reading) -> Iterator[Difference]:
    """The counts as the client sees them. It sees those of a stream only if it asked."""
    recording = trip.recording
    if trip.surface == "chat" and reading.streamed and not _asks_for_usage(trip.body):
        yield from unequal("usage not asked for", reading.usage, None)
        return
    if trip.same_format:
        # Groq's and others' stand elsewhere too, which is compared as a whole (`tests.corpus.fidelity`).
        recorded = recording.expected["usage_raw"]
        if reading.usage is not None and recorded is not None:
            yield from unequal("usage", {name: reading.usage.get(name) for name in recorded}, recorded)
        return
    counts = counts_of(recording)
    if counts is not None:
        shown = _chat_counts(reading.usage or {})
        for name, expected in counts.items():
            yield from unequal(f"shown {name}", shown[name], expected)


def _asks_for_usage(body: Json) -> bool:
    return bool((body.get("stream_options") or {}).get("include_usage"))


def _chat_counts(usage: Json) -> Mapping[str, int | None]:
    prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return {
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "cached_tokens": prompt.get("cached_tokens"),
        "cache_write_tokens": prompt.get("cache_write_tokens"),
        "reasoning_tokens": completion.get("reasoning_tokens"),
        "prompt_audio_tokens": prompt.get("audio_tokens"),
        "completion_audio_tokens": completion.get("audio_tokens"),
    }


def differences_of_refusal(
    recording: Recording, status: int, reading: Reading, booked: CompletionFinished | None
) -> Iterator[Difference]:
    """Of an answer that reached the client as an error. `booked` is None where nothing was sent to the provider."""
    expected = recording.expected
    recorded = recording.response["status"]
    if expected["kind"] not in _FAILURES:
        yield Difference("refused", f"{status} {_message(reading)}"[:_SHOWN], "a success")
        return
    if booked is None:
        yield from unequal("refused by the gateway", status, recorded)
        return
    if expected["kind"] != "http_error":
        yield from unequal("error status", status >= 400, True)
    else:
        usual = (502,) if recorded >= 500 or _is_about_us(expected) else (400, recorded)
        allowed = _OUR_STATUS.get(recorded, usual)
        if status not in allowed:
            yield Difference("error status", f"{status} {_message(reading)}"[:_SHOWN], str(allowed[0]))
        yield from unequal("booked status", booked.http_status, recorded)
        message = (expected["error"] or {}).get("message")
        if message and not _is_about_us(expected):
            yield from unequal("error message", message[:400] in _message(reading), True)
        used = booked.tokens.prompt_tokens or booked.tokens.completion_tokens
        yield from unequal("tokens of a refusal", bool(used), False)
    yield from unequal("booked outcome", Outcome.Name(booked.outcome), "OUTCOME_FAILED")


def _is_about_us(expected: Json) -> bool:
    """Whether an error is about Pantheon's own key, account or place, whose words a client is not told.

    Google and xAI answer 400 to a key they do not know, Google also where it serves nobody (FAILED_PRECONDITION).
    """
    error = expected["error"] or {}
    unknown_key = expected["status"] == 400 and "API key" in str(error.get("message"))
    return expected["status"] in (401, 402, 403) or unknown_key or error.get("type") == "FAILED_PRECONDITION"


def _message(reading: Reading) -> str:
    error = reading.error or {}
    return str(error.get("message") or error)
