"""Which call a piece of a stream belongs to."""

import pytest

from services.router.api.numbering import CallNumbers

Piece = tuple[int | None, str, bool]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    (
        pytest.param([(0, "a", True), (0, "", False), (1, "b", True), (0, "", False)], [0, 0, 1, 0], id="by index"),
        pytest.param([(None, "a", True), (None, "", False), (None, "b", True)], [0, 0, 1], id="by id"),
        pytest.param([(0, "a", True), (0, "b", True), (0, "b", True)], [0, 1, 1], id="by id, with one index for all"),
        pytest.param([(None, "", True), (None, "", False), (None, "", True)], [0, 0, 1], id="by name"),
        pytest.param([(0, "", True), (0, "a", True), (0, "b", True)], [0, 0, 1], id="by an id that comes late"),
        pytest.param([(0, "a", True), (0, "b", False)], [0, 0], id="a piece without a name begins none"),
    ),
)
@pytest.mark.parametrize("as_given", (False, True))
def test_pieces_of_a_call_have_its_number(pieces: list[Piece], expected: list[int], *, as_given: bool) -> None:
    numbers = CallNumbers(as_given=as_given)
    assert [numbers.number(index, call_id, named=named) for index, call_id, named in pieces] == expected


@pytest.mark.parametrize(("as_given", "expected"), ((False, [0, 1, 2]), (True, [3, 1, 4])))
def test_an_index_that_is_free_may_be_kept(expected: list[int], *, as_given: bool) -> None:
    numbers = CallNumbers(as_given=as_given)
    pieces = ((3, "a"), (1, "b"), (3, "c"))
    assert [numbers.number(index, call_id, named=True) for index, call_id in pieces] == expected
