"""What a stack takes over from the environment of whoever starts it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from services.catalog.seed.load import load_providers
from services.local.stack.listening import PORT_VARIABLES

_PREFIX = "PANTHEON_"
_FOR_SOME_ONLY = frozenset(
    {
        "PANTHEON_API_KEY",
        "PANTHEON_DATABASE_URL",
        "PANTHEON_KEY_PEPPER",
        "PANTHEON_MASTER_KEY",
        "PANTHEON_NATS_URL",
        "PANTHEON_SANDBOX",
        *PORT_VARIABLES.values(),
    }
)
"""Variables the stack itself reads; what a service needs of them it is told by the stack."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The environment, sorted by who needs it.

    Attributes:
        common: for every process.
        providers: keys and base URLs of providers.
        with_keys: whether there is a provider's key among them, or the base URL of one that needs none.
    """

    common: Mapping[str, str] = field(repr=False)
    providers: Mapping[str, str] = field(repr=False)
    with_keys: bool

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Sorts the variables given, for a stack that may spend money."""
        variables = provider_variables()
        providers = {name: value for name, value in given.items() if name in variables and value}
        common = {name: value for name, value in given.items() if name not in variables | _FOR_SOME_ONLY}
        return cls(common, providers, with_keys=not _decisive_variables().isdisjoint(providers))

    @classmethod
    def throw_away(cls) -> Self:
        """The environment without any setting or key: for a demo or a test, which must depend on neither."""
        variables = provider_variables()
        common = {
            name: value for name, value in os.environ.items() if not name.startswith(_PREFIX) and name not in variables
        }
        return cls(common, {}, with_keys=False)


def provider_variables() -> frozenset[str]:
    """The variables that hold keys and base URLs of the providers in the catalog's seed."""
    providers = load_providers()
    both = (name for provider in providers for name in (provider.key_variable, provider.base_url_variable))
    return frozenset(filter(None, both))


def _decisive_variables() -> frozenset[str]:
    """Those that make a provider usable: the key's, or the base URL's where no key is needed."""
    return frozenset(provider.key_variable or provider.base_url_variable for provider in load_providers())
