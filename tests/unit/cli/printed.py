"""Tables as their lines."""

from rich.console import RenderableType

from services.cli.output import console


def lines(shown: RenderableType) -> list[str]:
    """What people see, with single spaces and without empty lines."""
    screen = console()
    with screen.capture() as capture:
        screen.print(shown)
    return [" ".join(line.split()) for line in capture.get().splitlines() if line.strip()]
