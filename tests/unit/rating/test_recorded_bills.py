"""Bills that OpenRouter sent, reproduced to the last digit from its list prices, as a sync would keep them.

| class | bills | why |
|---|---|---|
| the same | 171 | tokens as the router counts them, and web searches, at the list's prices |
| another host's prices | 8 | the list names the prices of one host, another answered; its own price explains the bill |
| not listed | 6 | the model was withdrawn before the list was recorded |
| the caller's own key | 1 | OpenRouter charges a fee instead, here none; what the host charged is the same |
| reading a file | 1 | a plugin of OpenRouter's read a PDF: 0.002 USD beside the tokens, which no usage tells |
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from services.catalog.listings.token_prices import unit_prices
from services.rating import EXACT, SINCE_EVER, PriceVersion, rate
from services.router.chat import Facts
from tests.fixtures.references import BILLS, LIST_PRICES, TRAFFIC, needs
from tests.unit.rating.recorded import facts_of, rows

SAME = "the same"
ANOTHER_HOST = "another host's prices"
NOT_LISTED = "not listed"
OWN_KEY = "the caller's own key"
READING_A_FILE = "reading a file"
EXPECTED = {SAME: 171, ANOTHER_HOST: 8, NOT_LISTED: 6, OWN_KEY: 1, READING_A_FILE: 1}

PDF_READ = Decimal("0.002")
_MILLION = 1_000_000
_FINEST_PRICE = Decimal("0.001")

pytestmark = [pytest.mark.corpus, needs(BILLS), needs(LIST_PRICES), needs(TRAFFIC)]


class Details(msgspec.Struct):
    """What the bill is made of, USD; the Responses API has words of its own."""

    upstream_inference_cost: Decimal | None = None
    upstream_inference_prompt_cost: Decimal | None = None
    upstream_inference_completions_cost: Decimal | None = None
    upstream_inference_input_cost: Decimal | None = None
    upstream_inference_output_cost: Decimal | None = None

    @property
    def parts(self) -> tuple[Decimal, Decimal]:
        """Of the prompt and of the completion."""
        prompt = self.upstream_inference_prompt_cost or self.upstream_inference_input_cost
        completion = self.upstream_inference_completions_cost or self.upstream_inference_output_cost
        assert prompt is not None
        assert completion is not None
        return prompt, completion


class Bill(msgspec.Struct):
    id: str
    provider: str
    model_requested: str | None
    model_answered: str | None
    served_by: str | None
    cost_usd: Decimal | None
    is_byok: bool | None
    # Of other providers of other shapes.
    cost_details: msgspec.Raw

    @property
    def details(self) -> Details:
        return msgspec.json.decode(self.cost_details, type=Details)


def bills() -> Iterator[Bill]:
    return (bill for bill in rows(BILLS, Bill) if bill.provider == "openrouter")


def list_prices() -> dict[str, PriceVersion]:
    """By id and by the dated name that answers give, which a model shares with its variants (`:batch`, `~latest`)."""
    listed = json.loads(LIST_PRICES.read_bytes())["models"]
    prices = {
        name: PriceVersion(name, SINCE_EVER, SINCE_EVER, unit_prices(entry["pricing"]), "recorded")
        for name, entry in listed.items()
    }
    plain = {entry["canonical_slug"]: name for name, entry in listed.items() if not {":", "~"} & set(name)}
    return {dated: prices[name] for dated, name in plain.items()} | prices


def verdict(bill: Bill, facts: Facts, prices: dict[str, PriceVersion]) -> str:
    """One of those expected, or what differs."""
    price = prices.get(bill.model_answered or "") or prices.get(bill.model_requested or "")
    if price is None:
        return NOT_LISTED
    assert facts.tokens is not None
    rating = rate(facts.tokens, price)
    if rating is None:
        return f"{bill.id}: unknown"
    if rating.amount == bill.cost_usd:
        return SAME
    if bill.is_byok and not bill.cost_usd and bill.details.upstream_inference_cost == rating.amount:
        return OWN_KEY
    prompt, completion = bill.details.parts
    if EXACT.add(prompt, completion) == rating.amount and bill.cost_usd == EXACT.add(rating.amount, PDF_READ):
        return READING_A_FILE
    return ANOTHER_HOST if EXACT.add(prompt, completion) == bill.cost_usd else f"{bill.id}: {rating.amount}"


def test_every_bill_of_openrouter_is_reproduced_from_its_list_prices_or_differs_for_a_known_reason() -> None:
    prices, facts = list_prices(), facts_of({bill.id for bill in bills()})
    verdicts = Counter(verdict(bill, facts[bill.id], prices) for bill in bills())
    print(*(f"{count:5} {reason}" for reason, count in verdicts.most_common()), sep="\n")  # noqa: T201 - the agreement

    assert verdicts == EXPECTED


def test_the_router_reads_the_amount_of_every_bill() -> None:
    facts = facts_of({bill.id for bill in bills()})

    assert {bill.id: facts[bill.id].reported_cost for bill in bills()} == {bill.id: bill.cost_usd for bill in bills()}


def test_bills_of_another_host_follow_one_price_each() -> None:
    prices, facts = list_prices(), facts_of({bill.id for bill in bills()})
    charged: dict[tuple[str | None, str | None], set[tuple[Decimal, ...]]] = defaultdict(set)
    for bill in bills():
        if verdict(bill, facts[bill.id], prices) == ANOTHER_HOST:
            tokens = facts[bill.id].tokens
            assert tokens is not None
            assert not tokens.cached_tokens
            counts = tokens.prompt_tokens, tokens.completion_tokens
            each = (part * _MILLION / (count or 0) for part, count in zip(bill.details.parts, counts, strict=True))
            charged[bill.model_requested, bill.served_by].add(tuple(each))

    # A host's bills give one price per million, a round one: it is a price, and not a miscount of ours.
    assert {key: len(found) for key, found in charged.items()} == dict.fromkeys(charged, 1)
    for ((prompt, completion),) in charged.values():
        assert prompt % _FINEST_PRICE == completion % _FINEST_PRICE == 0
