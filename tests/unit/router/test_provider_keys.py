"""Whose turn a key has, and what becomes of what providers say of it."""

import asyncio

import pytest

from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_STATUS_INVALID,
    PROVIDER_KEY_STATUS_RATE_LIMITED,
    PROVIDER_KEY_STATUS_VALID,
    ProviderSecret,
    ProviderSecrets,
)
from services.router.catalog import Key
from services.router.provider_keys import ProviderKeys, Status
from services.runtime.errors import ProviderAuthentication, ProviderFailed, ProviderPermission, ProviderRateLimited

VALID, INVALID, LIMITED = PROVIDER_KEY_STATUS_VALID, PROVIDER_KEY_STATUS_INVALID, PROVIDER_KEY_STATUS_RATE_LIMITED
OWNER, OTHER = "organisation-1", "organisation-2"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def secrets(provider: str, *keys: str, organisation: str = "") -> ProviderSecrets:
    entries = [ProviderSecret(key_id=f"id-{key}", secret=key) for key in keys]
    return ProviderSecrets(provider=provider, organisation_id=organisation, secrets=entries)


def keys_of(*entries: ProviderSecrets, clock: Clock | None = None) -> ProviderKeys:
    keys = ProviderKeys(clock or Clock())
    keys.put(entries)
    return keys


def shown(keys: ProviderKeys, provider: str = "openai", organisation: str = OWNER) -> str:
    return "".join(key.secret for key in keys.in_turn(provider, organisation))


def key(secret: str) -> Key:
    return Key(secret, f"id-{secret}")


async def news(keys: ProviderKeys) -> dict[str, Status]:
    async with asyncio.timeout(5):
        return dict(await keys.news())


async def none(keys: ProviderKeys) -> bool:
    """Whether there is no news."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await keys.news()
    return True


def test_keys_are_taken_in_turn() -> None:
    keys = keys_of(secrets("openai", "a", "b", "c"), secrets("openrouter", "d"))
    assert [shown(keys) for _ in range(4)] == ["abc", "bca", "cab", "abc"]
    assert [shown(keys, "openrouter") for _ in range(2)] == ["d", "d"]
    assert shown(keys, "nobody") == ""


def test_an_organisation_with_keys_of_its_own_uses_only_those() -> None:
    keys = keys_of(
        secrets("openai", "p", "q"),
        secrets("openai", "o", organisation=OWNER),
        secrets("gemini", "g", organisation=OTHER),
    )
    assert [shown(keys, organisation=OWNER) for _ in range(2)] == ["o", "o"]
    assert [shown(keys, organisation=OTHER) for _ in range(2)] == ["pq", "qp"]
    assert (shown(keys, "gemini", OWNER), shown(keys, "gemini", OTHER)) == ("", "g")


def test_an_organisation_whose_keys_are_gone_uses_the_platform_s() -> None:
    keys = keys_of(secrets("openai", "p"), secrets("openai", organisation=OWNER))
    assert shown(keys) == "p"


def test_keys_are_loaded_once_they_came() -> None:
    keys = ProviderKeys()
    assert not keys.loaded.is_set()
    assert shown(keys) == ""
    keys.put([])
    assert keys.loaded.is_set()


def test_new_keys_take_the_place_of_the_old_ones() -> None:
    keys = keys_of(secrets("openai", "a", "b"))
    shown(keys)
    keys.put([secrets("openai", "c")])
    assert shown(keys) == "c"


def test_a_refused_key_rests_until_the_keys_change_or_a_minute_is_over() -> None:
    clock = Clock()
    keys = keys_of(secrets("openai", "a"), clock=clock)
    keys.hear_error(key("a"), ProviderAuthentication("no", status=401))
    assert keys.is_resting(key("a"))
    assert not keys.is_resting(key("b"))
    clock.now += 60
    assert not keys.is_resting(key("a"))
    keys.hear(key("a"), INVALID)
    assert keys.is_resting(key("a"))
    keys.put([secrets("openai", "a")])
    assert not keys.is_resting(key("a"))


def test_a_key_that_is_taken_after_all_rests_no_longer() -> None:
    keys = keys_of(secrets("openai", "a"))
    keys.hear(key("a"), INVALID)
    keys.hear(key("a"), VALID)
    assert not keys.is_resting(key("a"))


@pytest.mark.parametrize(
    ("error", "status"),
    (
        (ProviderAuthentication("no", status=401), INVALID),
        (ProviderAuthentication("no", status=400), INVALID),
        (ProviderRateLimited("slow down", status=429), LIMITED),
    ),
)
async def test_what_an_error_says_of_a_key_is_news(error: Exception, status: Status) -> None:
    keys = keys_of(secrets("openai", "a"))
    keys.hear_error(key("a"), error)
    assert await news(keys) == {"id-a": status}


@pytest.mark.parametrize(
    "error",
    (
        ProviderAuthentication("pay first", status=402),
        ProviderPermission("not this model", status=403),
        ProviderFailed("oops", status=500),
        TimeoutError(),
    ),
)
async def test_what_is_about_one_request_says_nothing_of_the_key(error: Exception) -> None:
    keys = keys_of(secrets("openai", "a"))
    keys.hear_error(key("a"), error)
    assert not keys.is_resting(key("a"))
    assert await none(keys)


async def test_only_what_changes_is_news() -> None:
    keys = keys_of(secrets("openai", "a", "b"))
    for _ in range(3):
        keys.hear(key("a"), VALID)
    assert await news(keys) == {"id-a": VALID}
    keys.hear(key("a"), VALID)
    assert await none(keys)
    for status in (LIMITED, VALID, LIMITED):
        keys.hear(key("a"), status)
    keys.hear(key("b"), VALID)
    assert await news(keys) == {"id-a": LIMITED, "id-b": VALID}


async def test_what_a_change_of_keys_has_settled_is_news_when_it_is_said_again() -> None:
    keys = keys_of(secrets("openai", "a", "b"))
    keys.hear(key("a"), INVALID)
    keys.hear(key("b"), VALID)
    await news(keys)
    keys.put([secrets("openai", "a", "b")])
    keys.hear(key("a"), INVALID)
    keys.hear(key("b"), VALID)
    assert await news(keys) == {"id-a": INVALID}


async def test_what_could_not_be_passed_on_is_news_again_unless_there_is_newer() -> None:
    keys = keys_of(secrets("openai", "a", "b"))
    keys.hear(key("a"), INVALID)
    keys.hear(key("b"), INVALID)
    told = await news(keys)
    keys.hear(key("b"), VALID)
    for key_id, status in told.items():
        keys.remind(key_id, status)
    assert await news(keys) == {"id-a": INVALID, "id-b": VALID}


async def test_a_custom_model_s_own_key_is_no_business_of_the_catalog_s() -> None:
    keys = keys_of(secrets("openai", "a"))
    keys.hear(Key("own", origin="https://models.example.org:443"), INVALID)
    assert await none(keys)


def test_a_secret_does_not_show() -> None:
    assert "hunter2" not in repr(Key("hunter2", "id"))
