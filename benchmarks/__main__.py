"""All benchmarks, one after the other: `make bench`, or `python -m benchmarks [--json]`."""

import uvloop

from benchmarks import ingest, router, upstream
from benchmarks.figures import show

if __name__ == "__main__":
    show([*uvloop.run(router.measure()), *uvloop.run(ingest.measure()), *uvloop.run(upstream.measure())])
