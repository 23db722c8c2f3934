from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.usage.settings import UsageSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTHEON_DATABASE_URL", "postgresql://pantheon:secret@localhost/pantheon")
    monkeypatch.setenv("PANTHEON_KEY_PEPPER", "p" * 32)


def test_three_years_and_half_an_hour_unless_told_otherwise() -> None:
    settings = UsageSettings()  # type: ignore[call-arg]
    assert (settings.retention, settings.longest_attempt) == (timedelta(days=1_096), 1_800)


@pytest.mark.parametrize(
    ("variable", "value"),
    (("LONGEST_ATTEMPT", "0"), ("LONGEST_ATTEMPT", "soon"), ("LEDGER_RETENTION_DAYS", "31"), ("KEY_PEPPER", "short")),
)
def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(f"PANTHEON_{variable}", value)
    with pytest.raises(ValidationError) as refused:
        UsageSettings()  # type: ignore[call-arg]
    assert refused.value.errors()[0]["loc"] == (variable.lower(),)


def test_secrets_are_not_shown() -> None:
    shown = repr(UsageSettings())  # type: ignore[call-arg]
    assert "secret@" not in shown
    assert "pppp" not in shown
