"""Keys for providers once they are set: who sees them, who hears of them, what is said of them."""

import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN
from pantheon.catalog.v1.catalog_service_pb2 import (
    ListProviderKeysRequest,
    ListSecretsRequest,
    ReportProviderKeyRequest,
)
from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_SOURCE_API,
    PROVIDER_KEY_STATUS_INVALID,
    PROVIDER_KEY_STATUS_RATE_LIMITED,
    PROVIDER_KEY_STATUS_UNSPECIFIED,
    PROVIDER_KEY_STATUS_VALID,
    ProviderKey,
)
from services.runtime.ids import uuid7
from services.runtime.paging import encode_token
from tests.fixtures.refusals import refusal
from tests.integration.catalog.judge import BAD, ENVIRONMENT_KEY, GOOD, JUDGED, Judge
from tests.integration.catalog.key_calls import (
    check,
    configured,
    create,
    delete,
    environment_key,
    listed,
    report,
    secrets,
)
from tests.integration.catalog.replica import Catalog, Metadata, StartCatalog, as_user, changed


async def test_a_platform_wide_key_configures_the_provider_for_everybody(
    own_asking: Catalog, operator: Metadata
) -> None:
    assert await configured(own_asking) == ["openai"]
    revision = await own_asking.revision()
    key = await create(own_asking, operator, provider="anthropic", platform_wide=True)
    assert key.organisation_id == ""
    assert await configured(own_asking) == ["anthropic", "openai"]
    await delete(own_asking, operator, key.id)
    assert await configured(own_asking) == ["openai"]
    changes = await own_asking.changes_after(revision)
    assert [changed(change) for change in changes] == [
        "provider_changed anthropic",
        "provider_keys_changed anthropic",
    ] * 2
    assert [change.provider_changed.provider.configured for change in changes[::2]] == [True, False]
    assert [change.provider_keys_changed.count for change in changes[1::2]] == [1, 0]


async def test_the_environment_s_keys_come_before_those_that_are_set(
    own_asking: Catalog, start_catalog: StartCatalog, operator: Metadata, judge: Judge
) -> None:
    revision = await own_asking.revision()
    await create(own_asking, operator, "second-canary", platform_wide=True)
    await create(own_asking, operator, "a-third-canary", platform_wide=True)
    assert (await secrets(own_asking))["openai", ""] == [ENVIRONMENT_KEY, "second-canary", "a-third-canary"]
    changes = await own_asking.changes_after(revision)
    assert [changed(change) for change in changes] == ["provider_keys_changed openai"] * 2
    assert [change.provider_keys_changed.count for change in changes] == [2, 3]
    # Taken out of the environment, they still configure the provider.
    revision = await own_asking.revision()
    again = await start_catalog(JUDGED, environment=judge.environment)
    assert await configured(again) == ["openai"]
    (change,) = await again.changes_after(revision)
    assert (changed(change), change.provider_keys_changed.count) == ("provider_keys_changed openai", 2)


async def test_an_organisation_s_keys_configure_nothing_for_others(
    asking: Catalog, admin: Metadata, organisation: str
) -> None:
    revision = await asking.revision()
    key = await create(asking, admin, provider="anthropic")
    assert await configured(asking) == ["openai"]
    (change,) = await asking.changes_after(revision)
    event = change.provider_keys_changed
    assert (event.provider, event.organisation_id, event.count) == ("anthropic", organisation, 1)
    await delete(asking, admin, key.id)
    assert (await asking.changes_after(revision))[1].provider_keys_changed.count == 0
    assert ("anthropic", organisation) not in await secrets(asking)
    assert await listed(asking, admin) == []


async def test_a_snapshot_counts_the_keys_of_each_provider_and_organisation(
    own_asking: Catalog, admin: Metadata, operator: Metadata, organisation: str
) -> None:
    await create(own_asking, operator, platform_wide=True)
    await create(own_asking, admin, "one-canary", "anthropic")
    await create(own_asking, admin, "two-canary", "anthropic")
    state = await own_asking.state()
    counts = {name: change.provider_keys_changed.count for name, change in state.items() if "keys_changed" in name}
    assert counts == {"provider_keys_changed openai": 2, f"provider_keys_changed anthropic {organisation}": 2}


