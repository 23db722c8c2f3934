"""What is carried through a client's hands comes back as it was, whatever a provider put into it."""

import json
from typing import Any

import msgspec
import pytest

from services.router.api.carrier import encoded, sealed, unsealed
from services.runtime.errors import ProviderBroken


def test_what_was_sealed_comes_back() -> None:
    value = {"type": "reasoning.encrypted", "data": "Zürich 🗼", "format": None, "index": 3}
    assert unsealed(sealed(value)) == value


@pytest.mark.parametrize("text", ("", "EqQBCkYI", "pantheon.", "pantheon.!!!", "pantheon.W10="))
def test_what_was_not_sealed_here_is_nothing(text: str) -> None:
    assert unsealed(text) is None


def test_half_a_surrogate_pair_is_written_as_it_came_beside_members_kept_as_bytes() -> None:
    written = encoded({"text": "cut \ud83d", "kept": msgspec.Raw(b'{"a": [1]}')})
    assert json.loads(written) == {"text": "cut \ud83d", "kept": {"a": [1]}}


def test_what_is_nested_too_deeply_to_be_written_is_the_providers_fault() -> None:
    deep: Any = "\ud83d"
    for _ in range(2_000):
        deep = [deep]
    with pytest.raises(ProviderBroken):
        encoded({"text": deep})
