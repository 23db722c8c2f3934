"""From tokens to money.

The rules, which are those of genai-prices (its `decompose` module) and of the bills that providers send:

- The tokens of the prompt include the cached, cache-write and audio ones. A part that has a price of its own is charged
  at it and leaves the plain remainder; a part without one stays in the remainder. So for the completion, with its
  reasoning and audio tokens.
- The prompt tokens of the whole request choose the tier of every unit.
- Providers do not say how many audio tokens came from the cache. None are assumed to, except those for which there
  is no other room: with 100 prompt tokens, 80 of them cached and 50 sound, 30 must be both. They are charged as cached
  audio, or else as cached, or else as audio.
- Parts that exceed the whole (Azure's Grok reports 161 cached of 7 prompt tokens) are charged as reported, for the
  provider did serve them; the plain remainder is 0, never less.
- Unknown is None: prompt or completion tokens not reported; tokens left in a remainder that has no price; images not
  counted where they cost something. Free (price 0) is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.rating.money import EXACT, ONE, ZERO, for_one
from services.rating.prices import PriceVersion
from services.rating.result import Rate, Rating
from services.rating.tokens import Tokens

Charges = list[tuple[Rate, int]]
Parts = Sequence[tuple[Rate, int]]

# Looked up once: this runs for every completion.
_add = EXACT.add
_multiply = EXACT.multiply


@dataclass(frozen=True, slots=True)
class Rates:
    """The rate of each unit at one tier; None where the unit has no price. Fields are named after PriceUnit."""

    prompt_token: Rate | None = None
    cached_token: Rate | None = None
    cache_write_token: Rate | None = None
    prompt_audio_token: Rate | None = None
    cached_audio_token: Rate | None = None
    completion_token: Rate | None = None
    reasoning_token: Rate | None = None
    completion_audio_token: Rate | None = None
    request: Rate | None = None
    prompt_image: Rate | None = None


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
        if not _charge(rates.prompt_token, prompt, _prompt_parts(rates, prompt, tokens), charges):
            return None
        if not _charge(rates.completion_token, completion, _completion_parts(rates, tokens), charges):
            return None
        if not _charge_request(rates, requests, images, charges):
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
    rates = {}
    for entry in version.unit_prices:
        price = entry.at(prompt_tokens)
        if factor != ONE:
            price = _multiply(price, factor)
        rates[entry.unit.name.lower()] = Rate(entry.unit, price, entry.per, for_one(price, entry.per))
    return Rates(**rates)


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


def _charge_request(rates: Rates, requests: int, images: int | None, charges: Charges) -> bool:
    """Charge what is not counted in tokens; False where pictures cost something and nobody counted them."""
    if rates.request is not None and requests > 0:
        charges.append((rates.request, requests))
    if rates.prompt_image is not None:
        if images is None:
            return not rates.prompt_image.price
        if images > 0:
            charges.append((rates.prompt_image, images))
    return True


def _prompt_parts(rates: Rates, prompt: int, tokens: Tokens) -> Parts:
    """What of the prompt has a price of its own."""
    cached, written, audio = tokens.cached_tokens or 0, tokens.cache_write_tokens or 0, tokens.prompt_audio_tokens or 0
    if cached <= 0 and written <= 0 and audio <= 0:
        return ()
    cached_audio = 0
    if cached > 0 and audio > 0:
        cached_audio = min(max(cached + max(written, 0) + audio - prompt, 0), cached, audio)
        if rates.cached_audio_token is not None:
            cached -= cached_audio
            audio -= cached_audio
        elif rates.cached_token is not None:
            audio -= cached_audio
    parts: Charges = []
    if cached > 0 and rates.cached_token is not None:
        parts.append((rates.cached_token, cached))
    if written > 0 and rates.cache_write_token is not None:
        parts.append((rates.cache_write_token, written))
    if audio > 0 and rates.prompt_audio_token is not None:
        parts.append((rates.prompt_audio_token, audio))
    if cached_audio > 0 and rates.cached_audio_token is not None:
        parts.append((rates.cached_audio_token, cached_audio))
    return parts


def _completion_parts(rates: Rates, tokens: Tokens) -> Parts:
    """What of the completion has a price of its own."""
    parts: Charges = []
    if rates.reasoning_token is not None and (reasoning := tokens.reasoning_tokens or 0) > 0:
        parts.append((rates.reasoning_token, reasoning))
    if rates.completion_audio_token is not None and (audio := tokens.completion_audio_tokens or 0) > 0:
        parts.append((rates.completion_audio_token, audio))
    return parts
