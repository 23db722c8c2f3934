"""Providers, models with dated prices, users' settings, and the outbox."""

from alembic import op

from services.runtime import outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE providers (
        name text COLLATE "C" PRIMARY KEY,
        display_name text NOT NULL,
        default_base_url text NOT NULL,
        wire_format smallint NOT NULL,
        auth_style smallint NOT NULL,
        models_url text NOT NULL,
        key_variable text NOT NULL,
        base_url_variable text NOT NULL,
        reports_cost boolean NOT NULL,
        aggregates_vendors boolean NOT NULL,
        streams_usage_unasked boolean NOT NULL,
        renames_max_tokens boolean NOT NULL,
        base_url text NOT NULL,
        configured boolean NOT NULL,
        sandbox boolean NOT NULL,
        key_fingerprint bytea NOT NULL,
        seed_digest bytea
    )""",
    """CREATE TABLE models (
        id text COLLATE "C" PRIMARY KEY,
        display_name text NOT NULL,
        context_window bigint CHECK (context_window > 0),
        max_output_tokens bigint CHECK (max_output_tokens > 0),
        input_modalities smallint[] NOT NULL,
        output_modalities smallint[] NOT NULL,
        supports_tools boolean,
        supports_structured_output boolean,
        supports_reasoning boolean,
        release_time timestamptz,
        deprecation_time timestamptz,
        removed_time timestamptz,
        seed_digest bytea
    )""",
    """CREATE TABLE model_aliases (
        alias text COLLATE "C" PRIMARY KEY,
        model_id text COLLATE "C" NOT NULL REFERENCES models
    )""",
    "CREATE INDEX ix_catalog_model_aliases_model_id ON model_aliases (model_id)",
    """CREATE TABLE endpoints (
        id text COLLATE "C" PRIMARY KEY,
        model_id text COLLATE "C" NOT NULL REFERENCES models,
        provider text COLLATE "C" NOT NULL REFERENCES providers,
        provider_model_id text NOT NULL,
        position integer NOT NULL,
        removed_time timestamptz
    )""",
    "CREATE INDEX ix_catalog_endpoints_model_id ON endpoints (model_id)",
    "CREATE INDEX ix_catalog_endpoints_provider ON endpoints (provider)",
    """CREATE TABLE price_versions (
        id uuid PRIMARY KEY,
        endpoint_id text COLLATE "C" NOT NULL REFERENCES endpoints,
        effective_time timestamptz NOT NULL,
        record_time timestamptz NOT NULL,
        source text NOT NULL,
        seeded boolean NOT NULL,
        UNIQUE (endpoint_id, effective_time, record_time)
    )""",
    """CREATE TABLE unit_prices (
        price_version_id uuid REFERENCES price_versions,
        unit smallint,
        price numeric NOT NULL CHECK (price >= 0),
        per bigint NOT NULL CHECK (per > 0),
        tier_thresholds bigint[] NOT NULL,
        tier_prices numeric[] NOT NULL CHECK (0 <= ALL (tier_prices)),
        PRIMARY KEY (price_version_id, unit),
        CHECK (cardinality(tier_thresholds) = cardinality(tier_prices))
    )""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'prices are appended, never changed: the ledger was rated with them';
        END
    $$""",
    """CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price_versions
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON unit_prices
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE user_settings (
        user_id uuid PRIMARY KEY,
        preferred_model text NOT NULL,
        temperature double precision,
        max_tokens bigint,
        top_p double precision,
        frequency_penalty double precision,
        presence_penalty double precision,
        update_time timestamptz NOT NULL
    )""",
    """CREATE TABLE applied_seeds (
        number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        digest bytea NOT NULL UNIQUE,
        applied_time timestamptz NOT NULL
    )""",
    *outbox.DDL,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
