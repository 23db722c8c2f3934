import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from services.runtime.errors import (
    CallerGone,
    DeadlinePassed,
    DependencyUnavailable,
    InternalFault,
    InvalidField,
    PantheonError,
    by_reason,
)
from services.runtime.status import DETAILS_KEY, error_from_rpc, status_details


def received(error: PantheonError) -> PantheonError:
    trailing = Metadata((DETAILS_KEY, status_details(error)))
    return error_from_rpc(AioRpcError(error.code, Metadata(), trailing, error.message))


def test_a_status_has_one_error_info_with_everything_dynamic() -> None:
    status = Status.FromString(status_details(InvalidField("temperature", 3, "0 to 2")))
    (detail,) = status.details
    info = ErrorInfo()
    assert detail.Unpack(info)
    assert (info.reason, info.domain) == ("INVALID_FIELD", "pantheon")
    assert info.metadata == {"field": "temperature", "value": "3", "allowed": "0 to 2"}
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


@pytest.mark.parametrize("reason", sorted(by_reason()))
def test_an_error_arrives_as_what_it_was(reason: str) -> None:
    kind = by_reason()[reason]
    sent = kind.__new__(kind)
    PantheonError.__init__(sent, "what happened", detail="x")
    error = received(sent)
    assert type(error) is kind
    assert (error.message, error.metadata) == ("what happened", {"detail": "x"})


@pytest.mark.parametrize(
    ("code", "kind"),
    (
        (grpc.StatusCode.UNAVAILABLE, DependencyUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlinePassed),
        (grpc.StatusCode.CANCELLED, CallerGone),
        (grpc.StatusCode.UNKNOWN, InternalFault),
    ),
)
def test_a_failure_without_a_reason_becomes_the_nearest_error(code: grpc.StatusCode, kind: type[PantheonError]) -> None:
    assert type(error_from_rpc(AioRpcError(code, Metadata(), Metadata()), "auth")) is kind


def test_a_long_value_is_cut() -> None:
    assert len(InvalidField("field", "x" * 5_000, "less").metadata["value"]) == 200
