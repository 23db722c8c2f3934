"""Custom models, use cases, provider keys, price overrides, syncs; what models take and what follows them."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """ALTER TABLE providers
        ADD COLUMN key_check_url text NOT NULL DEFAULT '',
        ADD COLUMN environment_keys integer NOT NULL DEFAULT 0""",
    """ALTER TABLE providers
        ALTER COLUMN key_check_url DROP DEFAULT,
        ALTER COLUMN environment_keys DROP DEFAULT""",
    """ALTER TABLE models
        ADD COLUMN successor_id text NOT NULL DEFAULT '',
        ADD COLUMN unsupported_parameters text[] NOT NULL DEFAULT '{}',
        ADD COLUMN default_parameters jsonb NOT NULL DEFAULT '{}'""",
    """ALTER TABLE models
        ALTER COLUMN successor_id DROP DEFAULT,
        ALTER COLUMN unsupported_parameters DROP DEFAULT,
        ALTER COLUMN default_parameters DROP DEFAULT""",
    "ALTER TABLE user_settings ADD COLUMN use_cases jsonb NOT NULL DEFAULT '{}'",
    "ALTER TABLE user_settings ALTER COLUMN use_cases DROP DEFAULT",
    """CREATE TABLE provider_keys (
        id uuid PRIMARY KEY,
        provider text COLLATE "C" NOT NULL REFERENCES providers,
        organisation_id uuid,
        label text NOT NULL,
        last_four text NOT NULL,
        fingerprint bytea NOT NULL,
        sealed bytea NOT NULL,
        user_id uuid NOT NULL,
        create_time timestamptz NOT NULL
    )""",
    """CREATE UNIQUE INDEX ix_catalog_provider_keys_once
        ON provider_keys (provider, organisation_id, fingerprint) NULLS NOT DISTINCT""",
    """CREATE TABLE provider_key_statuses (
        key_id uuid PRIMARY KEY,
        status smallint NOT NULL,
        status_time timestamptz NOT NULL
    )""",
    """CREATE TABLE requests (
        user_id uuid,
        method text,
        request_id text,
        made_id uuid NOT NULL,
        PRIMARY KEY (user_id, method, request_id)
    )""",
    """CREATE TABLE syncs (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        providers text[] NOT NULL,
        added integer NOT NULL,
        changed integer NOT NULL,
        removed integer NOT NULL,
        create_time timestamptz NOT NULL,
        revert_time timestamptz
    )""",
    """CREATE TABLE sync_changes (
        sync_id uuid REFERENCES syncs,
        model_id text COLLATE "C",
        before bytea,
        PRIMARY KEY (sync_id, model_id)
    )""",
    """CREATE TABLE price_overrides (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        provider text COLLATE "C" NOT NULL REFERENCES providers,
        endpoint_id text COLLATE "C" REFERENCES endpoints,
        effective_time timestamptz NOT NULL,
        record_time timestamptz NOT NULL,
        factor numeric CHECK (factor BETWEEN 0 AND 100),
        source text NOT NULL
    )""",
    "CREATE INDEX ix_catalog_price_overrides_organisation_id ON price_overrides (organisation_id, id)",
    """CREATE TABLE override_unit_prices (
        override_id uuid REFERENCES price_overrides,
        unit smallint,
        price numeric NOT NULL CHECK (price >= 0),
        per bigint NOT NULL CHECK (per > 0),
        tier_thresholds bigint[] NOT NULL,
        tier_prices numeric[] NOT NULL,
        PRIMARY KEY (override_id, unit)
    )""",
    """CREATE TABLE use_case_choices (
        organisation_id uuid,
        use_case smallint,
        model text NOT NULL,
        provider text NOT NULL,
        PRIMARY KEY (organisation_id, use_case)
    )""",
    """CREATE TABLE custom_models (
        id uuid PRIMARY KEY,
        model_id text COLLATE "C" NOT NULL,
        name text NOT NULL,
        user_id uuid NOT NULL,
        organisation_id uuid NOT NULL,
        project_id uuid,
        provider text COLLATE "C" NOT NULL REFERENCES providers,
        api_endpoint text NOT NULL,
        provider_model_id text NOT NULL,
        base_url text NOT NULL,
        provider_hosted boolean NOT NULL,
        temperature double precision,
        max_tokens bigint,
        top_p double precision,
        frequency_penalty double precision,
        presence_penalty double precision,
        context_window bigint CHECK (context_window > 0),
        sealed_key bytea,
        key_last_four text NOT NULL,
        key_version bigint NOT NULL,
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL,
        removed_time timestamptz
    )""",
    """CREATE UNIQUE INDEX ix_catalog_custom_models_own ON custom_models (user_id, model_id)
        WHERE project_id IS NULL AND removed_time IS NULL""",
    """CREATE UNIQUE INDEX ix_catalog_custom_models_shared ON custom_models (project_id, model_id)
        WHERE project_id IS NOT NULL AND removed_time IS NULL""",
    """CREATE TABLE custom_model_prices (
        id uuid PRIMARY KEY,
        custom_model_id uuid NOT NULL REFERENCES custom_models,
        effective_time timestamptz NOT NULL,
        input numeric CHECK (input >= 0),
        output numeric CHECK (output >= 0)
    )""",
    "CREATE INDEX ix_catalog_custom_model_prices_custom_model_id ON custom_model_prices (custom_model_id)",
    # Lists of models are ordered by the prices that hold: both are read from the index alone.
    """CREATE INDEX ix_catalog_price_versions_holding
        ON price_versions (endpoint_id, effective_time, record_time) INCLUDE (id)""",
    "CREATE INDEX ix_catalog_unit_prices_unit ON unit_prices (unit, price_version_id) INCLUDE (price, per)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
