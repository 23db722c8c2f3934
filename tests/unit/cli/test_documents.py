"""Documents and secrets, and what is said of those that cannot be read."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.cli.documents import SecretSource, read_document
from services.cli.running import CommandFailed


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    stdin = io.StringIO(text)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode()), readline=stdin.readline))


def test_a_document_comes_from_a_file_or_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.json").write_text('{"name": "from a file"}')
    assert read_document(str(tmp_path / "model.json")).text("name") == "from a file"
    typed(monkeypatch, '{"name": "from a pipe"}')
    assert read_document("-").text("name") == "from a pipe"
    assert "name" not in read_document("")


@pytest.mark.parametrize("content", ("", "{", "[]", "null", '{"a": 1e999}', "\udcff"))
def test_a_document_that_cannot_be_read_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandFailed, match=r"model\.json cannot be read: ") as failed:
        read_document(str(path))
    assert failed.value.exit_code == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nowhere cannot be read: No such file or directory"):
        read_document(str(tmp_path / "nowhere"))


def test_a_secret_comes_from_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", " sk-1 ")
    assert SecretSource("--api-key", variable="MODEL_KEY").read() == "sk-1"
    typed(monkeypatch, "sk-2\nand more\n")
    assert SecretSource("--api-key", stdin=True).read("model.json") == "sk-2"
    assert SecretSource("--api-key", none=True).read() == ""
    assert SecretSource("--api-key").read() is None


@pytest.mark.parametrize(
    ("source", "told"),
    (
        (SecretSource("--api-key", stdin=True, variable="A"), "one of these options at most"),
        (SecretSource("--api-key", prompt=True, none=True), "one of these options at most"),
        (SecretSource("--api-key", stdin=True), "--api-key-stdin: the document comes from standard input already"),
        (SecretSource("--api-key", variable="NO_SUCH_VARIABLE"), "--api-key-variable: NO_SUCH_VARIABLE is empty"),
    ),
)
def test_a_secret_that_is_nowhere_or_in_two_places_is_told(source: SecretSource, told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        source.read("-")
