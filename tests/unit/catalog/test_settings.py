import base64

import pytest

from services.catalog.settings import CatalogSettings

PEPPER = "p" * 32
MASTER_KEY = base64.b64encode(bytes(range(220, 252))).decode()
DSN = "postgresql://pantheon:canary@127.0.0.1/pantheon"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_ENV_FILE", "")
    monkeypatch.setenv("PANTHEON_DATABASE_URL", DSN)
    monkeypatch.setenv("PANTHEON_KEY_PEPPER", PEPPER)
    monkeypatch.setenv("PANTHEON_MASTER_KEY", MASTER_KEY)


def test_the_catalog_listens_where_the_house_says_unless_told_otherwise() -> None:
    settings = CatalogSettings.load()
    assert (settings.listen, settings.auth_address) == ("127.0.0.1:50052", "127.0.0.1:50054")
    assert settings.sandbox_url == ""


def test_secrets_are_in_no_representation() -> None:
    settings = CatalogSettings.load()
    assert "canary" not in repr(settings)
    assert PEPPER not in str(settings)
    assert settings.pepper == PEPPER.encode()


def test_the_sandbox_s_url_is_kept_without_a_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_SANDBOX_URL", "http://127.0.0.1:8099/")
    assert CatalogSettings.load().sandbox_url == "http://127.0.0.1:8099"


@pytest.mark.parametrize(
    ("variable", "value"),
    (
        ("PANTHEON_SANDBOX_URL", "127.0.0.1:8099"),
        ("PANTHEON_KEY_PEPPER", "canary"),
        ("PANTHEON_MAX_STALENESS", "soon"),
    ),
)
def test_a_wrong_value_stops_the_process_naming_the_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match=f"^{variable}: ") as caught:
        CatalogSettings.load()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("variable", ("PANTHEON_DATABASE_URL", "PANTHEON_KEY_PEPPER"))
def test_what_has_no_default_must_be_set(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(SystemExit, match=f"^{variable}: "):
        CatalogSettings.load()
