import base64

import pytest

from services.auth.settings import AuthSettings

KEY = bytes(range(220, 252))
GIVEN = {
    "PANTHEON_DATABASE_URL": "postgresql://user:hidden@127.0.0.1/pantheon",
    "PANTHEON_MASTER_KEY": base64.b64encode(KEY).decode(),
    "PANTHEON_KEY_PEPPER": "p" * 32,
    "PANTHEON_ENV_FILE": "",
}


def load(monkeypatch: pytest.MonkeyPatch, **others: str) -> AuthSettings:
    for name, value in {**GIVEN, **{f"PANTHEON_{name}": value for name, value in others.items()}}.items():
        monkeypatch.setenv(name, value)
    return AuthSettings.load()


@pytest.mark.parametrize("encode", (base64.b64encode, base64.urlsafe_b64encode))
def test_the_master_key_is_read_in_either_alphabet(monkeypatch: pytest.MonkeyPatch, encode: object) -> None:
    assert callable(encode)
    assert load(monkeypatch, MASTER_KEY=encode(KEY).decode()).master_keys == (KEY,)


def test_what_is_left_open_has_its_usual_value(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert (settings.listen, settings.token_seconds, settings.pepper) == ("127.0.0.1:50054", 900, b"p" * 32)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = repr(load(monkeypatch))
    assert "hidden" not in shown
    assert "pppp" not in shown
    assert GIVEN["PANTHEON_MASTER_KEY"] not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    (
        ("MASTER_KEY", base64.b64encode(b"short").decode()),
        ("MASTER_KEY", "no base64 at all, but long enough"),
        ("KEY_PEPPER", "short"),
        ("TOKEN_SECONDS", "9"),
        ("TOKEN_SECONDS", "a quarter of an hour"),
    ),
)
def test_a_wrong_value_ends_the_process_with_a_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as end:
        load(monkeypatch, **{name: value})
    (line,) = str(end.value).splitlines()
    assert line.startswith(f"PANTHEON_{name}: ")


@pytest.mark.parametrize("name", ("DATABASE_URL", "MASTER_KEY", "KEY_PEPPER"))
def test_a_missing_secret_ends_the_process(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for given, value in GIVEN.items():
        monkeypatch.setenv(given, value)
    monkeypatch.delenv(f"PANTHEON_{name}")
    with pytest.raises(SystemExit, match=f"PANTHEON_{name}: Field required"):
        AuthSettings.load()
