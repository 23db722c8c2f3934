import pytest

from services.runtime.egress import EgressPolicy, EgressSettings


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_ENV_FILE", "")
    monkeypatch.delenv("PANTHEON_EGRESS_ALLOW", raising=False)


def test_without_the_variable_nothing_is_opened() -> None:
    assert EgressSettings.load().egress == EgressPolicy()


def test_the_variable_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_EGRESS_ALLOW", "10.0.0.0/8, ollama:11434")
    assert EgressSettings.load().egress == EgressPolicy.parse("10.0.0.0/8,ollama:11434")


def test_a_wrong_entry_stops_the_process_with_a_line_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_EGRESS_ALLOW", "10.0.0.0/8,10.0.0.300")
    with pytest.raises(SystemExit, match=r"^PANTHEON_EGRESS_ALLOW: .*'10\.0\.0\.300': expected a CIDR[^\n]*$"):
        EgressSettings.load()
