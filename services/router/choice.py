"""What `auto` and `auto/<use case>` stand for: for whom, and for which request. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from pantheon.catalog.v1.use_case_pb2 import UseCase
from services.router.catalog import PLATFORM, Caller, Catalog, Choice
from services.router.chat import ChatRequest
from services.router.filling import most_tokens_asked
from services.router.pictures import has_pictures
from services.router.window import is_likely_to_fit
from services.runtime.errors import InvalidField, ModelNotFound

AUTO = "auto"
_USE_CASES: Mapping[str, int] = MappingProxyType(
    {
        AUTO: UseCase.USE_CASE_GENERAL,
        f"{AUTO}/general": UseCase.USE_CASE_GENERAL,
        f"{AUTO}/code": UseCase.USE_CASE_CODE,
        f"{AUTO}/fast": UseCase.USE_CASE_FAST,
        f"{AUTO}/vision": UseCase.USE_CASE_VISION,
        f"{AUTO}/long-context": UseCase.USE_CASE_LONG_CONTEXT,
    }
)
_ALLOWED = f"a model, or one of {', '.join(_USE_CASES)}"
_UNCHOSEN = (
    "a model: none is chosen for it, neither in the user's settings (preferred_model, use_cases) nor by the"
    " organisation or the platform"
)


def is_auto(name: str) -> bool:
    """Whether it is no model's name, but stands for one."""
    return name == AUTO or name.startswith(f"{AUTO}/")


def choose(request: ChatRequest, catalog: Catalog, caller: Caller) -> Choice:
    """What the request's `auto...` stands for: the user's choice, else the organisation's, else the platform's.

    Whatever the use case, a request with pictures that the chosen model is known not to take goes to what `auto/vision`
    stands for, and one whose prompt is estimated not to fit to what `auto/long-context` stands for, where such are
    chosen.

    Raises:
        InvalidField: there is no such use case, or nobody has chosen anything for it.
        ModelNotFound: what was chosen is again no model's name.
    """
    use_case = _USE_CASES.get(request.model)
    if use_case is None:
        raise InvalidField("model", request.model, _ALLOWED)
    chosen = _of(use_case, catalog, caller)
    if request.model == AUTO and (preferred := catalog.chosen_by(caller).preferred_model):
        chosen = Choice(preferred)
    if chosen is None:
        raise InvalidField("model", request.model, _UNCHOSEN)
    pictures = has_pictures(request)
    if pictures and not _takes_pictures(chosen, catalog, caller):
        chosen = _of(UseCase.USE_CASE_VISION, catalog, caller) or chosen
    if not is_likely_to_fit(request, _window(chosen, catalog, caller), most_tokens_asked(request, request.parameters)):
        roomy = _of(UseCase.USE_CASE_LONG_CONTEXT, catalog, caller)
        if roomy is not None and (not pictures or _takes_pictures(roomy, catalog, caller)):
            chosen = roomy
    if is_auto(chosen.model):
        raise ModelNotFound(chosen.model)
    return chosen


def _of(use_case: int, catalog: Catalog, caller: Caller) -> Choice | None:
    for choices in (
        catalog.chosen_by(caller).use_cases,
        catalog.use_cases.get(caller.organisation_id, {}),
        catalog.use_cases.get(PLATFORM, {}),
    ):
        if use_case in choices:
            return choices[use_case]
    return None


def _takes_pictures(chosen: Choice, catalog: Catalog, caller: Caller) -> bool:
    """Not where it is known that it does not."""
    custom = catalog.find_custom(chosen.model, caller)
    model = catalog.find(chosen.model) if custom is None else catalog.beneath(custom)
    return model is None or model.takes_pictures is not False


def _window(chosen: Choice, catalog: Catalog, caller: Caller) -> int | None:
    """None: unknown."""
    custom = catalog.find_custom(chosen.model, caller)
    if custom is not None:
        return catalog.window(custom)
    model = catalog.find(chosen.model)
    return None if model is None else model.context_window
