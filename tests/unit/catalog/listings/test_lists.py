"""What providers' lists of models come to, by format."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.model_pb2 import (
    MODALITY_AUDIO,
    MODALITY_EMBEDDING,
    MODALITY_FILE,
    MODALITY_IMAGE,
    MODALITY_TEXT,
)
from pantheon.catalog.v1.provider_pb2 import WireFormat
from services.catalog.entities import Parameters
from services.catalog.listings import anthropic_models, gemini_models, openai_models
from services.catalog.listings.formats import LIST_FORMATS
from services.catalog.listings.listed import ListBroken, Listed

OPENROUTER: dict[str, Any] = {
    "id": "vendor/model-1",
    "canonical_slug": "vendor/model-1-20260101",
    "name": "Vendor: Model 1",
    "created": 1_769_000_000,
    "context_length": 200_000,
    "architecture": {
        "modality": "text+image->text",
        "input_modalities": ["image", "text", "file", "smell"],
        "output_modalities": ["text"],
        "tokenizer": "Other",
    },
    "pricing": {"prompt": "0.000003", "completion": "0.000015"},
    "top_provider": {"context_length": 150_000, "max_completion_tokens": 64_000, "is_moderated": False},
    "supported_parameters": ["max_tokens", "temperature", "top_p", "tools", "include_reasoning"],
    "default_parameters": {"temperature": 0.6, "top_p": None, "frequency_penalty": 7},
    "expiration_date": "2027-01-31",
}


def body(**answer: Any) -> bytes:
    return msgspec.json.encode(answer)


def one(entry: dict[str, Any]) -> Listed:
    (listed,) = openai_models.page(body(data=[entry])).models
    return listed


def test_openai_lists_ids_and_when_they_came() -> None:
    page = openai_models.page(
        body(
            object="list",
            data=[
                {"id": "gpt-4", "object": "model", "created": 1_687_882_411, "owned_by": "openai"},
                {"id": "ft:gpt-4:acme::1", "object": "model", "created": 1_687_882_411, "owned_by": "acme"},
            ],
        )
    )
    (listed,) = page.models
    assert listed == Listed(id="gpt-4", release_time=datetime(2023, 6, 27, 16, 13, 31, tzinfo=UTC))
    assert not page.following


def test_openrouter_says_what_a_model_can_do() -> None:
    listed = one(OPENROUTER)
    assert (listed.display_name, listed.context_window, listed.max_output_tokens) == (
        "Vendor: Model 1",
        200_000,
        64_000,
    )
    assert listed.input_modalities == (MODALITY_TEXT, MODALITY_IMAGE, MODALITY_FILE)
    assert listed.output_modalities == (MODALITY_TEXT,)
    abilities = (listed.supports_tools, listed.supports_structured_output, listed.supports_reasoning)
    assert abilities == (True, False, True)
    assert listed.unsupported_parameters == ("frequency_penalty", "presence_penalty")
    assert listed.default_parameters == Parameters(temperature=0.6)
    assert listed.deprecation_time == datetime(2027, 1, 31, tzinfo=UTC)
    assert listed.unit_prices is not None
    assert [(entry.price, entry.per) for entry in listed.unit_prices] == [
        (Decimal(3), 1_000_000),
        (Decimal(15), 1_000_000),
    ]


@pytest.mark.parametrize("member", [name for name in OPENROUTER if name != "id"])
@pytest.mark.parametrize(
    "value", (None, -1, "", [], {}, [None], {"a": 1}, True, 1e300, "\0", "0001-01-01T00:00:00+14:00")
)
def test_a_member_of_a_surprising_kind_is_unknown_and_harms_no_other(member: str, value: Any) -> None:
    listed = one({**OPENROUTER, member: value})
    assert listed.id == "vendor/model-1"
    whole = one(OPENROUTER)
    same = [name for name in Listed.__dataclass_fields__ if getattr(listed, name) == getattr(whole, name)]
    assert len(same) >= len(Listed.__dataclass_fields__) - 6


def test_completion_tokens_may_be_limited_by_another_name() -> None:
    supported = ["max_completion_tokens", "temperature", "top_p", "frequency_penalty", "presence_penalty"]
    assert one({**OPENROUTER, "supported_parameters": supported}).unsupported_parameters == ()


def test_the_next_part_is_asked_for_by_its_parameters_alone() -> None:
    links = {"next": "https://elsewhere.example/v1/models?offset=500&limit=500"}
    page = openai_models.page(body(data=[OPENROUTER], links=links))
    assert page.following == {"offset": "500", "limit": "500"}


@pytest.mark.parametrize("following", ("https://[elsewhere", "", 7, "#?offset=500"))
def test_what_is_no_address_of_a_next_part_is_followed_by_none(following: Any) -> None:
    assert not openai_models.page(body(data=[OPENROUTER], links={"next": following})).following


def test_a_bare_array_is_a_list_too() -> None:
    assert [listed.id for listed in openai_models.page(b'[{"id": "a/b"}]').models] == ["a/b"]


def test_anthropic_lists_limits_and_abilities_page_by_page() -> None:
    capabilities = {
        "image_input": {"supported": True},
        "pdf_input": {"supported": False},
        "structured_outputs": {"supported": True},
        "thinking": {"supported": False, "types": {}},
    }
    entry = {
        "type": "model",
        "id": "claude-opus-4-8",
        "display_name": "Claude Opus 4.8",
        "created_at": "2026-05-28T00:00:00Z",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
        "capabilities": capabilities,
    }
    old = {"id": "claude-2.1", "created_at": "1970-01-01T00:00:00Z", "max_input_tokens": None, "capabilities": None}
    page = anthropic_models.page(body(data=[entry, old], has_more=True, first_id="x", last_id="claude-2.1"))
    assert page.following == {"limit": "1000", "after_id": "claude-2.1"}
    assert page.models == (
        Listed(
            id="claude-opus-4-8",
            display_name="Claude Opus 4.8",
            context_window=1_000_000,
            max_output_tokens=128_000,
            input_modalities=(MODALITY_TEXT, MODALITY_IMAGE),
            supports_structured_output=True,
            supports_reasoning=False,
            release_time=datetime(2026, 5, 28, tzinfo=UTC),
        ),
        Listed(id="claude-2.1"),
    )
    with pytest.raises(ListBroken, match="last_id"):
        anthropic_models.page(body(data=[entry], has_more=True))


def test_gemini_lists_limits_and_defaults_page_by_page() -> None:
    flash = {
        "name": "models/gemini-3.8-flash",
        "displayName": "Gemini 3.8 Flash",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "maxTemperature": 2,
        "thinking": True,
    }
    vectors = {
        "name": "models/gemini-embedding-001",
        "inputTokenLimit": 2_048,
        "outputTokenLimit": 1,
        "supportedGenerationMethods": ["embedContent", "countTextTokens"],
    }
    page = gemini_models.page(body(models=[flash, vectors], nextPageToken="abc"))
    assert page.following == {"pageSize": "1000", "pageToken": "abc"}
    assert page.models == (
        Listed(
            id="gemini-3.8-flash",
            display_name="Gemini 3.8 Flash",
            context_window=1_048_576,
            max_output_tokens=65_536,
            supports_reasoning=True,
            default_parameters=Parameters(temperature=1, top_p=0.95),
        ),
        Listed(id="gemini-embedding-001", context_window=2_048, output_modalities=(MODALITY_EMBEDDING,)),
    )


def test_every_wire_format_has_a_list() -> None:
    assert set(LIST_FORMATS) == {number for number in WireFormat.values() if number}


def test_sound_and_vectors_are_kinds_of_content() -> None:
    shape = {"input_modalities": ["audio"], "output_modalities": ["embeddings"]}
    listed = one({**OPENROUTER, "architecture": shape})
    assert (listed.input_modalities, listed.output_modalities) == ((MODALITY_AUDIO,), (MODALITY_EMBEDDING,))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*OPENROUTER, "data", "models", "name"]), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(st.binary(max_size=60) | JSON.map(msgspec.json.encode))
def test_whatever_comes_is_read_or_broken(answer: bytes) -> None:
    for how in LIST_FORMATS.values():
        try:
            page = how.page(answer)
        except ListBroken:
            continue
        assert all(listed.id for listed in page.models)
