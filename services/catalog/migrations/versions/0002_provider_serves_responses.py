"""Which providers serve the Responses API; the seed says so at the catalog's next start."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE providers ADD COLUMN serves_responses boolean NOT NULL DEFAULT false",
    "ALTER TABLE providers ALTER COLUMN serves_responses DROP DEFAULT",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
