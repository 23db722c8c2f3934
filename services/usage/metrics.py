"""What the usage service counts, in Prometheus' terms."""

from prometheus_client import Counter, Gauge, Histogram

BATCH_EVENTS = Histogram(
    "pantheon_usage_batch_events",
    "Events committed in one transaction.",
    buckets=(1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000),
)
COMMIT_SECONDS = Histogram(
    "pantheon_usage_commit_seconds",
    "Time to commit one batch, retries included.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
EVENTS = Counter("pantheon_usage_events_total", "Events received and committed.")
ROWS = Counter("pantheon_usage_rows_total", "Ledger rows added, by kind.", ["kind"])
DUPLICATES = Counter("pantheon_usage_duplicates_total", "Events that were in the ledger already.")
DEAD_LETTERS = Counter("pantheon_usage_dead_letters_total", "Events or messages that could not be booked.")
FAILURES = Counter("pantheon_usage_commit_failures_total", "Transactions that failed and were tried again.")
CONSUMING = Gauge("pantheon_usage_consuming", "1 while events are taken from the stream, 0 while that fails.")
NATS_CONNECTED = Gauge("pantheon_usage_nats_connected", "1 while NATS can be reached.")
LAG = Gauge("pantheon_usage_lag_messages", "Messages of the stream not fetched yet.")
SWEPT = Counter("pantheon_usage_swept_attempts_total", "Attempts settled as estimates because no end of theirs came.")
