"""What users may choose: masks, the preferred model, the ranges of parameters."""

from collections.abc import Iterable
from dataclasses import asdict, replace

from services.catalog.entities import PARAMETER_NAMES, Model, Provider, UserSettings
from services.parameters import check_parameters
from services.runtime.errors import InvalidField

MODEL_PATH = "preferred_model"
PARAMETERS_PATH = "model_parameters"
PATHS = (MODEL_PATH, PARAMETERS_PATH, *(f"{PARAMETERS_PATH}.{name}" for name in PARAMETER_NAMES))

# What these stand for is itself chosen in settings.
_RESERVED_VENDORS = ("auto", "custom")
_NAME_LENGTH = 200
_ALLOWED_MODEL = (
    "the id or an alias of a model in the catalog, <provider>/<name> of a configured provider, or <vendor>/<name> "
    "where a configured provider offers models of other vendors"
)


def written_paths(mask: Iterable[str]) -> frozenset[str]:
    """The single fields that an update mask names; an empty mask names all.

    Raises:
        InvalidField: it names something else.
    """
    named = set(mask) or {MODEL_PATH, PARAMETERS_PATH}
    for path in sorted(named.difference(PATHS)):
        raise InvalidField("update_mask", path, f"any of {', '.join(PATHS)}")
    if PARAMETERS_PATH in named:
        named.update(f"{PARAMETERS_PATH}.{name}" for name in PARAMETER_NAMES)
    return frozenset(named - {PARAMETERS_PATH})


def merged(kept: UserSettings, given: UserSettings, paths: frozenset[str]) -> UserSettings:
    """`kept` with what the paths name taken from `given`, which clears what `given` has no value for."""
    named = {name: value for name, value in asdict(given.parameters).items() if f"{PARAMETERS_PATH}.{name}" in paths}
    return replace(
        kept,
        preferred_model=given.preferred_model if MODEL_PATH in paths else kept.preferred_model,
        parameters=replace(kept.parameters, **named),
    )


def check_settings(
    settings: UserSettings, paths: frozenset[str], model: Model | None, providers: list[Provider]
) -> None:
    """Lets settings pass that may be kept.

    `paths` are those just written: what was kept before does not keep anyone from changing something else. `model` is
    the catalog's entry for the preferred model, `providers` are the configured ones.

    Raises:
        InvalidField: a value is not allowed.
    """
    if MODEL_PATH in paths:
        _check_model(settings.preferred_model, model, providers)
    written = {
        name: value for name, value in asdict(settings.parameters).items() if f"{PARAMETERS_PATH}.{name}" in paths
    }
    if MODEL_PATH in paths:
        # Another model may allow fewer.
        written["max_tokens"] = settings.parameters.max_tokens
    most = model.max_output_tokens if model else None
    check_parameters(written, most_tokens=most, path=PARAMETERS_PATH)


def _check_model(name: str, model: Model | None, providers: list[Provider]) -> None:
    vendor, _, rest = name.partition("/")
    if vendor not in _RESERVED_VENDORS:
        if not name or model is not None:
            return
        wellformed = vendor and rest and len(name) <= _NAME_LENGTH and name.isprintable() and " " not in name
        if wellformed and any(provider.flags.aggregates_vendors or provider.name == vendor for provider in providers):
            return
    raise InvalidField(MODEL_PATH, name, _ALLOWED_MODEL)
