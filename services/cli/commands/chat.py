"""`pantheon chat`."""

from typing import Annotated

import typer

from services.cli.options import ROUTER, ApiKey, AsJson, RouterAddress


def chat(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    prompt: Annotated[str, typer.Argument(help="What to ask; without it, a conversation.", show_default=False)] = "",
    model: Annotated[
        str, typer.Option("--model", "-m", envvar="PANTHEON_MODEL", help="A model, an alias or auto.")
    ] = "openai/gpt-4-turbo",
    system: Annotated[str, typer.Option(help="Instructions above the conversation.", show_default=False)] = "",
    temperature: Annotated[float | None, typer.Option(help="0 to 2.", show_default=False)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of an answer.", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="For reports; repeatable.")] = None,
    address: RouterAddress = ROUTER,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Talk to a model, streamed, and see what each answer cost and how long it took."""
    from services.cli import chat as talking
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: talking.chat(
            Caller("router", address, api_key),
            talking.chat_spec(model, system, temperature, max_tokens, tag or ()),
            prompt,
            as_json=as_json,
        )
    )
