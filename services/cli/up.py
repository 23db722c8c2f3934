"""`pantheon up`: the whole stack on this machine, until Ctrl-C."""

from rich.console import Console
from rich.panel import Panel

from services.cli.output import console
from services.cli.progress import Progress, places
from services.cli.running import INTERRUPTED, CommandFailed
from services.cli.signals import heeding_signals, unless
from services.local.errors import LocalError
from services.local.stack import Secrets, Stack, StackPlan, Surroundings
from services.local.stack.settings import StackSettings
from services.runtime.settings import environment


async def run_stack() -> int:
    """Runs until a signal or the end of a part; a second signal ends everything at once. Returns the exit code.

    Raises CommandFailed when the stack cannot be started.
    """
    screen = console()
    progress = Progress(screen)
    stack = Stack(_plan(), progress)
    with heeding_signals() as signalled:
        progress.begin(f"Pantheon starts, its state in {stack.plan.state}")
        try:
            if not await unless(signalled, _started(stack)):
                return INTERRUPTED
        except LocalError as error:
            raise CommandFailed(str(error)) from None
        screen.print(f"[green]Pantheon is up[/green] after {progress.seconds:.1f} s")
        _show(screen, stack)
        failure = await unless(signalled, stack.failure())
        if failure:
            screen.print(failure, style="red", markup=False)
        progress.begin("Pantheon drains and stops; Ctrl-C again ends it at once")
        if not await unless(signalled, _stopped(stack)):
            screen.print("ended at once; the next start settles what was left open")
            return INTERRUPTED
    return 1 if failure else 0


def _plan() -> StackPlan:
    settings = StackSettings.load()
    surroundings = Surroundings.of(environment())
    sandbox = settings.sandbox or not surroundings.with_keys
    return StackPlan(
        state=settings.state_dir.absolute(),
        ports=settings.ports,
        sandbox=sandbox,
        environment=surroundings.common,
        provider_environment={} if sandbox else surroundings.providers,
        secrets=Secrets(settings.master_key.get_secret_value(), settings.key_pepper.get_secret_value()),
        database_url=settings.database_url.get_secret_value(),
        nats_url=settings.nats_url,
    )


def _show(screen: Console, stack: Stack) -> None:
    screen.print(Panel(places(stack), title="Pantheon", border_style="green", expand=False))
    if stack.plan.sandbox:
        screen.print(
            "[yellow bold]SANDBOX[/yellow bold] [yellow]Simulated providers answer, no real model does and nothing "
            "costs money.\nSet OPENROUTER_API_KEY, OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY (here or in "
            ".env) for real ones.[/yellow]"
        )
    screen.print("Ctrl-C drains and stops. Starting again finds all data.")


async def _started(stack: Stack) -> bool:
    await stack.start()
    return True


async def _stopped(stack: Stack) -> bool:
    await stack.stop()
    return True
