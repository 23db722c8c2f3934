"""What may be chosen as a model: in settings, and for a use case."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.catalog.custom_model_entities import CustomModel
from services.catalog.entities import Choice, Model, Provider
from services.catalog.store import custom_models, models, providers
from services.parameters import RANGES
from services.runtime.auth import Principal
from services.runtime.db import ReadConnection
from services.runtime.errors import InvalidField

# `auto` and what stands behind it is itself what is chosen here.
_AUTO = "auto"
_CUSTOM = "custom"
_NAME_LENGTH = 200
_ALLOWED = (
    "the id or an alias of a model in the catalog, custom/<slug> of a custom model, <provider>/<name> of a configured "
    "provider, or <vendor>/<name> where a configured provider offers models of other vendors"
)


@dataclass(frozen=True, slots=True)
class Offers:
    """What a user can choose from, as far as it is asked for.

    Attributes:
        known: models of the catalog and custom models, by the names asked for.
        providers: those that the user's requests can go to.
        provider_names: all there are.
    """

    known: Mapping[str, Model | CustomModel] = field(default_factory=dict)
    providers: Sequence[Provider] = ()
    provider_names: Collection[str] = ()

    def check_model(self, path: str, name: str) -> None:
        """Lets a name pass that can be completed with, or none.

        Raises:
            InvalidField: it stands for nothing, or for what is itself chosen.
        """
        vendor, _, rest = name.partition("/")
        if not name or (vendor != _AUTO and name in self.known):
            return
        wellformed = vendor and rest and len(name) <= _NAME_LENGTH and name.isprintable() and " " not in name
        if (
            wellformed
            and vendor not in (_AUTO, _CUSTOM)
            and any(_offers(provider, vendor) for provider in self.providers)
        ):
            return
        raise InvalidField(path, name, _ALLOWED)

    def check_choice(self, model_path: str, provider_path: str, choice: Choice) -> None:
        """Lets a choice pass whose model may be chosen, and whose provider exists.

        Raises:
            InvalidField: either is not so.
        """
        self.check_model(model_path, choice.model)
        if choice.provider and choice.provider not in self.provider_names:
            raise InvalidField(provider_path, choice.provider, f"empty, or one of {', '.join(self.provider_names)}")

    def most_tokens(self, name: str) -> int | None:
        """What `max_tokens` may be at the most for this model; None: unknown."""
        found = self.known.get(name)
        if isinstance(found, CustomModel):
            window = found.description.context_window
            return None if window is None else min(window, int(RANGES["max_tokens"].maximum))
        return found.max_output_tokens if found else None


async def offers(connection: ReadConnection, caller: Principal, names: Collection[str]) -> Offers:
    """What of these names can be chosen by the caller."""
    known: dict[str, Model | CustomModel] = {}
    for name in sorted(set(filter(None, names))):
        found: Model | CustomModel | None
        if name.startswith(f"{_CUSTOM}/"):
            found = await custom_models.meant(connection, name, caller.user_id, caller.project_id)
        else:
            found = await models.find(connection, name)
        if found is not None:
            known[name] = found
    usable = await providers.usable(connection, caller.organisation_id)
    return Offers(known, usable, [provider.name for provider in await providers.page(connection)])


def _offers(provider: Provider, vendor: str) -> bool:
    return provider.flags.aggregates_vendors or provider.name == vendor
