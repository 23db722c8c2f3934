"""Which secrets a router has to ask the catalog for."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple


class Wants(NamedTuple):
    """What to ask for: the providers' keys, and those of these custom models, by id."""

    providers: bool
    custom_models: frozenset[str]


class Wanted:
    """Gathers what is wanted until somebody takes it; to begin with, the providers' keys."""

    def __init__(self) -> None:
        self._providers = True
        self._custom_models: set[str] = set()
        self._changed = asyncio.Event()
        self._changed.set()

    def add_providers(self) -> None:
        """The providers' keys may have changed."""
        self._providers = True
        self._changed.set()

    def add_custom_model(self, id_: str) -> None:
        """A custom model's key may have changed, or is no longer needed."""
        self._custom_models.add(id_)
        self._changed.set()

    def add_all(self, custom_models: Iterable[str]) -> None:
        """Anything may have changed, of these custom models too."""
        self._custom_models.update(custom_models)
        self.add_providers()

    @property
    def anything(self) -> bool:
        """Whether there is something to take."""
        return self._changed.is_set()

    async def take(self) -> Wants:
        """Waits until something is wanted. It is no longer, then: who fails to fetch it puts it back."""
        await self._changed.wait()
        self._changed.clear()
        wants = Wants(self._providers, frozenset(self._custom_models))
        self._providers = False
        self._custom_models.clear()
        return wants

    def put_back(self, wants: Wants) -> None:
        """Wants again what could not be fetched."""
        self._providers = self._providers or wants.providers
        self._custom_models |= wants.custom_models
        self._changed.set()
