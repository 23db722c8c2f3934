"""What a custom model may be, and who may see and change it. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from pantheon.auth.v1.access_pb2 import Role
from services.catalog.custom_model_entities import Cost, CustomModel, Description, KeyMark, priced
from services.catalog.entities import PARAMETER_NAMES, Provider
from services.parameters import RANGES, check_parameters
from services.rating import PriceVersion
from services.runtime.auth import Principal
from services.runtime.errors import AccessDenied, InvalidField, ResourceNotFound
from services.runtime.origins import origin_of
from services.runtime.secret_keys import last_four, secret

COST_PATH = "cost_per_1k_tokens"
PARAMETERS_PATH = "parameters"
RESOURCE = "custom_model"

_TEXTS = ("model_id", "name", "project_id", "provider", "api_endpoint", "provider_model_id", "context_window")
_SINGLE_PARAMETERS = tuple(f"{PARAMETERS_PATH}.{name}" for name in PARAMETER_NAMES)
_KEY_PATH = "api_key"
_PATHS = (*_TEXTS, PARAMETERS_PATH, *_SINGLE_PARAMETERS, COST_PATH, _KEY_PATH)

_MODEL_ID = re.compile(r"custom/([a-z0-9](?:[a-z0-9._:/-]{0,126}[a-z0-9])?)")
_MODEL_ID_ALLOWED = (
    'custom/<slug>, a slug of 1 to 128 characters of a-z, 0-9, ".", "_", "-", ":" and "/", that begins and ends with '
    "a letter or digit"
)
_NAME_LENGTH = 100
_PROVIDER_MODEL_LENGTH = 200
_INSTANT = timedelta(microseconds=1)
# Every router holds all models in memory, and every event of one has all its prices: users must not fill either.
_MOST_MODELS = 1_000
_MOST_PRICES = 500


def written_paths(mask: Iterable[str]) -> frozenset[str]:
    """The single fields that an update mask names; an empty mask names all, and the key is none of them.

    Raises:
        InvalidField: it names something else, or what is output only.
    """
    named = set(mask) or {*_TEXTS, PARAMETERS_PATH, COST_PATH}
    for path in sorted(named.difference(_PATHS)):
        raise InvalidField("update_mask", path, f"any of {', '.join(_PATHS)}")
    if PARAMETERS_PATH in named:
        named.update(_SINGLE_PARAMETERS)
    return frozenset(named - {PARAMETERS_PATH, _KEY_PATH})


def merged(kept: Description, given: Description, paths: frozenset[str]) -> Description:
    """`kept` with what the paths name taken from `given`, which clears what `given` has no value for."""
    written = {name: getattr(given, name) for name in _TEXTS if name in paths}
    if COST_PATH in paths:
        written["cost"] = given.cost
    parameters = {
        name: value for name, value in asdict(given.parameters).items() if f"{PARAMETERS_PATH}.{name}" in paths
    }
    return replace(kept, parameters=replace(kept.parameters, **parameters), **written)


def checked(description: Description) -> Description:
    """The description in the form in which it is kept; where it is served is another matter.

    Raises:
        InvalidField: a value is not allowed.
    """
    if not _MODEL_ID.fullmatch(description.model_id):
        raise InvalidField("model_id", description.model_id, _MODEL_ID_ALLOWED)
    name = unicodedata.normalize("NFC", description.name).strip()
    if not 1 <= len(name) <= _NAME_LENGTH or not name.isprintable():
        raise InvalidField("name", description.name, f"1 to {_NAME_LENGTH} printable characters")
    called = description.provider_model_id
    if len(called) > _PROVIDER_MODEL_LENGTH or not called.isprintable() or " " in called:
        allowed = f"at most {_PROVIDER_MODEL_LENGTH} printable characters, no spaces"
        raise InvalidField("provider_model_id", called, allowed)
    window = description.context_window
    if window is not None and window < 1:
        raise InvalidField("context_window", window, "a whole number of tokens, at least 1")
    most = None if window is None else min(window, int(RANGES["max_tokens"].maximum))
    check_parameters(asdict(description.parameters), most_tokens=most, path=PARAMETERS_PATH)
    return replace(description, name=name)


def slug(model_id: str) -> str:
    """What stands behind `custom/`."""
    return model_id.partition("/")[2]


def provider_named(name: str, providers: Iterable[Provider]) -> Provider:
    """The provider of this name, configured or not.

    Raises:
        InvalidField: there is none; names those there are.
    """
    known = {provider.name: provider for provider in providers}
    if name not in known:
        raise InvalidField("provider", name, f"one of {', '.join(known)}")
    return known[name]


def check_project(project_id: str, caller: Principal, kept: str = "") -> None:
    """A model may be shared in the caller's own project, or stay where it is.

    Raises:
        InvalidField: it is another project.
    """
    if project_id not in ("", kept, caller.project_id):
        raise InvalidField("project_id", project_id, f"{caller.project_id}, which is the caller's own, or empty")


def may_see(caller: Principal, model: CustomModel) -> bool:
    """The owner may, members of the project it is shared in, and who may change it."""
    shared = model.description.project_id and model.description.project_id == caller.project_id
    return bool(shared) or may_change(caller, model)


def may_change(caller: Principal, model: CustomModel) -> bool:
    """The owner may, and administrators of the project that it is shared in or of that project's organisation."""
    if model.user_id == caller.user_id:
        return True
    if not model.description.project_id or model.organisation_id != caller.organisation_id:
        return False
    of_project = caller.project_id == model.description.project_id and caller.role >= Role.ROLE_PROJECT_ADMIN
    return of_project or caller.role >= Role.ROLE_ORGANISATION_ADMIN


