from decimal import Decimal

import pytest

from services.sandbox.chat import Usage
from services.sandbox.openrouter_rendering import number
from services.sandbox.prices import cost_of


def test_cached_tokens_have_a_price_of_their_own() -> None:
    usage = Usage(prompt_tokens=366, completion_tokens=155, cached_tokens=365, reasoning_tokens=129)

    cost = cost_of("x-ai/grok-4.1-fast", usage)

    # A bill that OpenRouter really wrote.
    assert (cost.prompt, cost.completion) == (Decimal("0.00001845"), Decimal("0.0000775"))
    assert cost.total == Decimal("0.00009595")


def test_free_models_cost_nothing_and_unknown_ones_the_default() -> None:
    usage = Usage(prompt_tokens=1_000_000, completion_tokens=1_000_000)

    assert cost_of("any/model:free", usage).total == 0
    assert cost_of("any/model", usage).total == 3


@pytest.mark.parametrize(
    ("amount", "written"),
    (
        ("0", b"0"),
        ("0.000", b"0"),
        ("0.00009595", b"0.00009595"),
        ("0.000001", b"0.000001"),
        ("0.0000006", b"6e-7"),
        ("0.00000015", b"1.5e-7"),
        ("12.50", b"12.5"),
        ("100", b"100"),
    ),
)
def test_numbers_are_written_as_javascript_writes_them(amount: str, written: bytes) -> None:
    assert bytes(number(Decimal(amount))) == written
