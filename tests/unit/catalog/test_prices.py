from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.prices import appended
from services.rating import SINCE_EVER, PriceUnit, PriceVersion, UnitPrice, price_at

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAYS = [SINCE_EVER + timedelta(days=day) for day in (0, 10, 20, 30, 40)]


def version(name: str, effective: datetime, prompt: str, recorded: datetime = NOW - timedelta(days=9)) -> PriceVersion:
    unit_price = UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(prompt), 1_000_000)
    return PriceVersion(name, effective, recorded, (unit_price,), "samples")


def schedules() -> st.SearchStrategy[list[PriceVersion]]:
    """At most one version a moment, as a seed has them; the same figures have the same id."""

    def dated(by_day: dict[datetime, str]) -> list[PriceVersion]:
        return [version(f"{price} from {day}", day, price) for day, price in sorted(by_day.items())]

    return st.dictionaries(st.sampled_from(DAYS), st.sampled_from(["1", "2", "3"])).map(dated)


def charged(versions: Sequence[PriceVersion], when: datetime) -> frozenset[UnitPrice]:
    held = price_at(versions, when)
    return frozenset(held.unit_prices) if held else frozenset()


def add(known: Sequence[PriceVersion], wanted: Sequence[PriceVersion], now: datetime = NOW) -> list[PriceVersion]:
    numbers = count(len(known))
    return appended(known, wanted, now, lambda: f"new {next(numbers)}")


def test_the_prices_of_a_new_endpoint_are_taken_as_they_are() -> None:
    wanted = [version("a", DAYS[0], "1"), version("b", DAYS[1], "2")]
    assert add([], wanted) == wanted


def test_a_new_price_is_appended_and_recorded_now() -> None:
    known, newer = version("a", DAYS[0], "1"), version("b", DAYS[1], "2")
    (added,) = add([known], [known, newer])
    assert (added.id, added.effective, added.recorded, added.unit_prices) == ("b", DAYS[1], NOW, newer.unit_prices)


def test_a_corrected_price_holds_from_the_same_moment_as_the_wrong_one() -> None:
    wrong, right = version("wrong", DAYS[0], "10"), version("right", DAYS[0], "1")
    (added,) = add([wrong], [right])
    assert (added.id, added.effective, added.unit_prices) == ("right", DAYS[0], right.unit_prices)
    assert price_at([wrong, added], DAYS[3]) == added


def test_a_correction_that_is_taken_back_gets_an_id_of_its_own() -> None:
    first, second = version("first", DAYS[0], "1"), version("second", DAYS[0], "2")
    known = [first, *add([first], [second])]
    (back,) = add(known, [first], NOW + timedelta(days=1))
    assert back.id not in ("first", "second")
    assert price_at([*known, back], DAYS[0]) == back
    assert back.unit_prices == first.unit_prices


def test_a_price_that_is_withdrawn_gives_way_to_the_one_before() -> None:
    first, withdrawn = version("first", DAYS[0], "1"), version("withdrawn", DAYS[2], "5")
    (added,) = add([first, withdrawn], [first])
    assert (added.effective, added.unit_prices) == (DAYS[2], first.unit_prices)


def test_an_endpoint_that_is_no_longer_priced_becomes_unpriced_not_free() -> None:
    (added,) = add([version("a", DAYS[0], "1")], [])
    assert added.unit_prices == ()


def test_a_correction_wins_even_where_the_clock_was_set_back() -> None:
    wrong = version("wrong", DAYS[0], "10", recorded=NOW + timedelta(hours=1))
    (added,) = add([wrong], [version("right", DAYS[0], "1")])
    assert added.recorded > wrong.recorded


@given(st.lists(schedules(), min_size=1, max_size=5))
def test_after_each_seed_every_moment_has_the_price_of_that_seed(seeds: list[list[PriceVersion]]) -> None:
    known: list[PriceVersion] = []
    for number, wanted in enumerate(seeds):
        now = NOW + timedelta(days=number)
        known += add(known, wanted, now)
        for day in DAYS:
            for moment in (day, day + timedelta(days=5)):
                assert charged(known, moment) == charged(wanted, moment)
        assert add(known, wanted, now) == []
        assert len({entry.id for entry in known}) == len(known)
        assert len({(entry.effective, entry.recorded) for entry in known}) == len(known)


@given(schedules(), schedules())
def test_what_was_known_before_still_says_how_things_were_rated_then(
    first: list[PriceVersion], second: list[PriceVersion]
) -> None:
    known = add([], first)
    for added in add(known, second):
        assert not known or added.recorded >= NOW > max(entry.recorded for entry in known)
