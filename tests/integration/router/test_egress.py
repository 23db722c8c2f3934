"""Nobody reaches a forbidden address by a model of their own: every spelling, every door, three ways to get there.

The listeners' silence is the proof; so is that nothing was asked of the kernel, which asyncio's own event loop tells.
The transports below are tried by themselves in tests/integration/runtime/test_egress.py, that of webhooks with them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from cryptography import x509

from pantheon.usage.v1.ledger_pb2 import OUTCOME_FAILED, OUTCOME_SUCCEEDED
from services.router.upstream.names import Address
from tests.fixtures.eventually import eventually
from tests.fixtures.forbidden_hosts import FORBIDDEN_HOSTS
from tests.integration.router.egress_doors import BACK_DOORS, DOORS, doors_for, pointing, told_of
from tests.integration.router.failing import Failed
from tests.integration.router.guarded_ground import KEPT, NO_MEMORY, Guarded, guarded
from tests.integration.router.upstream.conftest import Authority, make_authority
from tests.integration.runtime.egress_ground import NAME, NOBODY_HOST, OPEN_FAMILY, meaning, spellings_proven

Record = Callable[[str, object], None]

REDIRECTS = (301, 302, 303, 307, 308)
SAMPLE = FORBIDDEN_HOSTS[::12]
EXPECTED = ("PANTHEON_EGRESS_ALLOW", "expected https://, a name or an address as 192.0.2.1 or [2001:db8::1]")
"""One of these is in every refusal: what opens more, or how an address is spelled."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("egress"), [x509.DNSName(NAME), x509.DNSName(KEPT)])


@pytest.fixture(scope="module")
async def one_guarded(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path_factory.mktemp("guarded"), authority, NO_MEMORY) as running:
        yield running


@pytest.fixture
def on(one_guarded: Guarded) -> Guarded:
    """A router that looks up a name for each connection."""
    return one_guarded.afresh()


def assert_clear(told: Failed | None, host: str) -> None:
    """A refusal names the field, the host as it was given (user and password aside) and what is expected instead."""
    assert told is not None, host
    assert (told.status, told.reason) in {(400, "INVALID_FIELD"), ("INVALID_ARGUMENT", "INVALID_FIELD")}
    assert told.message.startswith("api_endpoint: 'https://")
    assert repr(host.rpartition("@")[2])[1:-1] in told.message
    assert any(expected in told.message for expected in EXPECTED)
    assert "user:secret" not in told.message


async def test_who_is_trusted_would_be_heard(on: Guarded) -> None:
    model = pointing("", "hosted")
    model.provider, model.provider_hosted = "misled", True
    on.router.snapshot.apply(told_of(model))
    told, reached = await asyncio.gather(DOORS["Complete"](on.router, model), eventually(on.ground.reached))
    assert [address[0] for address in reached] == ["127.0.0.1"]
    assert told is not None
    assert told.reason == "PROVIDER_BROKEN"


@pytest.mark.proof
async def test_a_forbidden_host_is_not_connected_to(on: Guarded, record_property: Record) -> None:
    attempts = 0
    for number, host in enumerate(FORBIDDEN_HOSTS):
        model = pointing(on.url_of(host))
        on.router.snapshot.apply(told_of(model))
        for door in doors_for(number):
            assert_clear(await door(on.router, model), host)
            attempts += 1
    on.assert_silence()
    assert on.tried == set()
    assert await booked(on) == {"not dispatched": attempts}
    spellings_proven(record_property, f"directly, by {len(DOORS)} doors of the router", attempts)


@pytest.mark.proof
async def test_a_redirect_to_it_is_an_error_and_not_followed(on: Guarded, record_property: Record) -> None:
    before, attempts, statuses = on.connections, 0, Counter[int]()
    for number, host in enumerate(FORBIDDEN_HOSTS):
        status = REDIRECTS[number % len(REDIRECTS)]
        model = pointing(on.url_of(KEPT, f"/to/{status}/{on.url_of(host).encode().hex()}"))
        on.router.snapshot.apply(told_of(model))
        for door in doors_for(number):
            told = await door(on.router, model)
            assert told is not None
            assert (told.status, told.message) in {
                (refusal, f"The provider answered {status}") for refusal in (502, "INTERNAL", "OK")
            }
            attempts += 1
            statuses[status] += 1
    on.assert_silence()
    assert on.connections - before <= 1, "it is kept"
    assert await booked(on) == {f"failed with {status}": count for status, count in statuses.items()}
    spellings_proven(record_property, f"by redirect, by {len(DOORS)} doors of the router", attempts)


