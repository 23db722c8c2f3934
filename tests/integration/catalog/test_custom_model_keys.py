"""The keys of custom models: write-only, bound to the origin they were given for, and nowhere to be read."""

import pytest
from sqlalchemy import text

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from services.catalog.custom_model_entities import key_label
from services.catalog.resources import SEALING_PURPOSE
from services.catalog.store import custom_models
from services.runtime.sealing import SealBrokenError, Sealer
from tests.fixtures.refusals import refusal
from tests.integration.catalog.people import Person, described, fresh
from tests.integration.catalog.replica import Catalog, StartCatalog

CANARY = "sk-canary-5b1f0c7e2a9d4863-tail"
OTHER = "sk-canary-77aa66bb55cc44dd33-rest"
OTHER_ORIGIN = "https://9.9.9.10/v1/chat/completions"
SEALER = Sealer([bytes(32)], SEALING_PURPOSE)


async def opened(catalog: Catalog, *ids: str) -> dict[str, tuple[int, str, str]]:
    """By model: the key's version, its origin, the key."""
    async with catalog.db.read() as connection:
        kept = await custom_models.secrets(connection, ids)
    return {
        key.custom_model_id: (key.key_version, key.origin, SEALER.open(key.sealed, key.label).decode()) for key in kept
    }


async def test_a_key_is_kept_for_its_origin_and_only_its_end_is_shown(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(), api_key=CANARY)
    assert (made.has_api_key, made.api_key_last_four, made.key_version) == (True, "tail", 1)
    assert await opened(catalog, made.id) == {made.id: (1, "https://9.9.9.9:443", CANARY)}


async def test_of_a_short_key_nothing_is_shown(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(), api_key="short-key")
    assert (made.has_api_key, made.api_key_last_four) == (True, "")


async def test_every_change_of_a_key_counts(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described())
    only = CustomModel(id=made.id, name="not written")
    versions = []
    for api_key in (None, "", CANARY, None, OTHER, OTHER, "", "", CANARY):
        changed = await ada.update(catalog, only, "api_key", api_key=api_key)
        versions.append((changed.key_version, changed.has_api_key))
        assert changed.name == made.name
    expected = [(0, False), (0, False), (1, True), (1, True), (2, True), (3, True), (4, False), (4, False), (5, True)]
    assert versions == expected
    assert await opened(catalog, made.id) == {made.id: (5, "https://9.9.9.9:443", CANARY)}


async def test_a_key_does_not_follow_to_another_origin(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(), api_key=CANARY)
    moved = CustomModel(id=made.id, api_endpoint=OTHER_ORIGIN)
    error = await refusal(ada.update(catalog, moved, "api_endpoint"))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_key")
    assert await ada.get(catalog, made.id) == made
    changed = await ada.update(catalog, moved, "api_endpoint", api_key=OTHER)
    assert (changed.api_endpoint, changed.key_version) == (OTHER_ORIGIN, 2)
    assert await opened(catalog, made.id) == {made.id: (2, "https://9.9.9.10:443", OTHER)}
    back = await ada.update(
        catalog, CustomModel(id=made.id, api_endpoint=made.api_endpoint), "api_endpoint", api_key=""
    )
    assert (back.has_api_key, back.key_version) == (False, 3)
    assert await opened(catalog, made.id) == {}


async def test_a_key_stays_where_only_the_path_is_another(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(), api_key=CANARY)
    moved = CustomModel(id=made.id, api_endpoint="https://9.9.9.9:443/v2/chat/completions")
    changed = await ada.update(catalog, moved, "api_endpoint")
    assert (changed.base_url, changed.key_version) == ("https://9.9.9.9/v2", 1)
    assert await opened(catalog, made.id) == {made.id: (1, "https://9.9.9.9:443", CANARY)}


async def test_an_administrator_cannot_lead_somebody_s_key_elsewhere(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(project_id=ada.project), api_key=CANARY)
    admin = ada.colleague(ROLE_ORGANISATION_ADMIN)
    moved = CustomModel(id=made.id, api_endpoint=OTHER_ORIGIN)
    assert (await refusal(admin.update(catalog, moved, "api_endpoint"))).metadata["field"] == "api_key"
    whole = described(api_endpoint=OTHER_ORIGIN, id=made.id)
    assert (await refusal(admin.update(catalog, whole))).metadata["field"] == "api_key"
    assert await opened(catalog, made.id) == {made.id: (1, "https://9.9.9.9:443", CANARY)}