def visible(caller: Principal, model: CustomModel | None, asked: str) -> CustomModel:
    """The model, if the caller may see it.

    Raises:
        ResourceNotFound: there is none, or the caller may not know of it.
    """
    if model is None or not may_see(caller, model):
        raise ResourceNotFound(RESOURCE, asked)
    return model


def changeable(caller: Principal, model: CustomModel | None, asked: str, method: str) -> CustomModel:
    """The model, if the caller may change it.

    Raises:
        ResourceNotFound: there is none, or the caller may not know of it.
        AccessDenied: the caller may see it, and no more.
    """
    found = visible(caller, model, asked)
    if not may_change(caller, found):
        required = Role.Name(Role.ROLE_PROJECT_ADMIN)
        raise AccessDenied(f"{method} of somebody else's model needs {required}", method=method, required=required)
    return found


def check_room(owned: int) -> None:
    """Lets a user make another model who has so many.

    Raises:
        InvalidField: these are as many as anybody may have.
    """
    if owned >= _MOST_MODELS:
        raise InvalidField("model_id", f"model {owned + 1}", f"at most {_MOST_MODELS} models of one user")


def key_mark(kept: KeyMark, api_key: str | None, *, moved: bool = False) -> KeyMark:
    """What is told of the key after a change: None leaves it as it is, an empty one takes it away.

    `moved`: the endpoint is of another origin than the one the key was given for.

    Raises:
        InvalidField: it is no key, or the present one would follow to where it was not given for.
    """
    if api_key is None:
        if moved and kept.present:
            allowed = "the new endpoint's key, or empty for none: the present key is bound to the present origin"
            raise InvalidField("api_key", "", allowed)
        return kept
    if not api_key:
        return KeyMark(version=kept.version + 1) if kept.present else kept
    secret("api_key", api_key)
    return KeyMark(present=True, last_four=last_four(api_key), version=kept.version + 1)


def is_moved(kept: CustomModel, description: Description) -> bool:
    """Whether the endpoint has another origin than before."""
    return origin_of(kept.description.api_endpoint) != origin_of(description.api_endpoint)


def next_price(prices: Sequence[PriceVersion], cost: Cost | None, id_: str, now: datetime) -> PriceVersion | None:
    """The price to append so that from now on the cost is this one; None where nothing changes.

    Raises:
        InvalidField: the model has had as many as any may have.
    """
    last = prices[-1] if prices else None
    since = max(now, last.effective + _INSTANT) if last else now
    price = priced(id_, since, cost)
    if price.unit_prices == (last.unit_prices if last else ()):
        return None
    if len(prices) >= _MOST_PRICES:
        raise InvalidField(COST_PATH, f"price {len(prices) + 1}", f"at most {_MOST_PRICES} prices of one model")
    return price
