from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.router.journal.index import Index

segments = st.sampled_from([Path("a"), Path("b"), Path("c")])
additions = st.lists(st.tuples(st.integers(1, 30), segments, st.integers(0, 1000)))


def filled(added: list[tuple[int, Path, int]]) -> Index:
    index = Index()
    for addition in added:
        index.add(*addition)
    return index


def content(index: Index) -> dict[int, tuple[Path, int]]:
    places = {number: index.find(number) for number in range(40)}
    return {number: (place.path, place.offset) for number, place in places.items() if place is not None}


@given(additions)
def test_the_latest_place_of_a_record_counts(added: list[tuple[int, Path, int]]) -> None:
    assert content(filled(added)) == {number: (path, offset) for number, path, offset in added}


@given(additions)
def test_gaps_are_the_numbers_that_are_not_there(added: list[tuple[int, Path, int]]) -> None:
    index = filled(added)
    missing = {number for first, last in index.gaps(5, 25) for number in range(first, last + 1)}
    assert missing == set(range(5, 26)) - content(index).keys()


@given(additions)
def test_deleted_segments_are_forgotten(added: list[tuple[int, Path, int]]) -> None:
    index = filled(added)
    left = {number: place for number, place in content(index).items() if place[0] != Path("b")}
    index.forget_segments({Path("b")})
    assert content(index) == left


def test_records_of_a_run_lie_in_one_segment_one_behind_the_other() -> None:
    index = filled([(number, Path("a"), 100 * number) for number in range(1, 10)] + [(10, Path("b"), 8)])
    place = index.find(4)
    assert place is not None
    assert (place.offset, place.run_end) == (400, 10)
