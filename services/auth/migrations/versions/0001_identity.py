"""Organisations, projects, users, API keys, sessions, and the log of who did what."""

from alembic import op

from services.runtime import outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE organisations (
        id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE,
        created_at timestamptz NOT NULL
    )""",
    """CREATE TABLE projects (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES organisations,
        name text NOT NULL,
        created_at timestamptz NOT NULL,
        UNIQUE (organisation_id, name),
        UNIQUE (id, organisation_id)
    )""",
    """CREATE TABLE users (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES organisations,
        email text NOT NULL UNIQUE,
        display_name text NOT NULL,
        role smallint NOT NULL CHECK (role > 0),
        created_at timestamptz NOT NULL,
        disabled_at timestamptz,
        password_hash text NOT NULL,
        UNIQUE (id, organisation_id)
    )""",
    "CREATE INDEX ix_users_organisation_id ON users (organisation_id, id)",
    """CREATE TABLE api_keys (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        project_id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        prefix text NOT NULL,
        secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
        scopes smallint[] NOT NULL CHECK (cardinality(scopes) > 0),
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz,
        FOREIGN KEY (project_id, organisation_id) REFERENCES projects (id, organisation_id),
        FOREIGN KEY (user_id, organisation_id) REFERENCES users (id, organisation_id)
    )""",
    "CREATE INDEX ix_api_keys_organisation_id ON api_keys (organisation_id, id)",
    "CREATE INDEX ix_api_keys_user_id ON api_keys (user_id, id)",
    """CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz
    )""",
    "CREATE INDEX ix_sessions_user_id ON sessions (user_id)",
    """CREATE TABLE refresh_tokens (
        secret_hash bytea PRIMARY KEY,
        session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )""",
    "CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id)",
    "CREATE TABLE login_attempts (email text PRIMARY KEY, first_at timestamptz NOT NULL, count integer NOT NULL)",
    "CREATE INDEX ix_login_attempts_first_at ON login_attempts (first_at)",
    """CREATE TABLE signing_keys (
        id text PRIMARY KEY,
        public_jwk text NOT NULL,
        sealed_jwk bytea NOT NULL,
        created_at timestamptz NOT NULL
    )""",
    """CREATE TABLE requests (
        caller_id uuid,
        method text,
        request_id text,
        made_id uuid NOT NULL,
        PRIMARY KEY (caller_id, method, request_id)
    )""",
)

AUDIT_LOG = (
    """CREATE TABLE audit_log (
        id uuid PRIMARY KEY,
        recorded_at timestamptz NOT NULL,
        actor_id uuid,
        actor_key_id uuid,
        organisation_id uuid,
        action text NOT NULL,
        subject text NOT NULL
    )""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END
    $$""",
    """CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)


def upgrade() -> None:
    for statement in (*TABLES, *AUDIT_LOG, *outbox.DDL):
        op.execute(statement)
