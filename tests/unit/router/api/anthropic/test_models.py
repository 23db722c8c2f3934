"""Pages of models, as Anthropic's SDKs turn them."""

import json

import pytest
from anthropic.types import ModelInfo

from services.router.api.anthropic.models import page
from services.router.catalog import Model
from services.runtime.errors import InvalidField

MODELS = [Model(f"acme/m{number}", (), None, created=1_700_000_000 if number else 0) for number in range(25)]


def ids(query: bytes = b"") -> tuple[list[str], bool]:
    found = page(MODELS, query)
    assert (found["first_id"], found["last_id"]) == (found["data"][0]["id"], found["data"][-1]["id"])
    return [model["id"] for model in found["data"]], found["has_more"]


def names(start: int, end: int) -> list[str]:
    return [model.id for model in MODELS[start:end]]


def test_a_model_is_one_by_the_sdk_s_types() -> None:
    unknown, known = page(MODELS, b"limit=2")["data"]
    for model in (unknown, known):
        ModelInfo.model_validate_json(json.dumps(model), strict=True)
    assert (unknown["created_at"], known["created_at"]) == ("1970-01-01T00:00:00Z", "2023-11-14T22:13:20Z")


@pytest.mark.parametrize(
    ("query", "start", "end", "more"),
    (
        (b"", 0, 20, True),
        (b"limit=25", 0, 25, False),
        (b"limit=1000", 0, 25, False),
        (b"limit=24&beta=true", 0, 24, True),
        (b"after_id=acme%2Fm19", 20, 25, False),
        (b"after_id=acme/m3&limit=2", 4, 6, True),
        (b"before_id=acme/m5&limit=2", 3, 5, True),
        (b"before_id=acme/m5", 0, 5, False),
    ),
)
def test_a_page_is_what_was_asked_for(query: bytes, start: int, end: int, more: bool) -> None:
    assert ids(query) == (names(start, end), more)


def test_a_page_may_be_empty() -> None:
    assert page(MODELS, b"after_id=acme/m24") == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize(
    "query",
    (b"limit=0", b"limit=1001", b"limit=000000100999", b"limit=-1", b"limit=x", b"limit=\xb2", b"after_id=acme/m99"),
)
def test_what_is_no_page_is_named(query: bytes) -> None:
    with pytest.raises(InvalidField) as caught:
        page(MODELS, query)
    assert caught.value.metadata["field"] == query.partition(b"=")[0].decode()
