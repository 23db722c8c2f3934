from datetime import UTC, datetime
from uuid import UUID

import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN, Role
from services.catalog.key_pages import KeyPage
from services.catalog.provider_key_messages import key_message, secrets_messages
from services.catalog.provider_keys import (
    OpenKey,
    ProviderKey,
    SealedKey,
    environment_key_id,
    environment_keys,
    is_visible,
    label,
)
from services.catalog.providers import Circumstances, EnvironmentKey
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.errors import InvalidField, InvalidPageToken
from services.runtime.paging import encode_token

PEPPER = b"pepper"
OURS, THEIRS = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
SECRET = "sk-canary-0123456789abcd"


def found(*secrets: str) -> dict[str, Circumstances]:
    keys = tuple(EnvironmentKey(f"env:{number}", secret) for number, secret in enumerate(secrets, 1))
    return {name: Circumstances("https://x", configured=True, sandbox=False, keys=keys) for name in ("b", "a")}


def caller(role: Role.ValueType) -> Principal:
    return Principal("user", OURS, "project", "", role, ALL_SCOPES)


def key(number: int, provider: str = "a", organisation_id: str = "") -> ProviderKey:
    key_id = f"01900000-0000-7000-8000-{number:012}"
    return ProviderKey(
        id=key_id, provider=provider, organisation_id=organisation_id, create_time=datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_keys_from_the_environment_are_in_the_order_of_providers_and_then_their_own() -> None:
    keys = environment_keys(found("one", "two"), PEPPER)
    assert [(entry.key.provider, entry.secret) for entry in keys] == [
        ("a", "one"),
        ("a", "two"),
        ("b", "one"),
        ("b", "two"),
    ]
    assert len({entry.key.id for entry in keys}) == 4, "the same secret is another key for another provider"


def test_the_id_of_a_key_from_the_environment_depends_on_the_pepper_and_tells_nothing() -> None:
    key_id = environment_key_id("a", SECRET, PEPPER)
    assert UUID(key_id).version == 5
    assert key_id == environment_key_id("a", SECRET, PEPPER)
    assert key_id != environment_key_id("a", SECRET, b"other")
    (entry, _) = environment_keys(found(SECRET), PEPPER)
    assert entry.key.id == key_id
    assert (entry.key.last_four, entry.key.label) == ("abcd", "env:1")


def test_a_secret_is_in_no_representation() -> None:
    for held in (*environment_keys(found(SECRET), PEPPER), SealedKey(key(1), SECRET.encode())):
        assert "canary" not in repr(held)


@pytest.mark.parametrize(
    ("organisation_id", "role", "seen"),
    (
        (OURS, ROLE_ORGANISATION_ADMIN, True),
        (THEIRS, ROLE_ORGANISATION_ADMIN, False),
        ("", ROLE_ORGANISATION_ADMIN, False),
        (OURS, ROLE_PLATFORM_ADMIN, True),
        (THEIRS, ROLE_PLATFORM_ADMIN, False),
        ("", ROLE_PLATFORM_ADMIN, True),
    ),
)
def test_an_organisation_s_keys_are_its_own_business(organisation_id: str, role: Role.ValueType, *, seen: bool) -> None:
    assert is_visible(key(1, organisation_id=organisation_id), caller(role)) is seen


def test_a_label_is_kept_without_space_around_it() -> None:
    assert label("  Ünser Schlüssel ") == "Ünser Schlüssel"
    assert label("") == ""
    for wrong in ("x" * 101, "a\0b", "a\nb"):
        with pytest.raises(InvalidField):
            label(wrong)


def test_secrets_are_given_by_provider_and_organisation_in_their_order() -> None:
    entries = [(key(1, "b"), "3"), (key(2, "a", OURS), "1"), (key(3, "a"), "0"), (key(4, "a", OURS), "2")]
    messages = secrets_messages(OpenKey(*entry) for entry in entries)
    assert [
        (message.provider, message.organisation_id, [one.secret for one in message.secrets]) for message in messages
    ] == [("a", "", ["0"]), ("a", OURS, ["1", "2"]), ("b", "", ["3"])]
    assert messages[0].secrets[0].key_id == key(3).id


def test_a_key_nobody_was_asked_about_has_no_status_and_no_time() -> None:
    message = key_message(key(1), None)
    assert (message.status, message.HasField("status_time"), message.HasField("create_time")) == (0, False, True)


def test_pages_join_keys_of_the_environment_and_of_the_table() -> None:
    given = [entry.key for entry in environment_keys(found("one", "two"), PEPPER)]
    rows = [key(1, "a"), key(2, "a"), key(3, "c")]
    joined, token = list[ProviderKey](), ""
    while True:
        page = KeyPage.asked(2, token, "query")
        provider, key_id = page.after_set
        read = [row for row in rows if (row.provider, row.id) > (provider, key_id)][:3]
        shown, token = page.cut(given, read)
        joined += shown
        if not token:
            break
    assert joined == [*given[:2], *rows[:2], *given[2:], rows[2]]


@pytest.mark.parametrize("place", (("a", "1", "nonsense"), ("a\0", "0", ""), ("a",)))
def test_a_place_that_is_none_is_refused(place: tuple[str, ...]) -> None:
    with pytest.raises(InvalidPageToken):
        KeyPage.asked(1, encode_token("query", *place), "query")
