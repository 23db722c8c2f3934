"""Which prompts are refused because no provider could have room for them."""

from dataclasses import replace
from typing import Any

import pytest

from services.router.catalog import NOTHING_CHOSEN, Chosen, Endpoint
from services.router.chat import Format
from services.router.parameters import ChosenParameters
from services.runtime.errors import ContextTooLong
from tests.unit.router.calls import WIRE, catalog, model, planned, provider, request

CATALOG = catalog((provider("openai"),), (model("openai/gpt-4", Endpoint("openai", "gpt-4"), context_window=1_000),))


def sized(size: int, settings: Chosen = NOTHING_CHOSEN, **members: Any) -> int:
    """Plans a request of so many bytes."""
    return len(planned(replace(request(**members), size=size), CATALOG, settings).candidates)


def test_a_prompt_that_may_fit_passes() -> None:
    assert sized(8 * 999 + 7)
    assert sized(8 * 900 + 7, max_tokens=100)


def test_a_prompt_that_can_t_fit_is_refused_with_the_figures() -> None:
    with pytest.raises(ContextTooLong) as caught:
        sized(8 * 901, max_tokens=100)
    assert caught.value.metadata == {
        "model": "openai/gpt-4",
        "window": "1000",
        "prompt_tokens": "901",
        "max_tokens": "100",
    }
    assert "1000" in caught.value.message
    assert "901" in caught.value.message
    assert (caught.value.reason, caught.value.http_status) == ("CONTEXT_TOO_LONG", 400)


def test_without_max_tokens_one_is_asked_for() -> None:
    with pytest.raises(ContextTooLong, match="at least 1000, and 1 are"):
        sized(8 * 1_000)


def test_what_settings_ask_for_counts_as_it_is_sent() -> None:
    settings = Chosen(parameters=ChosenParameters(max_tokens=500))
    with pytest.raises(ContextTooLong, match="500 are asked for"):
        sized(8 * 501, settings)
    assert sized(8 * 501, settings, max_tokens=5)


def test_media_are_not_text() -> None:
    url = f"data:image/png;base64,{40_000 * 'A'}"
    asked = request(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    assert planned(asked, CATALOG).candidates


def test_only_conversations_are_measured() -> None:
    embedding = replace(provider("openai"), wires={Format.EMBEDDINGS: WIRE, Format.COUNT_TOKENS: WIRE})
    known = replace(CATALOG, providers={"openai": embedding})
    for asked in (Format.EMBEDDINGS, Format.COUNT_TOKENS):
        assert planned(replace(request(), format=asked, size=1_000_000), known).candidates


def test_a_model_of_unknown_window_takes_any_prompt() -> None:
    assert planned(replace(request("openai/unlisted"), size=1_000_000), CATALOG).candidates
