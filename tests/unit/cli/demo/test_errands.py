from services.cli.demo.errands import MODELS, Door, errands
from services.cli.demo.people import Person

PEOPLE = [Person(name, name, "pan-key") for name in ("ada", "grace", "edsger")]


def test_eighty_four_errands_are_every_combination_of_person_door_and_model_once() -> None:
    met = {(errand.person.name, errand.door, errand.model) for errand in errands(PEOPLE, 84)}
    assert len(met) == len(PEOPLE) * len(Door) * len(MODELS) == 84


def test_no_two_of_the_first_hundred_are_the_same_question_to_the_same_model() -> None:
    asked = [(errand.person.name, errand.door, errand.model, errand.prompt) for errand in errands(PEOPLE, 100)]
    assert len(set(asked)) == 100


def test_everybody_is_tagged_with_a_team() -> None:
    assert next(errands(PEOPLE, 1)).tags == {"team": "ada", "env": "demo"}
