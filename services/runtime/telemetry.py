"""Metrics every process has, in Prometheus' terms. A process adds its own beside its code."""

from prometheus_client import Counter, Histogram

RPC_SECONDS = Histogram(
    "pantheon_rpc_seconds",
    "Time to serve an RPC, by method and gRPC status code.",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)

TASK_FAILURES = Counter("pantheon_task_failures_total", "Background tasks that ended with an error.", ["task"])
