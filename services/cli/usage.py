"""`pantheon usage`: cost and latency from the ledger."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from pantheon.usage.v1.report_pb2 import Dimension, ReportFilter, ReportScope
from pantheon.usage.v1.usage_service_pb2 import VerifyLedgerRequest
from services.cli.calling import Caller
from services.cli.ledger import Ledger, Percentiles, ReportRow, Row, UsageReport, Verdict
from services.cli.output import UNKNOWN, console, count, duration, moment, money, print_json, table
from services.cli.running import WRONG_INPUT, CommandFailed
from services.cli.times import parse_time
from services.edge.rest.names import Names
from services.runtime import times

_SCOPES = Names(ReportScope, "-")
_DIMENSIONS = {
    name.removeprefix("DIMENSION_").lower().replace("_", "-"): number
    for name, number in Dimension.items()
    if number not in (Dimension.DIMENSION_UNSPECIFIED, Dimension.DIMENSION_TAG)
}
_LATENCIES = ("total, ms", "first token, ms")
_TAG = "tag:"
_VERIFY_SECONDS = 300.0


def report_filter(scope: str, since: str, until: str, models: Sequence[str]) -> ReportFilter:
    """What a report covers, as the options say it. Raises InvalidField, CommandFailed, naming the option."""
    now = times.now()
    made = ReportFilter(scope=_SCOPES.value(scope, "--scope"), models=models)
    if start := parse_time(since, "--since", now):
        made.start_time.CopyFrom(times.to_timestamp(start))
    if end := parse_time(until, "--until", now):
        made.end_time.CopyFrom(times.to_timestamp(end))
    return made


async def report(caller: Caller, which: ReportFilter, by: Sequence[str], time_zone: str, *, as_json: bool) -> None:
    """Prints requests, tokens, cost and latency by dimensions."""
    wanted, tag = dimensions(by)
    async with caller:
        found = await Ledger(caller).report(which, wanted, tag=tag, time_zone=time_zone)
    if as_json:
        print_json(found)
        return
    screen = console()
    screen.print(f"{moment(found.start)} to {moment(found.end)}")
    screen.print(report_table(found, [name.removeprefix(_TAG) for name in by]))


def report_table(found: UsageReport, by: Sequence[str]) -> Table:
    """One line a group, and one for everything."""
    figures = ("requests", "tokens in", "out", "cost", *(f"{what}\np50 / p95 / p99" for what in _LATENCIES))
    made = table(*by, *figures, right=figures)
    for row in found.rows:
        made.add_row(*(key or "(none)" for key in row.keys), *_figures(row))
    if by and len(found.rows) != 1:
        made.add_section()
        made.add_row("total", *("" for _ in by[1:]), *_figures(found.totals), style="bold")
    made.caption = _remarks(found.totals)
    return made


async def rows(caller: Caller, which: ReportFilter, request_id: str, most: int, *, as_json: bool) -> None:
    """Prints rows of the ledger, newest first."""
    async with caller:
        found = [row async for row in Ledger(caller).rows(which, request_id=request_id, most=most)]
    if as_json:
        print_json(found)
        return
    figures = ("in", "out", "cost", "first", "total")
    made = table("start", "model", "provider", "surface", "outcome", "state", *figures, "request", right=figures)
    for row in found:
        made.add_row(*_cells(row))
    console().print(made)


async def verify(caller: Caller, since: str, until: str, *, as_json: bool) -> int:
    """Prints what a verification of the ledger finds; the exit code is 1 unless all is well."""
    now = times.now()
    request = VerifyLedgerRequest()
    if start := parse_time(since, "--since", now):
        request.start_time.CopyFrom(times.to_timestamp(_quarter_hour(start)))
    if end := parse_time(until, "--until", now):
        request.end_time.CopyFrom(times.to_timestamp(_quarter_hour(end)))
    async with caller:
        verdict = await Ledger(caller).verify(request, _VERIFY_SECONDS)
    if as_json:
        print_json(verdict)
    else:
        print_verdict(verdict)
    return 1 if verdict.discrepancies else 0


def print_verdict(verdict: Verdict) -> None:
    """A line that says it all; a table of what differs, where something does."""
    screen = console()
    figures = {
        "rows": verdict.rows,
        "roll-up groups": verdict.groups,
        "spools": len(verdict.watermarks),
        "dead letters": verdict.dead_letters,
        "open attempts": verdict.open_attempts,
        "discrepancies": len(verdict.discrepancies),
    }
    screen.print(f"verified: {', '.join(f'{what} {count(figure)}' for what, figure in figures.items())}")
    if verdict.discrepancies:
        made = table("check", "place", "ledger says", "found")
        for found in verdict.discrepancies:
            made.add_row(found.check, found.place, found.expected, found.found)
        screen.print(made)


def dimensions(names: Sequence[str]) -> tuple[list[Dimension.ValueType], str]:
    """The dimensions named, and the tag that one of them may stand for. Raises CommandFailed."""
    found: list[Dimension.ValueType] = []
    tag = ""
    for name in names:
        if name.startswith(_TAG):
            found.append(Dimension.DIMENSION_TAG)
            tag = name.removeprefix(_TAG)
        elif name in _DIMENSIONS:
            found.append(_DIMENSIONS[name])
        else:
            allowed = f"{', '.join(_DIMENSIONS)} or {_TAG}NAME"
            raise CommandFailed(f"--by: {name!r} is not allowed; one of {allowed}", WRONG_INPUT)
    return found, tag


def _figures(row: ReportRow) -> tuple[str, ...]:
    return (
        count(row.requests),
        count(row.prompt_tokens),
        count(row.completion_tokens),
        money(row.cost, row.unpriced_requests),
        _spread(row.total),
        _spread(row.time_to_first_token),
    )


def _spread(found: Percentiles) -> str:
    """Milliseconds, for columns that say so."""
    if found.p50 is None:
        return UNKNOWN
    return " / ".join(f"{value * 1000:,.0f}" for value in (found.p50, found.p95, found.p99) if value is not None)


def _remarks(totals: ReportRow) -> str | None:
    """What the figures alone do not say."""
    remarks = []
    if totals.attempts != totals.requests:
        remarks.append(f"{count(totals.attempts)} attempts, {count(totals.failed_attempts)} of them failed")
    if totals.estimated_attempts:
        remarks.append(f"{count(totals.estimated_attempts)} with estimated figures")
    return "; ".join(remarks) or None


def _cells(row: Row) -> tuple[str, ...]:
    return (
        moment(row.start_time),
        row.model,
        row.provider,
        row.surface,
        row.outcome if row.kind == "completion" else row.kind,
        row.state,
        count(row.prompt_tokens),
        count(row.completion_tokens),
        money(row.cost, 1 if row.cost is None else 0),
        duration(row.time_to_first_token),
        duration(row.total),
        row.request_id,
    )


def _quarter_hour(instant: datetime) -> datetime:
    """Its beginning: roll-ups can only be compared whole."""
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)
