"""Requests that the same people wrote in several formats, and sent: each translated into the others and compared.

Client formats are translated into those of providers, as the router does it. What our request asks for (see
`tests.fixtures.intents`) is to be what the recorded equivalent asks for, aspect by aspect. The recordings of a case are
not always equivalent themselves: they hold other images, other models' answers in follow-ups, a limit that Anthropic
demands and OpenAI does not. Where two of them differ in an aspect, ours has to say what its client said. What is left
is a difference, to be explained in `pair_differences.toml`; so is what the provider rejected and we would send.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from services.parameters import RANGES
from services.router.chat import Format
from services.router.wire.base import Dialect
from services.runtime.errors import PantheonError
from tests.corpus.recordings import PAIRS, Json, lines
from tests.fixtures.intent_readers import READ
from tests.fixtures.translators import READERS, wires

_DIFFERENCES = Path(__file__).with_name("pair_differences.toml")
_NAMES = {
    "chat-completions": Format.CHAT,
    "responses": Format.RESPONSES,
    "anthropic": Format.MESSAGES,
    "google": Format.GEMINI,
}
_WIRES = {Format.CHAT: "openai_chat", Format.MESSAGES: "anthropic_messages", Format.GEMINI: "gemini"}
_GEMINI = "gemini-2.5-flash"
"""Google's model stands in the URL, which some recordings leave out."""
_DIALECT = Dialect(takes_extensions=True)
"""The recorded requests use what OpenRouter and others have added to chat; plain providers are spared it."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """An aspect in which ours is neither what was recorded nor what its client asked."""

    aspect: str
    ours: object
    recorded: object
    asked: object


@dataclass(frozen=True, slots=True)
class Translation:
    """One request of a case, translated for the provider of another. `refused` is our own refusal."""

    case: str
    client: str
    provider: str
    differences: list[Difference]
    refused: str = ""


class KnownDifference(msgspec.Struct, frozen=True):
    """Why an aspect differs, wherever client and provider speak these formats (empty: any)."""

    aspect: str
    reason: str
    client: str = ""
    provider: str = ""
    case: str = ""

    def fits(self, translation: Translation, said: Difference) -> bool:
        """Whether it is this one."""
        if self.aspect != said.aspect or not translation.case.startswith(self.case):
            return False
        return self.client in ("", translation.client) and self.provider in ("", translation.provider)


def translations() -> Iterator[Translation]:
    """All of them: each client format of a case for each other format that a provider speaks."""
    for pair in lines(PAIRS):
        case = pair["case"] + (" (follow-up)" if pair["followup"] else "")
        for client, asked in pair["formats"].items():
            for provider, recorded in pair["formats"].items():
                if client != provider and _NAMES[client] in READERS and _NAMES[provider] in _WIRES:
                    yield _translation(case, client, asked["wire_body"], provider, recorded)


def _translation(case: str, client: str, asked: Json, provider: str, recorded: Json) -> Translation:
    source, target = _NAMES[client], _NAMES[provider]
    body = recorded["wire_body"]
    model = body.get("model") or recorded["body"].get("model") or _GEMINI
    try:
        request = READERS[source](json.dumps(asked).encode())
        ours = json.loads(wires()[_WIRES[target]][source].render_request(request, model, {}, _DIALECT))
    except PantheonError as refusal:
        return Translation(case, client, provider, [], refusal.message)
    found = list(
        _differences(READ[source](asked).aspects(), READ[target](ours).aspects(), READ[target](body).aspects())
    )
    if not recorded["accepted"]:
        found.append(Difference("rejected", ours, body, asked))
    return Translation(case, client, provider, found)


def _differences(
    asked: Mapping[str, object], ours: Mapping[str, object], recorded: Mapping[str, object]
) -> Iterator[Difference]:
    for aspect in dict.fromkeys([*asked, *ours, *recorded]):
        wanted = (recorded.get(aspect), asked.get(aspect))
        if ours.get(aspect) not in wanted and not (aspect == "max_tokens" and _is_demanded(ours, *wanted)):
            yield Difference(aspect, ours.get(aspect), *wanted)


def _is_demanded(ours: Mapping[str, object], recorded: object, asked: object) -> bool:
    """Whether a limit is there only because Anthropic demands one: the platform's default, on top of what thinking may
    take. The recorded request has one of its author's.
    """
    budget = ours.get("effort")
    default = RANGES["max_tokens"].default + (budget if isinstance(budget, int) else 0)
    return asked is None and recorded is not None and ours.get("max_tokens") == default


def known_differences() -> list[KnownDifference]:
    """Those with a reason."""
    return msgspec.convert(tomllib.loads(_DIFFERENCES.read_text()).get("difference", []), list[KnownDifference])


def show(console: Console) -> bool:
    """Prints a table and every difference with its reason; whether each has one."""
    known = known_differences()
    found = list(translations())
    columns = ("client", "provider", "requests", "equivalent", "different", "refused")
    table = Table(*columns, title="Pairs of requests", title_justify="left")
    for client, provider in sorted({(one.client, one.provider) for one in found}):
        share = [one for one in found if (one.client, one.provider) == (client, provider)]
        different, refused = sum(bool(one.differences) for one in share), sum(bool(one.refused) for one in share)
        counts = (len(share), len(share) - different - refused, different, refused)
        table.add_row(client, provider, *map(str, counts))
    console.print(table)
    told = [_tell(console, one, said, known) for one in found for said in _said(one)]
    return all(told)


def _said(one: Translation) -> list[Difference]:
    return [Difference("refused", one.refused, None, None)] if one.refused else one.differences


def _tell(console: Console, one: Translation, said: Difference, known: list[KnownDifference]) -> bool:
    """Whether there is a reason for it."""
    reason = next((difference.reason for difference in known if difference.fits(one, said)), "")
    name = f"{one.case}: {one.client} to {one.provider}, {said.aspect}"
    console.print(f"  {name}: {reason or 'not explained'}", markup=False, highlight=False)
    for what, value in (("ours", said.ours), ("recorded", said.recorded), ("asked", said.asked)):
        if not reason or (one.refused and what == "ours"):
            console.print(f"      {what}: {value!r:.{_SHOWN}}", markup=False, highlight=False)
    return bool(reason)
