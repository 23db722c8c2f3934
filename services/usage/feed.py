"""The stream of completions, cut into batches. Nothing is acknowledged here."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.logging import get_logger
from services.usage import metrics
from services.usage.batch import Batch, Delivery, read
from services.usage.events import Bounds

DURABLE = "usage"
# A NATS that crashed may take messages for delivered that never came: this is how much later they come.
_ACK_WAIT_SECONDS = 20
_MOST_MESSAGES_OUT = 20_000
_FETCH_SECONDS = 1.0


class Haul(msgspec.Struct):
    """A batch and the messages to acknowledge once it is committed."""

    batch: Batch
    messages: list[Msg]


class Feed:
    """A durable pull consumer. A batch has at most `most_messages` and, unless one message has more, `most_events`."""

    def __init__(self, subscription: JetStreamContext.PullSubscription, bounds: Callable[[], Bounds]) -> None:
        self.most_messages = 200
        self.most_events = 5_000
        self._subscription = subscription
        self._bounds = bounds
        self._waiting: deque[tuple[Msg, Delivery]] = deque()
        self._fetched: list[Msg] = []
        """With all that are not acknowledged, whoever has them now."""
        self._events_a_message = 1.0

    @classmethod
    async def open(cls, bus: Bus, bounds: Callable[[], Bounds]) -> Self:
        """Subscribes, making stream and consumer where they are missing."""
        await bus.ensure_stream(COMPLETIONS)
        subject = COMPLETIONS.subjects[0]
        config = ConsumerConfig(
            durable_name=DURABLE,
            filter_subject=subject,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_SECONDS,
            max_ack_pending=_MOST_MESSAGES_OUT,
        )
        subscription = await bus.jetstream.pull_subscribe(
            subject, durable=DURABLE, stream=COMPLETIONS.name, config=config
        )
        return cls(subscription, bounds)

    async def close(self) -> None:
        """Ends the subscription; what it fetched and nobody acknowledged is delivered again, here or elsewhere.

        At once, where NATS can be told so; else as soon as it misses the acknowledgement.
        """
        try:
            for message in self._fetched:
                if not message.is_acked:
                    await message.nak()
            await self._subscription.unsubscribe()
        except NatsError as error:
            get_logger().warning("usage.feed_not_given_back", error=repr(error))

    async def next(self) -> Haul | None:
        """What has come, at once if anything is there; None if nothing comes for a second.

        Raises nats' errors when the consumer or its stream is gone.
        """
        if not self._waiting:
            await self._fetch()
        haul = Haul(Batch(), [])
        bounds = self._bounds()
        while self._waiting and self._fits(haul, self._waiting[0][1]):
            message, delivery = self._waiting.popleft()
            haul.messages.append(message)
            haul.batch.add(delivery, bounds)
            # A batch is tens of milliseconds of work: others get their turn between two messages.
            await asyncio.sleep(0)
        return haul if haul.messages else None

    def _fits(self, haul: Haul, delivery: Delivery) -> bool:
        return not haul.messages or (
            len(haul.messages) < self.most_messages and haul.batch.size + delivery.size <= self.most_events
        )

    async def _fetch(self) -> None:
        # Not more than one batch takes, judging by the messages before: what lies here is in memory and unacknowledged.
        asked = min(self.most_messages, max(1, round(self.most_events / self._events_a_message)))
        try:
            messages = await self._subscription.fetch(asked, timeout=_FETCH_SECONDS)
        except TimeoutError:
            metrics.LAG.set(0)
            return
        if not messages:
            # So fetch ends when nobody is there to answer: this asks why, and raises it.
            await self._subscription.consumer_info()
            return
        self._fetched = [message for message in self._fetched if not message.is_acked] + messages
        for message in messages:
            self._waiting.append((message, read(message.headers, message.data)))
            await asyncio.sleep(0)
        self._events_a_message = sum(delivery.size for _, delivery in self._waiting) / len(self._waiting)
        metrics.LAG.set(messages[-1].metadata.num_pending)
