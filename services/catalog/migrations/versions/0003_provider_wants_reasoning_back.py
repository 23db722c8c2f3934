"""Which providers want a model's reasoning back; the seed says so at the catalog's next start."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE providers ADD COLUMN wants_reasoning_back boolean NOT NULL DEFAULT false",
    "ALTER TABLE providers ALTER COLUMN wants_reasoning_back DROP DEFAULT",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
