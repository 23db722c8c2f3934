"""Each ErrorReason says in its comment which gRPC code and HTTP status it has, and shows its ErrorInfo."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import ErrorInfo

from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from services.runtime import errors
from services.runtime.errors import PantheonError, by_reason

PROTO = Path(__file__).parents[2] / "proto/pantheon/errors/v1/error_reason.proto"
VALUE = re.compile(r"(?P<comment>(?:^  //.*\n)+)^  ERROR_REASON_(?P<reason>\w+) = [1-9]\d*;", re.MULTILINE)
STATUS = re.compile(r"\. (?P<code>[A-Z_]+), (?P<http>\d{3})\.")


@dataclass(frozen=True, slots=True)
class Documented:
    """What the comment of a value says."""

    code: str
    http_status: int
    example: str


def documented() -> dict[str, Documented]:
    found = {}
    for value in VALUE.finditer(PROTO.read_text(encoding="utf-8")):
        *said, example = (line.removeprefix("  // ") for line in value["comment"].splitlines())
        status = STATUS.search(" ".join(said))
        assert status is not None, f"{value['reason']}: the comment names no gRPC code and HTTP status"
        found[value["reason"]] = Documented(status["code"], int(status["http"]), example)
    return found


def raised() -> dict[str, type[PantheonError]]:
    """The tree that services/runtime/errors.py draws; a test may have added branches of its own."""
    return {reason: kind for reason, kind in by_reason().items() if kind.__module__ == errors.__name__}


REASONS = sorted(raised())


def test_every_reason_is_an_error_of_the_tree_and_the_other_way_round() -> None:
    declared = {name.removeprefix("ERROR_REASON_") for name, number in ErrorReason.items() if number}

    assert declared == set(documented()) == set(REASONS)


def test_every_leaf_of_the_tree_has_a_reason_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PantheonError)]
    leaves = {kind for kind in kinds if not any(kind in other.__bases__ for other in kinds)}

    assert leaves == set(raised().values())


@pytest.mark.parametrize("reason", REASONS)
def test_the_comment_names_the_code_and_status_that_are_sent(reason: str) -> None:
    kind, said = raised()[reason], documented()[reason]

    assert (said.code, said.http_status) == (kind.code.name, kind.http_status)


@pytest.mark.parametrize("reason", REASONS)
def test_the_comment_shows_a_valid_error_info(reason: str) -> None:
    info = json_format.Parse(documented()[reason].example, ErrorInfo())

    assert (info.reason, info.domain) == (reason, "pantheon")
