"""One process of the run: `python -m tests.corpus.share '<orders>'`, started by `python -m tests.corpus`.

Writes a line for each trip that has come back (an empty one) and for each result (its JSON).
"""

import sys

import msgspec
import uvloop

from services.runtime import logging
from tests.corpus.recordings import Recording, load, sample
from tests.corpus.sending import send_all


class Orders(msgspec.Struct, frozen=True):
    """What to send: the `number`th of `of` shares of the recordings that all the other members choose."""

    modes: list[str]
    number: int = 0
    of: int = 1
    providers: list[str] = []
    ids: list[str] = []
    sample: int | None = None
    seed: int = 1


def chosen(orders: Orders) -> list[Recording]:
    """The recordings of this share."""
    found = load()
    if orders.providers:
        found = [one for one in found if one.label in orders.providers or one.provider in orders.providers]
    if orders.ids:
        found = [one for one in found if one.id in orders.ids]
    if orders.sample is not None:
        found = sample(found, orders.sample, orders.seed)
    return found[orders.number :: orders.of]


async def main(orders: Orders) -> None:
    """Sends everything."""
    out = sys.stdout.buffer

    def tick() -> None:
        out.write(b"\n")
        out.flush()

    async for result in send_all(chosen(orders), orders.modes, tick):
        out.write(msgspec.json.encode(result) + b"\n")
    out.flush()


if __name__ == "__main__":
    logging.configure("corpus", "critical")  # failures of providers are what is played here
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Orders)))
