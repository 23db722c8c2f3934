"""Reports as tables, and the verdict of a verification as an exit code."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import grpc
import pytest
from rich.table import Table

from pantheon.usage.v1.report_pb2 import Dimension, Discrepancy, ReportScope
from pantheon.usage.v1.usage_service_pb2 import VerifyLedgerRequest, VerifyLedgerResponse
from services.cli.calling import Caller
from services.cli.ledger import Percentiles, ReportRow, UsageReport
from services.cli.output import console
from services.cli.running import CommandFailed
from services.cli.usage import dimensions, report_filter, report_table, verify
from services.runtime.errors import InvalidField

SERVICE = "pantheon.usage.v1.UsageService"
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
PRICED = ReportRow(
    keys=("openai/gpt-4-turbo",),
    requests=3,
    attempts=4,
    failed_attempts=1,
    estimated_attempts=1,
    unpriced_requests=0,
    prompt_tokens=1_000,
    completion_tokens=200,
    cost=Decimal("0.016"),
    total=Percentiles(0.5, 1.25, 1.5),
    time_to_first_token=Percentiles(),
)
UNPRICED = replace(PRICED, keys=("acme/new",), cost=None, unpriced_requests=3)
TOTALS = replace(PRICED, keys=(), requests=6, attempts=8, failed_attempts=2, unpriced_requests=3)


def shown(table: Table, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of a table, with single spaces."""
    console().print(table)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_report_has_a_line_a_group_and_one_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(report_table(UsageReport(START, END, [PRICED, UNPRICED], TOTALS), ["model"]), capsys)
    assert "openai/gpt-4-turbo 3 1,000 200 $0.016000 500 / 1,250 / 1,500 -" in lines
    assert "acme/new 3 1,000 200 unpriced 500 / 1,250 / 1,500 -" in lines
    assert "total 6 1,000 200 $0.016000 + 3 unpriced 500 / 1,250 / 1,500 -" in lines
    assert "8 attempts, 2 of them failed; 1 with estimated figures" in lines


def test_an_untagged_group_is_shown_as_none(capsys: pytest.CaptureFixture[str]) -> None:
    report = UsageReport(START, END, [replace(PRICED, keys=("",))], PRICED)
    assert [line for line in shown(report_table(report, ["team"]), capsys) if line.startswith("(none) 3")]


def test_dimensions_are_named_as_in_reports() -> None:
    assert dimensions(["model", "quarter-hour"]) == ([Dimension.DIMENSION_MODEL, Dimension.DIMENSION_QUARTER_HOUR], "")
    assert dimensions(["tag:team"]) == ([Dimension.DIMENSION_TAG], "team")


def test_an_unknown_dimension_or_scope_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandFailed, match=r"--by: 'mood' is not allowed; one of model, .* or tag:NAME"):
        dimensions(["mood"])
    with pytest.raises(InvalidField, match="--scope: 'mine' is not allowed; one of own, project"):
        report_filter("mine", "", "", ())


def test_a_filter_says_what_the_options_say() -> None:
    found = report_filter("organisation", "2026-11-01", "", ("openai/gpt-4",))
    assert found.scope == ReportScope.REPORT_SCOPE_ORGANISATION
    assert found.start_time.ToDatetime(UTC) == START
    assert not found.HasField("end_time")
    assert list(found.models) == ["openai/gpt-4"]


class Findings:
    """A usage service that knows one method, and whose ledger is wrong where it is told so."""

    def __init__(self) -> None:
        self.discrepancies: list[Discrepancy] = []

    def handlers(self) -> grpc.GenericRpcHandler:
        verify_ledger = grpc.unary_unary_rpc_method_handler(
            self._verify, VerifyLedgerRequest.FromString, VerifyLedgerResponse.SerializeToString
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"VerifyLedger": verify_ledger})

    async def _verify(self, request: VerifyLedgerRequest, context: object) -> VerifyLedgerResponse:
        return VerifyLedgerResponse(rows=7, groups=3, discrepancies=self.discrepancies)


@pytest.fixture
async def findings() -> AsyncIterator[tuple[Findings, Caller]]:
    findings, server = Findings(), grpc.aio.server()
    server.add_generic_rpc_handlers((findings.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield findings, Caller("usage service", f"127.0.0.1:{port}", "pan-key")
    await server.stop(None)


async def test_a_sound_ledger_is_success(findings: tuple[Findings, Caller], capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(findings[1], "", "", as_json=False) == 0
    assert "verified: rows 7, roll-up groups 3, spools 0" in capsys.readouterr().out


async def test_a_discrepancy_is_shown_and_a_failure(
    findings: tuple[Findings, Caller], capsys: pytest.CaptureFixture[str]
) -> None:
    findings[0].discrepancies = [Discrepancy(check="rollup", place="openai/gpt-4 10:15", expected="3", found="4")]
    assert await verify(findings[1], "7d", "", as_json=False) == 1
    printed = capsys.readouterr().out
    assert "discrepancies 1" in printed
    assert "openai/gpt-4 10:15" in printed
