"""A lock that no longer fits pyproject.toml is noticed without a network."""

from tests.house.lock import complaints

PROJECT = """
[project]
dependencies = ["grpcio==1.85.1", "SQLAlchemy[asyncio]>=2.1"]
[dependency-groups]
dev = ["ruff"]
"""
RUNTIME = "grpcio==1.85.1 \\\n    --hash=sha256:aa\nsqlalchemy==2.1.9\n"
DEV = RUNTIME + "ruff==0.17.6\n"


def test_locks_that_fit_pass() -> None:
    assert list(complaints(PROJECT, RUNTIME, DEV)) == []


def test_a_pin_outside_its_range_is_named() -> None:
    old = RUNTIME.replace("2.1.9", "2.0.1")
    (first, second) = complaints(PROJECT, old, DEV.replace("2.1.9", "2.0.1"))
    assert first == "requirements.lock:1: SQLAlchemy[asyncio]>=2.1 is not met (pinned: 2.0.1); run make lock"
    assert second.startswith("requirements-dev.lock")


def test_a_new_dependency_without_a_pin_is_named() -> None:
    (line,) = complaints(PROJECT, RUNTIME, RUNTIME)
    assert line == "requirements-dev.lock:1: ruff is not met (pinned: nothing); run make lock"


def test_two_locks_that_differ_are_named() -> None:
    (line,) = complaints(PROJECT, RUNTIME + "msgspec==0.22.0\n", DEV + "msgspec==0.21.0\n")
    assert line.startswith("requirements-dev.lock:1: msgspec differs")


def test_an_address_in_a_lock_is_named() -> None:
    (line,) = complaints(PROJECT, "--index-url https://example.com\n" + RUNTIME, DEV)
    assert line.startswith("requirements.lock:1: holds an address")
