"""What Prometheus sees of the journal."""

from prometheus_client import Counter, Gauge, Histogram

BYTES = Gauge("pantheon_journal_bytes", "Bytes a spool has allocated on disk.", ["spool"])
OPEN_ATTEMPTS = Gauge("pantheon_journal_open_attempts", "STARTs without a FINISH.", ["spool"])
SYNC_SECONDS = Histogram(
    "pantheon_journal_sync_seconds",
    "Time of a sync of the journal.",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
SYNC_WAITERS = Histogram(
    "pantheon_journal_sync_waiters",
    "Finishes that one sync of the journal served.",
    buckets=(0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
DISK_FAILURES = Counter(
    "pantheon_journal_disk_failures_total", "Writes and syncs of the journal that the disk failed.", ["operation"]
)
DAMAGED = Counter("pantheon_journal_damaged_total", "Stretches of a journal that could not be read.")
MISSING = Counter("pantheon_journal_missing_records_total", "Numbered records that were in no segment.")
ESTIMATED = Counter("pantheon_journal_estimated_finishes_total", "Attempts closed by an estimate after a crash.")