async def test_organisations_see_and_touch_their_own_keys_only(
    own_asking: Catalog, admin: Metadata, operator: Metadata
) -> None:
    key = await create(own_asking, admin)
    platform = await create(own_asking, operator, platform_wide=True)
    given = await environment_key(own_asking, operator)
    stranger = as_user(organisation=str(uuid7()), role=ROLE_ORGANISATION_ADMIN)
    for metadata, hidden in (
        (stranger, (key, platform, given)),
        (admin, (platform, given)),
        (operator, (key,)),
    ):
        assert not {seen.id for seen in await listed(own_asking, metadata)} & {unseen.id for unseen in hidden}
        for unseen in hidden:
            for call in (check, delete):
                error = await refusal(call(own_asking, metadata, unseen.id))
                assert (error.reason, error.metadata) == (
                    "RESOURCE_NOT_FOUND",
                    {"resource": "provider_key", "id": unseen.id},
                )
    assert await listed(own_asking, admin) == [key]


async def test_routers_alone_report_and_nobody_of_them_sets(asking: Catalog, operator: Metadata) -> None:
    request = ReportProviderKeyRequest(key_id=str(uuid7()), status=PROVIDER_KEY_STATUS_VALID)
    error = await refusal(asking.stub.ReportProviderKey(request, metadata=operator))
    assert error.reason == "ACCESS_DENIED"
    error = await refusal(asking.internal.ListProviderKeys(ListProviderKeysRequest()))
    assert error.reason == "CREDENTIALS_MISSING"


async def test_a_key_from_the_environment_is_listed_checked_and_not_removed(
    own_asking: Catalog, operator: Metadata
) -> None:
    key = await environment_key(own_asking, operator)
    assert (key.provider, key.organisation_id, key.label, key.last_four) == ("openai", "", "", "1234")
    assert (key.status, key.HasField("status_time"), key.HasField("create_time")) == (0, False, False)
    checked = await check(own_asking, operator, key.id)
    assert checked.status == PROVIDER_KEY_STATUS_VALID
    assert await environment_key(own_asking, operator) == checked
    error = await refusal(delete(own_asking, operator, key.id))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "id")
    assert "OPENAI_API_KEY" in error.message


async def test_a_check_says_what_the_provider_says_now(asking: Catalog, admin: Metadata, judge: Judge) -> None:
    key = await create(asking, admin, "sk-fickle-canary")
    for answer, status in (
        (401, PROVIDER_KEY_STATUS_INVALID),
        (429, PROVIDER_KEY_STATUS_RATE_LIMITED),
        (500, PROVIDER_KEY_STATUS_UNSPECIFIED),
        (200, PROVIDER_KEY_STATUS_VALID),
    ):
        judge.answers["sk-fickle-canary"] = (answer, b"{}")
        checked = await check(asking, admin, key.id)
        assert checked.status == status
        assert await listed(asking, admin) == [checked]


async def test_what_routers_report_is_written_once_a_change(
    asking: Catalog, admin: Metadata, operator: Metadata
) -> None:
    given = await environment_key(asking, operator)
    key = await create(asking, admin)
    revision = await asking.revision()
    for key_id, metadata in ((key.id, admin), (given.id, operator)):
        seen = set[tuple[int, int, int]]()
        for status in (PROVIDER_KEY_STATUS_INVALID, PROVIDER_KEY_STATUS_RATE_LIMITED, PROVIDER_KEY_STATUS_VALID):
            for _ in range(3):
                await report(asking, key_id, status)
                (shown,) = (shown for shown in await listed(asking, metadata) if shown.id == key_id)
                assert shown.status == status
                seen.add((shown.status, shown.status_time.seconds, shown.status_time.nanos))
        assert len(seen) == 3
    assert await asking.revision() == revision


async def test_reports_of_keys_that_are_not_there_or_of_nothing_are_refused(asking: Catalog, admin: Metadata) -> None:
    key = await create(asking, admin)
    await delete(asking, admin, key.id)
    for key_id in (key.id, str(uuid7()), "nonsense", ""):
        error = await refusal(report(asking, key_id, PROVIDER_KEY_STATUS_VALID))
        assert (error.reason, error.metadata["id"]) == ("RESOURCE_NOT_FOUND", key_id)
    for status in (PROVIDER_KEY_STATUS_UNSPECIFIED, 4):
        error = await refusal(report(asking, key.id, status))
        assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "status")


