"""Runs the revisions that a schema lacks. Apart, as few starts need alembic, and to import it takes a tenth of one."""

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def upgrade(connection: Connection, directory: Path, schema: str) -> None:
    """Applies what is missing. The connection's `search_path` is the schema's."""
    script = _script(directory)

    def steps(revision: object, _: MigrationContext) -> object:
        return script._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001 - alembic's own env.py way

    environment = EnvironmentContext(Config(), script, fn=steps)
    environment.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
    with environment:
        environment.run_migrations()


def _script(directory: Path) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(directory))
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config)
