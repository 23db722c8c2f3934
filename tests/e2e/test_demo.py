"""`pantheon demo` as somebody sees it who runs it for the first time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LINE = re.compile(r"^ledger: (\d+) completions sent, (\d+) recorded, 0 missing, 0 duplicate$", re.MULTILINE)
MODELS = ("openai/gpt-4-turbo", "anthropic/claude-3-opus", "google/gemini-2.5-flash", "acme/new-model")


@pytest.mark.proof
@pytest.mark.timeout(120)
def test_it_shows_the_report_proves_the_ledger_and_leaves_nothing(tmp_path: Path) -> None:
    # Neither a key nor a dotenv file may reach it: it would spend money.
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-from-the-dotenv-file\nPANTHEON_LOG_LEVEL=nonsense\n")
    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "OPENROUTER_API_KEY": "sk-or-from-the-environment",
        "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere",
        "PANTHEON_HTTP_PORT": "1",
    }
    run = subprocess.run(
        [sys.executable, "-m", "services.cli", "demo", "--completions", "24"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = LINE.search(run.stdout)
    assert found is not None, run.stdout
    assert found.groups() == ("24", "24")
    assert all(model in run.stdout for model in MODELS)
    assert "unpriced" in run.stdout
    assert "discrepancies 0" in run.stdout
    assert run.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
