"""`pantheon custom-models`."""

from typing import Annotated

import typer

from services.cli.options import AUTH, CATALOG, ROUTER, ApiKey, AsJson, CatalogAddress, RouterAddress, Yes

custom_models = typer.Typer(help="Models of your own: another endpoint, other parameters.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="MODEL", help="Its id, or custom/<slug>.")]
Document = Annotated[str, typer.Argument(metavar="FILE", help="A JSON document as the guide has it; - for a pipe.")]
Share = Annotated[bool, typer.Option("--share", help="With all members of your project.")]
KeyPrompt = Annotated[bool, typer.Option("--api-key-prompt", help="Ask for the endpoint's key, unseen.")]
KeyStdin = Annotated[bool, typer.Option("--api-key-stdin", help="Read it from standard input.")]
KeyVariable = Annotated[
    str, typer.Option("--api-key-variable", metavar="NAME", help="Take it from this variable of the environment.")
]
SharingAddress = Annotated[
    str,
    typer.Option(
        "--auth-address", envvar="PANTHEON_AUTH_ADDRESS", metavar="HOST:PORT", help="The auth service, for --share."
    ),
]
_KEY = "--api-key"


@custom_models.command("list")
def list_custom_models(address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """List your custom models and those shared in your project."""
    from services.cli import custom_models as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.list_models(Caller("catalog", address, api_key), as_json=as_json))


@custom_models.command("show")
def show_custom_model(
    model: Which, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False
) -> None:
    """Show a custom model; with --json in the form that create and update take."""
    from services.cli import custom_models as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.show(Caller("catalog", address, api_key), model, as_json=as_json))


@custom_models.command("create")
def create_custom_model(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    document: Document,
    share: Share = False,
    key_prompt: KeyPrompt = False,
    key_stdin: KeyStdin = False,
    key_variable: KeyVariable = "",
    address: CatalogAddress = CATALOG,
    auth_address: SharingAddress = AUTH,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Make a custom model. Try it first with `custom-models test FILE`."""
    from services.cli import custom_models as actions
    from services.cli.calling import Caller
    from services.cli.documents import SecretSource, read_document
    from services.cli.running import execute

    secret = SecretSource(_KEY, prompt=key_prompt, stdin=key_stdin, variable=key_variable)
    execute(
        lambda: actions.create(
            Caller("catalog", address, api_key),
            actions.new_model(read_document(document), secret.read(document)),
            sharing=Caller("auth service", auth_address, api_key) if share else None,
            as_json=as_json,
        )
    )


@custom_models.command("update")
def update_custom_model(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    model: Which,
    document: Annotated[
        str, typer.Argument(metavar="FILE", help="What to change: the members named, null clears; - for a pipe.")
    ] = "",
    share: Annotated[bool | None, typer.Option("--share/--unshare", help="With all members of your project.")] = None,
    key_prompt: KeyPrompt = False,
    key_stdin: KeyStdin = False,
    key_variable: KeyVariable = "",
    no_key: Annotated[bool, typer.Option("--no-api-key", help="Take its key away.")] = False,
    address: CatalogAddress = CATALOG,
    auth_address: SharingAddress = AUTH,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Change a custom model: what the document names, its key, or with whom it is shared."""
    from services.cli import custom_models as actions
    from services.cli.calling import Caller
    from services.cli.documents import SecretSource, read_document
    from services.cli.running import execute

    secret = SecretSource(_KEY, prompt=key_prompt, stdin=key_stdin, variable=key_variable, none=no_key)
    execute(
        lambda: actions.update(
            Caller("catalog", address, api_key),
            actions.Change(model, read_document(document), secret.read(document), share),
            auth=Caller("auth service", auth_address, api_key),
            as_json=as_json,
        )
    )


@custom_models.command("delete")
def delete_custom_model(
    model: Which, yes: Yes = False, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False
) -> None:
    """Remove a custom model and its key, after asking."""
    from services.cli import custom_models as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.delete(Caller("catalog", address, api_key), model, yes=yes, as_json=as_json))


@custom_models.command("default")
def prefer_custom_model(
    model: Which, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False
) -> None:
    """Make a custom model the one that `auto` stands for, for you."""
    from services.cli import custom_models as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.prefer(Caller("catalog", address, api_key), model, as_json=as_json))


@custom_models.command("test")
def try_custom_model(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    target: Annotated[
        str, typer.Argument(metavar="MODEL|FILE", help="Its id or custom/<slug>; or a document that is not kept yet.")
    ],
    prompt: Annotated[str, typer.Option(help="What to ask. Default: a question of Pantheon's own.")] = "",
    key_prompt: KeyPrompt = False,
    key_stdin: KeyStdin = False,
    key_variable: KeyVariable = "",
    address: RouterAddress = ROUTER,
    catalog_address: Annotated[
        str, typer.Option(envvar="PANTHEON_CATALOG_ADDRESS", metavar="HOST:PORT", help="The catalog service.")
    ] = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Ask a model something, and see answer, latency, tokens, cost and a verdict; exit 1 if it failed."""
    from services.cli import model_tests as actions
    from services.cli.calling import Caller
    from services.cli.documents import SecretSource, read_document
    from services.cli.running import execute

    secret = SecretSource(_KEY, prompt=key_prompt, stdin=key_stdin, variable=key_variable)
    router, catalog = Caller("router", address, api_key), Caller("catalog", catalog_address, api_key)
    if actions.is_document(target):
        execute(
            lambda: actions.try_described(router, read_document(target), secret.read(target), prompt, as_json=as_json)
        )
    else:
        execute(lambda: actions.try_kept(router, catalog, target, prompt, as_json=as_json))
