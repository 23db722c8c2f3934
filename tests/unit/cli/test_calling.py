import json
from pathlib import Path

import pytest

from services.cli.calling import called, kept_key
from services.cli.running import CommandFailed


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PANTHEON_STATE_DIR", str(tmp_path))
    return tmp_path / "credentials.json"


def test_the_key_is_that_of_the_stack_in_this_directory(credentials: Path) -> None:
    credentials.write_text(json.dumps({"email": "a@b.c", "password": "p", "api_key": "pan-1"}))
    assert kept_key() == "pan-1"


def test_without_a_stack_the_ways_to_name_a_key_are_told(credentials: Path) -> None:
    with pytest.raises(CommandFailed, match="use --api-key or PANTHEON_API_KEY"):
        kept_key()


@pytest.mark.parametrize("content", ("", "[]", "{}", "{"))
def test_a_broken_file_is_named(credentials: Path, content: str) -> None:
    credentials.write_text(content)
    with pytest.raises(CommandFailed, match=r"credentials\.json cannot be read"):
        kept_key()


@pytest.mark.parametrize(
    ("field", "told"),
    (
        ("settings.model_parameters.temperature", "temperature"),
        ("settings.preferred_model", "preferred_model"),
        ("max_prompt_price", "--max-prompt-price"),
        ("page_size", "page_size"),
    ),
)
def test_a_field_is_called_what_people_call_it(field: str, told: str) -> None:
    names = {"settings.": "", "settings.model_parameters.": "", "max_prompt_price": "--max-prompt-price"}
    assert called(field, names) == told
