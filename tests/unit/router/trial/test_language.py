import pytest

from services.router.trial.language import same_language

ENGLISH = "A ledger is a book in which every account is kept, line by line."
GERMAN = "Ein Hauptbuch ist ein Buch, in dem jedes Konto Zeile für Zeile geführt wird."
JAPANESE = "元帳とは、すべての勘定を一行ずつ記録する帳簿のことです。"


@pytest.mark.parametrize(
    ("prompt", "answer", "same"),
    (
        ("In one short sentence, and in plain English: what is a ledger?", ENGLISH, True),
        ("Was ist ein Hauptbuch? Bitte antworte in einem kurzen Satz.", GERMAN, True),
        (ENGLISH, GERMAN, False),
        (GERMAN, JAPANESE, False),
        (JAPANESE, JAPANESE, True),
        (ENGLISH, "42", None),
        ("?", ENGLISH, None),
        (ENGLISH, "", None),
    ),
)
async def test_languages_are_told_apart_where_there_is_enough_text(prompt: str, answer: str, same: object) -> None:
    assert await same_language(prompt, answer) is same