@pytest.mark.parametrize(
    "key_id", ("", "nonsense", "01900000-0000-7000-8000-000000000000", "\N{ARABIC-INDIC DIGIT ZERO}" * 32)
)
async def test_a_key_that_is_not_there_is_not_found(asking: Catalog, admin: Metadata, key_id: str) -> None:
    for call in (check, delete):
        error = await refusal(call(asking, admin, key_id))
        assert (error.reason, error.metadata) == ("RESOURCE_NOT_FOUND", {"resource": "provider_key", "id": key_id})


async def test_keys_are_listed_by_provider_the_environment_s_first_in_pages_of_any_size(
    start_catalog: StartCatalog, judge: Judge, operator: Metadata
) -> None:
    environment = {**judge.environment, "OPENAI_API_KEY": "one-canary,two-canary", "GEMINI_API_KEY": "three-canary"}
    catalog = await start_catalog(JUDGED, environment=environment)
    made = [
        await create(catalog, operator, f"{number}-canary", provider, platform_wide=wide)
        for number, (provider, wide) in enumerate(
            (("openai", True), ("anthropic", False), ("openai", False), ("openrouter", True))
        )
    ]
    whole = await listed(catalog, operator)
    assert [key.provider for key in whole] == ["anthropic", "gemini", *["openai"] * 4, "openrouter"]
    assert [key.id for key in whole if key.source == PROVIDER_KEY_SOURCE_API] == [
        made[place].id for place in (1, 0, 2, 3)
    ]
    assert [key.label for key in whole[2:4]] == ["env:1", "env:2"]
    for size in range(1, len(whole) + 1):
        joined, token = list[ProviderKey](), ""
        while True:
            request = ListProviderKeysRequest(page_size=size, page_token=token)
            answer = await catalog.stub.ListProviderKeys(request, metadata=operator)
            joined += answer.provider_keys
            token = answer.next_page_token
            if not token:
                break
        assert joined == whole
    assert await listed(catalog, operator, provider="openai") == whole[2:6]
    assert await listed(catalog, operator, provider="acme") == []


async def test_a_page_token_of_another_query_or_of_nonsense_is_refused(asking: Catalog, organisation: str) -> None:
    admin = as_user(organisation=organisation, role=ROLE_ORGANISATION_ADMIN)
    for place in ("a", "b"):
        await create(asking, admin, f"{place}-canary")
    request = ListProviderKeysRequest(page_size=1)
    token = (await asking.stub.ListProviderKeys(request, metadata=admin)).next_page_token
    query = (organisation, False, "")
    forged = [encode_token(query, *last) for last in (("openai", "1", "x"), ("\0", "0", ""), ("openai",))]
    for wrong in (*forged, "bm9uc2Vuc2U"):
        assert (await refusal(listed(asking, admin, page_token=wrong))).reason == "INVALID_PAGE_TOKEN"
    error = await refusal(listed(asking, admin, page_token=token, provider="openai"))
    assert error.reason == "INVALID_PAGE_TOKEN"
    assert (await refusal(listed(asking, admin, page_size=-1))).metadata["field"] == "page_size"


async def test_too_many_custom_models_are_not_asked_for_at_once(asking: Catalog) -> None:
    error = await refusal(asking.internal.ListSecrets(ListSecretsRequest(custom_model_ids=["x"] * 1_001)))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "custom_model_ids")
    answer = await asking.internal.ListSecrets(
        ListSecretsRequest(custom_model_ids=["x", "\N{ARABIC-INDIC DIGIT ZERO}" * 32, str(uuid7())])
    )
    assert not answer.custom_model_secrets


async def test_with_a_sandbox_keys_are_set_for_what_it_simulates(
    start_catalog: StartCatalog, judge: Judge, admin: Metadata, organisation: str
) -> None:
    catalog = await start_catalog(JUDGED, environment={}, sandbox_url=f"http://127.0.0.1:{judge.port}")
    await create(catalog, admin)
    assert judge.asked[-1].url.path == "/openai/v1/models"
    assert (await refusal(create(catalog, admin, BAD))).reason == "PROVIDER_AUTHENTICATION"
    asked = len(judge.asked)
    key = await create(catalog, admin, provider="unasked")
    assert (key.status, len(judge.asked)) == (PROVIDER_KEY_STATUS_UNSPECIFIED, asked)
    assert (await secrets(catalog))["openai", ""] == ["sandbox"]
    assert (await secrets(catalog))["openai", organisation] == [GOOD]
