"""What Prometheus sees of the relay."""

from prometheus_client import Counter, Gauge, Histogram

UNCONFIRMED = Gauge(
    "pantheon_relay_unconfirmed_records", "Records of a spool not known to be in the ledger.", ["spool"]
)
BATCH_RECORDS = Histogram(
    "pantheon_relay_batch_records", "Records in a published message.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
RESENT = Counter("pantheon_relay_resent_records_total", "Records to be published again, by reason.", ["reason"])
