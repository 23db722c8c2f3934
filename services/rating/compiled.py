"""From tokens to money.

The rules, which are those of genai-prices (its `decompose` module) and of the bills that providers send (what is a part
of what: `services.rating.parts`):

- The tokens of the prompt include the cached, cache-write, audio, image and video ones. A part that has a price of its
  own is charged at it and leaves the plain remainder; a part without one stays in the remainder. So for the completion,
  with its reasoning, audio and image tokens, and for the cache writes, with those that are kept for an hour.
- The prompt tokens of the whole request choose the tier of every unit.
- Web searches not counted are none: providers that charge for them tell those they made.
- Parts that exceed the whole (Azure's Grok reports 161 cached of 7 prompt tokens) are charged as reported, for the
  provider did serve them; the plain remainder is 0, never less.
- Unknown is None: prompt or completion tokens not reported; tokens left in a remainder that has no price; images not
  counted where they cost something. Free (price 0) is known.
"""

from decimal import Decimal

from services.rating.money import EXACT, ONE, ZERO, for_one
from services.rating.parts import MEDIA, Charges, Parts, Rates, completion_parts, prompt_parts
from services.rating.prices import PriceVersion
from services.rating.result import Rate, Rating
from services.rating.tokens import Tokens

# Looked up once: this runs for every completion.
_add = EXACT.add
_multiply = EXACT.multiply


class CompiledPrice:
    """A price version prepared for rating many requests, in about two microseconds each."""

    __slots__ = ("_base", "_tiers", "override_id", "version")

    def __init__(self, version: PriceVersion, factor: Decimal = ONE, override_id: str = "") -> None:
        """Every price of `version` counts `factor` times; `override_id` names the override that asks for that."""
        self.version = version
        self.override_id = override_id
        starts = {tier.above_prompt_tokens for entry in version.unit_prices for tier in entry.tiers}
        self._base = _rates(version, 0, factor)
        self._tiers = tuple((start, _rates(version, start + 1, factor)) for start in sorted(starts, reverse=True))

    def rate(self, tokens: Tokens, requests: int = 1, images: int | None = None) -> Rating | None:
        """What `tokens` cost in USD; None where that is unknown (see the module).

        `requests` is how often the request reached the provider, `images` how many pictures the prompt holds (None:
        not counted).
        """
        prompt, completion = tokens.prompt_tokens, tokens.completion_tokens
        if prompt is None or completion is None or prompt < 0 or completion < 0:
            return None
        rates = self._base
        for start, tier in self._tiers:
            if prompt > start:
                rates = tier
                break
        charges: Charges = []
        if not _charge(rates.prompt_token, prompt, prompt_parts(rates, prompt, tokens), charges):
            return None
        if not _charge(rates.completion_token, completion, completion_parts(rates, tokens), charges):
            return None
        if not _charge_each(rates, tokens.web_searches, requests, images, charges):
            return None
        amount = ZERO
        for rate, quantity in charges:
            amount = _add(amount, _multiply(rate.each, quantity))
        return Rating(self.version.id, amount, tuple(charges))


def compile_price(version: PriceVersion) -> CompiledPrice:
    """Prepare a price for the hot path; worth it from the second request on."""
    return CompiledPrice(version)


def rate(tokens: Tokens, price: PriceVersion, requests: int = 1, images: int | None = None) -> Rating | None:
    """What `tokens` cost at `price`, in USD; None where that is unknown. See `CompiledPrice.rate`."""
    return CompiledPrice(price).rate(tokens, requests, images)


def _rates(version: PriceVersion, prompt_tokens: int, factor: Decimal) -> Rates:
    rates: dict[str, Rate] = {}
    for entry in version.unit_prices:
        price = entry.at(prompt_tokens)
        if factor != ONE:
            price = _multiply(price, factor)
        rates[entry.unit.name.lower()] = Rate(entry.unit, price, entry.per, for_one(price, entry.per))
    media = any(unit in rates for unit in MEDIA)
    return Rates(media=media, **rates)


def _charge(plain: Rate | None, total: int, parts: Parts, charges: Charges) -> bool:
    """Charge the parts at their rates and what they leave of the total at the plain rate.

    False where tokens are left and there is no plain rate.
    """
    for _, quantity in parts:
        total -= quantity
    if total > 0:
        if plain is None:
            return False
        charges.append((plain, total))
    charges += parts
    return True


def _charge_each(rates: Rates, searches: int | None, requests: int, images: int | None, charges: Charges) -> bool:
    """Charge what is not counted in tokens; False where pictures cost something and nobody counted them."""
    if rates.web_search is not None and searches is not None and searches > 0:
        charges.append((rates.web_search, searches))
    if rates.request is not None and requests > 0:
        charges.append((rates.request, requests))
    if rates.prompt_image is not None:
        if images is None:
            return not rates.prompt_image.price
        if images > 0:
            charges.append((rates.prompt_image, images))
    return True
