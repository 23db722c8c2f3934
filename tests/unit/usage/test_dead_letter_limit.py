from services.usage.dead_letter_limit import DeadLetterLimit


def after(*batches: tuple[int, int]) -> bool:
    limit = DeadLetterLimit(window=100, share=0.05)
    for events, dead in batches:
        limit.count(events, dead)
    return limit.exceeded


def test_few_events_prove_nothing() -> None:
    assert not after()
    assert not after((50, 50), (49, 49))


def test_the_share_counts_once_the_window_is_full() -> None:
    assert not after((100, 5))
    assert after((100, 6))
    assert after((50, 0), (50, 6))
    assert not after((60, 3), (40, 2))


def test_what_is_older_than_the_window_is_forgotten() -> None:
    assert not after((99, 99), *[(50, 0)] * 3)
    assert after((99, 0), *[(50, 0)] * 3, (50, 12))


def test_one_huge_batch_is_looked_at_whole() -> None:
    assert after((1_000, 51))
    assert not after((1_000, 50))