@pytest.mark.proof
async def test_a_name_that_changes_its_answer_is_judged_each_time(on: Guarded, record_property: Record) -> None:
    before, attempts, answered = on.connections, 0, 0
    nobody = Address(OPEN_FAMILY, (NOBODY_HOST, on.ground.port))
    model = pointing(on.url_of(NAME))
    on.router.snapshot.apply(told_of(model))
    for number, host in enumerate(FORBIDDEN_HOSTS):
        first, *others = doors_for(number)
        answers = number % 4 == 0
        on.resolver.tell([on.permitted if answers else nobody], meaning(host, on.ground.port))
        assert (await first(on.router, model) is None) is answers
        answered += answers
        for door in (first, *others):
            assert_told_nothing(await door(on.router, model), on)
            attempts += 1
        assert on.resolver.asked == 2 + len(others), "no answer is taken for the next one"
    on.assert_silence()
    assert on.connections - before == answered
    assert await booked(on) == {
        "answered": answered,
        "not dispatched": len(FORBIDDEN_HOSTS) - answered + attempts,
    }
    spellings_proven(
        record_property, f"by a name that changes its answer, by {len(DOORS)} doors of the router", attempts
    )


def assert_told_nothing(told: Failed | None, on: Guarded) -> None:
    """A refusal is the same wherever the name leads."""
    assert_clear(told, NAME)
    assert told is not None
    allowed = "expected a host with a public address; others need an entry by the operator in PANTHEON_EGRESS_ALLOW"
    assert told.message == f"api_endpoint: '{on.url_of(NAME)}/chat/completions' is not allowed; {allowed}"


@pytest.mark.parametrize("name", BACK_DOORS)
async def test_other_doors_lead_nowhere_else(on: Guarded, name: str) -> None:
    door = BACK_DOORS[name]
    for host in SAMPLE:
        model = pointing(on.url_of(host))
        on.router.snapshot.apply(told_of(model))
        assert_clear(await door(on.router, model), host)
        redirected = pointing(on.url_of(KEPT, f"/to/307/{on.url_of(host).encode().hex()}"))
        on.router.snapshot.apply(told_of(redirected))
        told = await door(on.router, redirected)
        assert told is not None
        assert told.message == "The provider answered 307"
    on.assert_silence()
    assert await booked(on) == {"not dispatched": len(SAMPLE), "failed with 307": len(SAMPLE)}


async def test_what_is_remembered_of_a_name_was_permitted_and_is_judged_again(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with guarded(tmp_path_factory.mktemp("remembering"), authority) as on:
        model = pointing(on.url_of(NAME))
        on.router.snapshot.apply(told_of(model))
        nobody = [Address(OPEN_FAMILY, (NOBODY_HOST, on.ground.port))]
        for host in SAMPLE:
            forbidden = meaning(host, on.ground.port)
            on.resolver.tell(*(nobody, forbidden) * 3)
            for door, reason in zip(DOORS.values(), ("PROVIDER_BROKEN", "INVALID_FIELD") * 3, strict=True):
                told = await door(on.router, model)
                assert told is not None
                assert told.reason in (reason, "REFUSAL")
        on.assert_silence()
        on.resolver.tell([on.permitted], meaning("127.0.0.1", on.ground.port))
        for door in DOORS.values():
            assert await door(on.router, model) is None
        assert on.resolver.asked == 1, "remembered for half a minute"
        on.assert_silence()
        assert on.connections == len(DOORS)


async def test_a_kept_connection_stays_where_it_was_permitted(on: Guarded) -> None:
    before = on.connections
    model = pointing(on.url_of(KEPT, "/kept/v1"))
    on.router.snapshot.apply(told_of(model))
    on.resolver.tell([on.permitted], meaning("127.0.0.1", on.ground.port))
    for _ in range(3):
        for door in DOORS.values():
            assert await door(on.router, model) is None
    assert on.connections - before <= 1, "it is kept"
    on.assert_silence()


async def booked(on: Guarded) -> Counter[str]:
    """What became of the attempts, by their FINISHes; what was not dispatched leaves no row in the ledger."""
    found = Counter[str]()
    for finished in await on.router.finished():
        if finished.not_dispatched:
            found["not dispatched"] += 1
        elif finished.outcome == OUTCOME_FAILED:
            found[f"failed with {finished.http_status}"] += 1
        else:
            assert finished.outcome == OUTCOME_SUCCEEDED
            found["answered"] += 1
    return found
