"""What users may choose: masks, the preferred model, the ranges of parameters, models by use case."""

from collections.abc import Iterable
from dataclasses import asdict, replace

from services.catalog.choices import Offers
from services.catalog.entities import PARAMETER_NAMES, UserSettings
from services.catalog.use_cases import USE_CASES
from services.parameters import check_parameters
from services.runtime.errors import InvalidField

MODEL_PATH = "preferred_model"
PARAMETERS_PATH = "model_parameters"
USE_CASES_PATH = "use_cases"
PATHS = (
    MODEL_PATH,
    PARAMETERS_PATH,
    *(f"{PARAMETERS_PATH}.{name}" for name in PARAMETER_NAMES),
    USE_CASES_PATH,
    *(f"{USE_CASES_PATH}.{name}" for name in USE_CASES),
)


def written_paths(mask: Iterable[str]) -> frozenset[str]:
    """The single fields that an update mask names; an empty mask names all.

    Raises:
        InvalidField: it names something else.
    """
    named = set(mask) or {MODEL_PATH, PARAMETERS_PATH, USE_CASES_PATH}
    for path in sorted(named.difference(PATHS)):
        raise InvalidField("update_mask", path, f"any of {', '.join(PATHS)}")
    if PARAMETERS_PATH in named:
        named.update(f"{PARAMETERS_PATH}.{name}" for name in PARAMETER_NAMES)
    if USE_CASES_PATH in named:
        named.update(f"{USE_CASES_PATH}.{name}" for name in USE_CASES)
    return frozenset(named - {PARAMETERS_PATH, USE_CASES_PATH})


def merged(kept: UserSettings, given: UserSettings, paths: frozenset[str]) -> UserSettings:
    """`kept` with what the paths name taken from `given`, which clears what `given` has no value for."""
    named = {name: value for name, value in asdict(given.parameters).items() if f"{PARAMETERS_PATH}.{name}" in paths}
    kept_choices = {name: choice for name, choice in kept.use_cases.items() if f"{USE_CASES_PATH}.{name}" not in paths}
    choices = {name: choice for name, choice in given.use_cases.items() if f"{USE_CASES_PATH}.{name}" in paths}
    return replace(
        kept,
        preferred_model=given.preferred_model if MODEL_PATH in paths else kept.preferred_model,
        parameters=replace(kept.parameters, **named),
        use_cases=kept_choices | choices,
    )


def check_settings(settings: UserSettings, paths: frozenset[str], offers: Offers) -> None:
    """Lets settings pass that may be kept.

    `paths` are those just written: what was kept before does not keep anyone from changing something else. `offers` is
    what the user can choose from, with all models that the settings name.

    Raises:
        InvalidField: a value is not allowed.
    """
    if MODEL_PATH in paths:
        offers.check_model(MODEL_PATH, settings.preferred_model)
    for name, choice in settings.use_cases.items():
        path = f"{USE_CASES_PATH}.{name}"
        if path in paths:
            offers.check_choice(path, f"{path}.provider", choice)
    written = {
        name: value for name, value in asdict(settings.parameters).items() if f"{PARAMETERS_PATH}.{name}" in paths
    }
    if MODEL_PATH in paths:
        # Another model may allow fewer.
        written["max_tokens"] = settings.parameters.max_tokens
    check_parameters(written, most_tokens=offers.most_tokens(settings.preferred_model), path=PARAMETERS_PATH)
