"""A sync: what is shown is what is applied, and only once somebody said so."""

import io
from collections.abc import AsyncIterator

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import SyncModelsRequest, SyncModelsResponse
from pantheon.catalog.v1.sync_pb2 import CatalogSync, DifferenceKind, FieldDifference, ModelDifference, ProviderListing
from services.cli.calling import Caller
from services.cli.running import CommandFailed
from services.cli.syncs import differences_table, sync
from services.edge.rest.sync_bodies import outcome_body
from tests.unit.cli.answering import Answering, Prepared
from tests.unit.cli.printed import lines

CATALOG = "pantheon.catalog.v1.CatalogService"
DIFFERENCE = SyncModelsResponse(
    listings=[ProviderListing(provider="acme", models=2), ProviderListing(provider="other", fault="it is empty")],
    differences=[
        ModelDifference(
            model_id="acme/sage",
            kind=DifferenceKind.DIFFERENCE_KIND_CHANGED,
            fields=[
                FieldDifference(field="context_window", before="8192", after="128000"),
                FieldDifference(field="supports_tools", after="true"),
            ],
        ),
        ModelDifference(model_id="acme/owl", kind=DifferenceKind.DIFFERENCE_KIND_ADDED),
    ],
    digest="d1",
)
APPLIED = SyncModelsResponse(sync=CatalogSync(id="s1"), listings=DIFFERENCE.listings)
FAULTY = SyncModelsResponse(listings=DIFFERENCE.listings[1:])


@pytest.fixture
async def catalog() -> AsyncIterator[tuple[Answering, Caller]]:
    catalog = Answering(CATALOG, SyncModels=Prepared(SyncModelsRequest, DIFFERENCE, APPLIED))
    async with catalog.serving() as caller:
        yield catalog, caller


def asked(catalog: Answering) -> list[tuple[bool, str]]:
    return [(request.dry_run, request.expected_digest) for request in catalog.asked]


def test_a_difference_is_a_line_a_value() -> None:
    assert lines(differences_table(outcome_body(DIFFERENCE)))[2:] == [
        "acme/sage changed context_window 8192 128000",
        "supports_tools - true",
        "acme/owl added",
    ]


async def test_without_apply_nothing_is(catalog: tuple[Answering, Caller], capsys: pytest.CaptureFixture[str]) -> None:
    assert await sync(catalog[1], ["acme"], apply=False, remove_missing=True, yes=False, as_json=False) == 0
    assert asked(catalog[0]) == [(True, "")]
    assert catalog[0].asked[0].remove_missing
    printed = capsys.readouterr().out
    assert "it is empty" in printed
    assert "1 added, 1 changed" in printed


@pytest.mark.parametrize("typed", ("n\n", "\n", ""))
async def test_whoever_does_not_say_yes_changes_nothing(
    typed: str, catalog: tuple[Answering, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(CommandFailed, match="nothing was changed; --yes goes on without asking"):
        await sync(catalog[1], [], apply=True, remove_missing=False, yes=False, as_json=False)
    assert asked(catalog[0]) == [(True, "")]


@pytest.mark.parametrize("typed", ("y\n", None))
async def test_exactly_what_was_shown_is_applied(
    typed: str | None,
    catalog: tuple[Answering, Caller],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed or ""))
    assert await sync(catalog[1], [], apply=True, remove_missing=False, yes=typed is None, as_json=False) == 0
    assert asked(catalog[0]) == [(True, ""), (False, "d1")]
    told = capsys.readouterr()
    assert "applied as s1" in told.out
    assert ("Apply this: 1 added, 1 changed? [y/N]" in told.err) == (typed is not None)


async def test_it_fails_where_no_list_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    catalog = Answering(CATALOG, SyncModels=Prepared(SyncModelsRequest, FAULTY))
    async with catalog.serving() as caller:
        assert await sync(caller, [], apply=True, remove_missing=False, yes=True, as_json=False) == 1
    assert len(catalog.asked) == 1
    assert "no difference" in capsys.readouterr().out
