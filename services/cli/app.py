"""The command line: all groups of commands."""

import typer

from services.cli.commands.chat import chat
from services.cli.commands.custom_models import custom_models
from services.cli.commands.keys import keys
from services.cli.commands.local import demo, service_keys, up
from services.cli.commands.models import models
from services.cli.commands.router import router
from services.cli.commands.settings import settings
from services.cli.commands.usage import usage
from services.cli.commands.use_cases import use_cases

app = typer.Typer(
    name="pantheon",
    help="The model layer of an organisation: one door to every LLM, one ledger of cost and latency.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(demo)
app.command()(chat)
app.add_typer(models, name="models")
app.add_typer(custom_models, name="custom-models")
app.add_typer(use_cases, name="use-cases")
app.add_typer(settings, name="settings")
app.add_typer(keys, name="keys")
app.add_typer(usage, name="usage")
app.add_typer(router, name="router")
app.command("service-keys")(service_keys)
