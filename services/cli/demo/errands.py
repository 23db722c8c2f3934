"""What is sent: who asks which model what, and through which door."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from services.cli.demo.people import Person

MODELS = (
    "openai/gpt-4-turbo",
    "gpt-3.5-turbo",
    "anthropic/claude-3-opus",
    "google/gemini-2.5-flash",
    "openai/gpt-4o-mini",
    "mistralai/mistral-nemo",
    "acme/new-model",
)
"""By canonical id and by an alias, of three vendors and of one that only an aggregator serves; the last one is in no
catalog, and so has no price."""

_PROMPTS = (
    "Name three ways to make a slow query fast.",
    "What is a write-ahead log good for?",
    "Summarise the incident report in two sentences.",
    "Why do distributed systems need idempotency keys?",
    "Draft a friendly answer to a customer whose parcel is late.",
    "Explain percentiles to somebody who only knows averages.",
    "Which tests would you write for a leap-year bug?",
    "Turn this into a changelog entry: faster start, fewer retries.",
    "What should an on-call handbook say on its first page?",
    "How would you split a bill of 100 dollars three ways, exactly?",
    "Translate 'good morning' into five languages.",
)


class Door(Enum):
    """The four ways in."""

    GRPC_STREAM = "gRPC stream"
    HTTP_STREAM = "HTTP stream"
    GRPC_UNARY = "gRPC"
    HTTP_UNARY = "HTTP"


@dataclass(frozen=True, slots=True)
class Errand:
    """One completion to be sent."""

    person: Person
    door: Door
    model: str
    prompt: str

    @property
    def tags(self) -> dict[str, str]:
        """What it is reported under."""
        return {"team": self.person.team, "env": "demo"}


@dataclass(frozen=True, slots=True)
class Result:
    """What the client saw of a completion: USD and seconds, cost None where none was told."""

    errand: Errand
    request_id: str
    text: str
    tokens: int
    cost: Decimal | None
    first_token: float
    total: float


def errands(people: Sequence[Person], count: int) -> Iterator[Errand]:
    """Every combination of person, door and model comes up, in turn."""
    doors = tuple(Door)
    for number in range(count):
        yield Errand(
            people[number % len(people)],
            doors[number % len(doors)],
            MODELS[number % len(MODELS)],
            _PROMPTS[number % len(_PROMPTS)],
        )