async def test_an_envelope_opens_for_no_other_origin_or_model(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(), api_key=CANARY)
    async with catalog.db.read() as connection:
        (key,) = await custom_models.secrets(connection, [made.id])
    for label in (key_label(made.id, "https://9.9.9.10:443"), key_label(fresh(), key.origin)):
        with pytest.raises(SealBrokenError):
            SEALER.open(key.sealed, label)


async def test_secrets_are_of_the_models_asked_for_that_have_one(catalog: Catalog, ada: Person) -> None:
    with_key = await ada.create(catalog, described("a"), api_key=CANARY)
    without = await ada.create(catalog, described("b"))
    removed = await ada.create(catalog, described("c"), api_key=OTHER)
    await ada.delete(catalog, removed.id)
    assert list(await opened(catalog, with_key.id, without.id, removed.id, fresh(), "no id", "\0")) == [with_key.id]


async def test_a_key_put_into_another_envelope_meanwhile_changed_stays(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(), api_key=CANARY)
    async with catalog.db.read() as connection:
        (before,) = await custom_models.secrets(connection, [made.id])
    await ada.update(catalog, CustomModel(id=made.id, name="Mine"), "name", api_key=OTHER)
    async with catalog.db.write() as connection:
        assert not await custom_models.reseal(connection, before, SEALER.seal(CANARY.encode(), before.label))
        (present,) = await custom_models.secrets(connection, [made.id])
        assert await custom_models.reseal(connection, present, SEALER.seal(OTHER.encode(), present.label))
    assert (await opened(catalog, made.id))[made.id][2] == OTHER


@pytest.mark.parametrize("api_key", ("k" * 4_097, "with space", "line\n", "sch\u00fcssel", "nul\0"))
async def test_what_no_header_can_carry_is_refused_and_not_told(catalog: Catalog, ada: Person, api_key: str) -> None:
    made = await ada.create(catalog, described("other"))
    for call in (
        ada.create(catalog, described(), api_key=api_key),
        ada.update(catalog, CustomModel(id=made.id), "context_window", api_key=api_key),
    ):
        error = await refusal(call)
        assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_key")
        assert api_key not in str((error.message, error.metadata))


async def test_a_key_is_in_no_answer_table_event_or_log(
    start_catalog: StartCatalog, ada: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    catalog = await start_catalog()
    seen: list[object] = [await ada.create(catalog, described(), api_key=CANARY, request_id="r-1")]
    seen.append(await refusal(ada.create(catalog, described(), api_key=CANARY, request_id="r-1")))
    seen.append(await refusal(ada.create(catalog, described(name=""), api_key=OTHER)))
    seen.append(await refusal(ada.create(catalog, described("x"), api_key=OTHER + " ")))
    moved = CustomModel(id="custom/my-model", api_endpoint=OTHER_ORIGIN)
    seen.append(await ada.update(catalog, moved, "api_endpoint", api_key=OTHER))
    seen += await ada.list(catalog)
    seen += (await catalog.state()).values()
    async with catalog.db.read() as connection:
        tables = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'catalog'"))
        for table in list(tables):
            rows = await connection.scalars(text(f"SELECT encode(r::text::bytea, 'escape') FROM {table} r"))  # noqa: S608
            seen += rows
        seen += await connection.scalars(text("SELECT encode(change, 'escape') FROM outbox"))
        seen += await connection.scalars(text("SELECT encode(sealed_key, 'escape') FROM custom_models"))
    captured = capfd.readouterr()
    shown = f"{seen} {captured.out} {captured.err}"
    for secret in (CANARY, OTHER):
        for spelled in (secret, secret.encode().hex(), secret[: len(secret) // 2]):
            assert spelled not in shown
    assert "custom/my-model" in shown
    assert OTHER[-4:] in shown
