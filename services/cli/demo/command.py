"""The course of the demo."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import httpx2 as httpx
from rich.console import Console

from pantheon.usage.v1.report_pb2 import Dimension
from pantheon.usage.v1.usage_service_pb2 import VerifyLedgerRequest
from services.cli.calling import Caller
from services.cli.demo.errands import Errand, Result, errands
from services.cli.demo.people import Credentials, Person, make_people
from services.cli.demo.proof import EVERYTHING, contradictions, take_census
from services.cli.demo.traffic import Client
from services.cli.ledger import Ledger
from services.cli.output import console, duration, money
from services.cli.progress import Progress
from services.cli.running import INTERRUPTED, CommandFailed
from services.cli.signals import heeding_signals, unless
from services.cli.usage import print_verdict, report_table
from services.local.errors import LocalError
from services.local.stack import Ports, Stack, StackPlan, Surroundings

_LIVE = 4
_WIDEST = 150
_AT_ONCE = 16
_LEDGER_SECONDS = 15.0
_VERIFY_SECONDS = 30.0
_PACES = {
    "gpt-4-turbo": (160, 130),
    "gpt-3.5-turbo": (70, 300),
    "claude-3-opus*": (240, 100),
    "gemini-2.5-flash": (110, 400),
    "gpt-4o-mini": (90, 260),
    "*": (120, 180),
}
"""Milliseconds to the first token and tokens a second, by model; unlike models differ, simulated ones too."""


async def run_demo(completions: int) -> int:
    """Runs it; the exit code is 0 only if the ledger has each completion once and every figure is right.

    Raises CommandFailed when something does not work at all. No process and no file is left in any case.
    """
    with heeding_signals() as signalled:
        code = await unless(signalled, _demo(completions))
    return INTERRUPTED if code is None else code


async def _demo(completions: int) -> int:
    screen = console()
    progress = Progress(screen)
    state = _new_directory()
    surroundings = Surroundings.throw_away()
    plan = StackPlan(state, Ports.free(), durable=False, environment=surroundings.common)
    stack = Stack(plan, progress)
    try:
        progress.begin("Pantheon starts: real NATS, real Postgres, six services, simulated providers")
        await stack.start()
        screen.print(f"up after {progress.seconds:.1f} s\n")
        code = await _show(stack, screen, completions)
        progress.begin("\nPantheon stops")
        await stack.stop()
    except LocalError as error:
        raise CommandFailed(str(error)) from None
    finally:
        await stack.kill()
        shutil.rmtree(state, ignore_errors=True)
    return code


def _new_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="pantheon-demo-"))
    if os.geteuid() == 0:
        # Whoever runs Postgres instead of root has to get through.
        directory.chmod(0o711)
    return directory


async def _show(stack: Stack, screen: Console, completions: int) -> int:
    plan = stack.plan
    await _set_paces(plan.sandbox_url)
    admin = Credentials.read(plan.credentials)
    people = await make_people(plan.ports.address("auth"), admin)
    results = await _traffic(people, plan, screen, completions)
    async with Caller("usage service", plan.ports.address("usage"), admin.api_key) as caller:
        return await _prove(Ledger(caller), results, screen)


async def _traffic(people: Sequence[Person], plan: StackPlan, screen: Console, completions: int) -> list[Result]:
    """A few completions one after the other, word by word; then the others together, a line each."""
    addresses = plan.ports.address("grpc"), plan.ports.address("http")
    async with AsyncExitStack() as open_clients:
        clients = {person.name: await open_clients.enter_async_context(Client(person, *addresses)) for person in people}
        course = errands(people, completions)
        screen.print("[bold]One after the other, as they stream[/bold]")
        results = [await _live(clients[errand.person.name], errand, screen) for errand in islice(course, _LIVE)]
        screen.print("[bold]All others at once[/bold]")
        gate = asyncio.Semaphore(_AT_ONCE)

        async def send(errand: Errand) -> Result:
            async with gate:
                result = await clients[errand.person.name].send(errand, _unheard)
                screen.print(_line(result, min(screen.width, _WIDEST)), markup=False, no_wrap=True, overflow="crop")
                return result

        try:
            async with asyncio.TaskGroup() as group:
                rest = [group.create_task(send(errand)) for errand in course]
        except ExceptionGroup as failures:
            failed = next((error for error in failures.exceptions if isinstance(error, CommandFailed)), None)
            if failed is None:
                raise
            raise failed from None
        return results + [task.result() for task in rest]


async def _live(client: Client, errand: Errand, screen: Console) -> Result:
    screen.print(f"[bold cyan]{errand.person.name}[/bold cyan] [dim]{errand.door.value} · {errand.model}[/dim]")
    screen.print(f"  [dim]> {errand.prompt}[/dim]\n  ", end="")
    result = await client.send(errand, lambda text: screen.print(text, end="", markup=False, soft_wrap=True))
    screen.print(f"\n  [dim]{_figures(result)} · {result.request_id}[/dim]\n")
    return result


async def _prove(ledger: Ledger, results: Sequence[Result], screen: Console) -> int:
    census = await take_census(ledger, results, _LEDGER_SECONDS)
    report = await ledger.report(EVERYTHING, [Dimension.DIMENSION_MODEL])
    teams = await ledger.report(EVERYTHING, [Dimension.DIMENSION_TAG], tag="team")
    verdict = await ledger.verify(VerifyLedgerRequest(), _VERIFY_SECONDS)
    screen.print("\n[bold]Cost and latency, from the ledger[/bold]")
    screen.print(report_table(report, ["model"]))
    shares = (f"{row.keys[0]} {row.requests} for {money(row.cost, row.unpriced_requests)}" for row in teams.rows)
    screen.print(f"by team: {'; '.join(shares)}")
    print_verdict(verdict)
    found = contradictions(results, report, verdict)
    for contradiction in found:
        screen.print(contradiction, style="red", markup=False)
    screen.print(str(census), style="bold green" if census.whole else "bold red", soft_wrap=True)
    return 0 if census.whole and not found else 1


async def _set_paces(sandbox_url: str) -> None:
    """Gives the simulated models speeds of their own."""
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False) as sandbox:
        for model, (first_token, rate) in _PACES.items():
            rule = {"model": model, "directives": {"first-token": first_token, "rate": rate}}
            (await sandbox.post("/__sandbox__/faults", json=rule)).raise_for_status()


def _line(result: Result, width: int) -> str:
    errand = result.errand
    who = f"  {errand.person.name:<7}{errand.door.value:<12}{errand.model:<24}"
    figures = _figures(result)
    room = max(0, width - len(who) - len(figures) - 3)
    text = result.text if len(result.text) <= room else result.text[: max(0, room - 1)] + "…"
    return f"{who}{text:<{room}}  {figures}"


def _figures(result: Result) -> str:
    cost = money(result.cost, 1 if result.cost is None else 0)
    latency = f"{duration(result.first_token):>7} {duration(result.total):>9}"
    return f"{result.tokens:>4} tokens {cost:>10} {latency}"


def _unheard(_: str) -> None:
    """For answers that are shown whole."""
