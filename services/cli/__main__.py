"""Entry of the `pantheon` command, and of `python -m services.cli`."""

from services.cli.app import app


def main() -> None:
    """Runs the command line."""
    app()


if __name__ == "__main__":
    main()
