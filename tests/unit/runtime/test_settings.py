from pathlib import Path

import pytest
from pydantic import SecretStr

from services.runtime.settings import ServiceSettings, environment, host_and_port


class ExampleSettings(ServiceSettings):
    listen: str = "127.0.0.1:1"
    password: SecretStr = SecretStr("")
    limit: int = 1


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_ENV_FILE", "")


def test_settings_come_from_prefixed_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_LIMIT", "7")
    assert ExampleSettings.load().limit == 7


def test_a_wrong_value_stops_the_process_with_a_line_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_LIMIT", "many")
    with pytest.raises(SystemExit, match=r"PANTHEON_LIMIT: .*integer"):
        ExampleSettings.load()


def test_a_wrong_nats_url_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_NATS_URL", "https://canary-7c1e@nats")
    with pytest.raises(SystemExit, match=r"PANTHEON_NATS_URL: .*expected nats://host:port") as refusal:
        ExampleSettings.load()
    assert "canary" not in str(refusal.value)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_PASSWORD", "canary-7c1e")
    assert "canary-7c1e" not in repr(ExampleSettings.load())


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("PANTHEON_LIMIT=3\nOTHER_KEY=from-file\nOPENAI_API_KEY=from-file\n")
    monkeypatch.setenv("PANTHEON_ENV_FILE", str(file))
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    assert ExampleSettings.load().limit == 3
    assert environment()["OTHER_KEY"] == "from-file"
    assert environment()["OPENAI_API_KEY"] == "from-environment"


@pytest.mark.parametrize(
    ("text", "address"),
    (("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("host:65535", ("host", 65_535))),
)
def test_an_address_is_split(text: str, address: tuple[str, int]) -> None:
    assert host_and_port(text, "PANTHEON_X") == address


@pytest.mark.parametrize("text", ("", "80", "host:", "host:http", "host:²", ":80", "host:65536"))
def test_what_is_no_address_stops_the_process_by_the_variable(text: str) -> None:
    with pytest.raises(SystemExit, match="PANTHEON_X="):
        host_and_port(text, "PANTHEON_X")
