"""All benchmarks, one after the other: `make bench`, or `python -m benchmarks [--json]`."""

import uvloop

from benchmarks import catalog, ingest, router, translation, upstream
from benchmarks.figures import show
from services.runtime import logging

if __name__ == "__main__":
    logging.configure("benchmarks", "warning")  # on stderr: stdout is for the figures
    figures = [*uvloop.run(router.measure()), *uvloop.run(ingest.measure()), *uvloop.run(upstream.measure())]
    show([*figures, *translation.measure(), *uvloop.run(catalog.measure())])
