"""A little fuzzing each time the tests run; `make fuzz` does a million inputs. And that the watch is kept."""

from random import Random

from tests.fuzz.running import run
from tests.fuzz.targets import all_targets


def test_nothing_but_pantheons_errors_comes_out() -> None:
    findings = run(all_targets(), range(6_000), seed=2)
    assert findings.faults == []
    assert findings.inputs == 6_000


def test_the_same_seed_and_number_make_the_same_input() -> None:
    seen: list[float] = []

    def target(dice: Random) -> None:
        seen.append(dice.random())

    run({"any": target}, [7], seed=1)
    run({"any": target}, range(5, 9), seed=1)
    assert seen[0] == seen[3]
    assert len(set(seen)) == 4


def test_a_stray_error_is_found_with_its_place_and_first_input() -> None:
    def target(dice: Random) -> None:
        raise KeyError("x")

    findings = run({"any": target}, range(10, 13), seed=1)
    [fault] = findings.faults
    assert (fault.target, fault.error, fault.first, fault.count) == ("any", "KeyError: 'x'", 10, 3)
    assert fault.place.startswith("tests/fuzz/test_short_run.py:")


def test_an_input_that_takes_too_long_is_interrupted() -> None:
    def target(dice: Random) -> None:
        while True:
            dice.random()

    [fault] = run({"any": target}, [1], seed=1, hang_seconds=0.02).faults
    assert fault.error.startswith("Hang: ")
