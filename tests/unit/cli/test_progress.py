from pathlib import Path

import pytest

from services.cli.output import console
from services.cli.progress import Progress, places
from services.local.stack import Ports, Stack, StackPlan


def test_what_is_where_is_shown_and_no_credential(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = StackPlan(
        tmp_path,
        Ports(),
        database_url="postgresql://ada:secret@db.internal/pantheon",
        nats_url="nats://secret@bus.internal",
    )
    console().print(places(Stack(plan)))
    assert "the database had users already" in capsys.readouterr().out
    plan.credentials.touch()
    console().print(places(Stack(plan)))
    shown = capsys.readouterr().out
    for where in ("http://127.0.0.1:3000", "http://127.0.0.1:8080/v1", "127.0.0.1:50051", "nats://bus.internal"):
        assert where in shown
    assert "postgresql://db.internal/pantheon" in shown
    assert "secret" not in shown
    assert str(tmp_path / "credentials.json") in shown


def test_each_part_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(console())
    progress.begin("starting")
    progress("router", "ready")
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["✓", "router", "ready"]
