from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.router.relay.deliveries import Deliveries, Delivery, Due
from services.router.relay.ranges import Ranges

pairs = st.tuples(st.integers(1, 30), st.integers(1, 30)).map(lambda pair: (min(pair), max(pair)))


def acknowledged(*messages: tuple[int, int, int], watermark: int = 0) -> Deliveries:
    """Deliveries of which each (first, last, sequence) was sent and acknowledged in this order."""
    deliveries = Deliveries(watermark)
    deliveries.offer(max(last for _, last, _ in messages))
    for first, last, sequence in messages:
        deliveries.sent(first, last)
        deliveries.acknowledge(first, last, sequence)
    return deliveries


def numbers(deliveries: list[Delivery]) -> list[tuple[int, int]]:
    return [(delivery.first, delivery.last) for delivery in deliveries]


@given(st.lists(st.tuples(st.booleans(), pairs)))
def test_ranges_are_a_set_of_numbers(operations: list[tuple[bool, tuple[int, int]]]) -> None:
    ranges, expected = Ranges(), set[int]()
    for is_added, (first, last) in operations:
        if is_added:
            ranges.add(first, last)
            expected |= set(range(first, last + 1))
        else:
            ranges.remove(first, last)
            expected -= set(range(first, last + 1))
        held = list(ranges)
        assert {number for low, high in held for number in range(low, high + 1)} == expected
        assert all(high + 1 < low for (_, high), (low, _) in pairwise(held))


def test_what_is_durable_is_due_once() -> None:
    deliveries = Deliveries(10)
    assert deliveries.due() is None
    deliveries.offer(15)
    assert deliveries.due() == Due(11, 15, repeated=False)
    deliveries.sent(11, 13)
    assert deliveries.due() == Due(14, 15, repeated=False)
    deliveries.sent(14, 15)
    assert deliveries.due() is None
    assert deliveries.in_flight == 2


def test_what_was_not_acknowledged_is_due_again_together_with_what_came_meanwhile() -> None:
    deliveries = Deliveries(0)
    deliveries.offer(5)
    deliveries.sent(1, 5)
    deliveries.offer(9)
    deliveries.fail(Due(1, 5, repeated=False))
    assert deliveries.due() == Due(1, 9, repeated=False)
    assert deliveries.in_flight == 0


def test_a_failed_message_that_is_confirmed_is_not_sent_again() -> None:
    deliveries = Deliveries(0)
    deliveries.offer(5)
    deliveries.sent(1, 5)
    deliveries.confirm(3)
    deliveries.fail(Due(1, 5, repeated=False))
    assert deliveries.due() == Due(4, 5, repeated=False)


def test_what_is_confirmed_needs_nothing_more() -> None:
    deliveries = acknowledged((1, 5, 1), (6, 9, 2))
    deliveries.offer(20)
    deliveries.confirm(12)
    assert deliveries.acknowledged == ()
    assert deliveries.due() == Due(13, 20, repeated=False)
    deliveries.confirm(3)
    assert deliveries.watermark == 12


def test_what_is_lost_is_due_as_a_repetition() -> None:
    deliveries = acknowledged((1, 5, 1), (6, 9, 2))
    deliveries.confirm(2)
    assert deliveries.repeat(deliveries.acknowledged) == 7
    assert deliveries.acknowledged == ()
    assert deliveries.due() == Due(3, 9, repeated=True)
    deliveries.sent(3, 9)
    deliveries.fail(Due(3, 9, repeated=True))
    assert deliveries.due() == Due(3, 9, repeated=True)


def test_lost_and_new_records_go_in_order() -> None:
    deliveries = acknowledged((1, 5, 1))
    deliveries.repeat(deliveries.acknowledged)
    deliveries.offer(9)
    assert deliveries.due() == Due(1, 5, repeated=True)
    deliveries.sent(1, 5)
    assert deliveries.due() == Due(6, 9, repeated=False)


def test_a_stream_that_ends_before_a_message_has_forgotten_it() -> None:
    deliveries = acknowledged((1, 5, 100), (6, 9, 101), (10, 12, 102))
    assert numbers(deliveries.vanished(deliveries.acknowledged, 100)) == [(6, 9), (10, 12)]


def test_a_consumer_that_lags_has_passed_over_nothing() -> None:
    deliveries = acknowledged((1, 5, 100), (6, 9, 101))
    assert deliveries.passed_over(deliveries.acknowledged, 99, 512) == []


def test_what_the_consumer_has_passed_while_the_ledger_lacks_it_is_found() -> None:
    deliveries = acknowledged((1, 5, 100), (6, 9, 101), (10, 12, 102))
    deliveries.confirm(5)
    assert numbers(deliveries.passed_over(deliveries.acknowledged, 101, 512)) == [(6, 9)]


def test_what_lies_behind_an_unacknowledged_record_may_be_in_the_ledger() -> None:
    # 1 to 5 were lost on the way and are sent last: the watermark waits for them, though 6 to 9 are committed.
    deliveries = acknowledged((6, 9, 100))
    assert deliveries.passed_over(deliveries.acknowledged, 100, 512) == []
    deliveries.acknowledge(1, 5, 101)
    assert deliveries.passed_over(deliveries.acknowledged, 100, 512) == []
    assert numbers(deliveries.passed_over(deliveries.acknowledged, 101, 512)) == [(1, 5), (6, 9)]


def test_a_gap_is_filled_a_message_at_a_time() -> None:
    deliveries = acknowledged(*((first, first + 99, first) for first in range(1, 1000, 100)))
    assert len(deliveries.passed_over(deliveries.acknowledged, 10_000, 300)) == 3


def test_a_long_backlog_is_remembered_in_few_pieces() -> None:
    deliveries = acknowledged(*((number, number, number) for number in range(1, 10_001)))
    assert len(deliveries.acknowledged) < 5000
    assert deliveries.passed_over(deliveries.acknowledged, 50, 512) == []
    assert deliveries.vanished(deliveries.acknowledged, 10_000) == []
    assert deliveries.repeat(deliveries.acknowledged) == 10_000
