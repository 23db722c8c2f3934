"""When so much can't be booked that something is wrong with more than single events. Pure."""

from collections import deque

WINDOW = 10_000
"""Events looked at, at least."""
SHARE = 0.05
"""Of those, the share of dead letters that is too much."""


class DeadLetterLimit:
    """Counts events and dead letters over the batches that make up the last WINDOW events."""

    def __init__(self, window: int = WINDOW, share: float = SHARE) -> None:
        self._window = window
        self._share = share
        self._batches: deque[tuple[int, int]] = deque()
        self._events = 0
        self._dead = 0

    def count(self, events: int, dead: int) -> None:
        """Counts one batch."""
        self._batches.append((events, dead))
        self._events += events
        self._dead += dead
        while self._events - self._batches[0][0] >= self._window:
            oldest_events, oldest_dead = self._batches.popleft()
            self._events -= oldest_events
            self._dead -= oldest_dead

    @property
    def exceeded(self) -> bool:
        """Whether there are too many; False before the window is full."""
        return self._events >= self._window and self._dead > self._share * self._events
