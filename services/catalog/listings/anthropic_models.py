"""GET /v1/models as Anthropic defines it: https://platform.claude.com/docs/en/api/models/list."""

from collections.abc import Mapping

from pantheon.catalog.v1.model_pb2 import MODALITY_FILE, MODALITY_IMAGE, MODALITY_TEXT, Modality
from services.catalog.listings import members
from services.catalog.listings.listed import ListBroken, Listed, ListPage
from services.catalog.listings.members import Object

FIRST: Mapping[str, str] = {"limit": "1000"}


def page(body: bytes) -> ListPage:
    """One answer. Raises ListBroken."""
    answer, found = members.entries(body, "data")
    models = tuple(map(_listed, found))
    if answer.get("has_more") is not True:
        return ListPage(models)
    last = members.identity(answer, "last_id")
    if not last:
        raise ListBroken("there is more, and no 'last_id' to go on from")
    return ListPage(models, {**FIRST, "after_id": last})


def _listed(entry: Object) -> Listed:
    able = members.part(entry, "capabilities")
    return Listed(
        id=entry["id"],
        display_name=members.text(entry, "display_name"),
        context_window=members.tokens(entry, "max_input_tokens"),
        max_output_tokens=members.tokens(entry, "max_tokens"),
        input_modalities=_input_modalities(able),
        supports_structured_output=_supported(able, "structured_outputs"),
        supports_reasoning=_supported(able, "thinking"),
        release_time=members.moment(entry.get("created_at")),
    )


def _supported(able: Object, name: str) -> bool | None:
    said = members.part(able, name).get("supported")
    return said if isinstance(said, bool) else None


def _input_modalities(able: Object) -> tuple[Modality.ValueType, ...]:
    image, file = _supported(able, "image_input"), _supported(able, "pdf_input")
    if image is None or file is None:
        return ()
    return (MODALITY_TEXT, *([MODALITY_IMAGE] if image else []), *([MODALITY_FILE] if file else []))
