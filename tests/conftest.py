"""One NATS and one Postgres per test run, with workers or without; nothing is left behind, however the run ends."""

import gc
import itertools
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from services.local.ports import RANGE_VARIABLE, choosable
from tests.fixtures.shared_servers import RUN_DIRECTORY, SharedServers

pytest_plugins = ("tests.fixtures.servers",)

# No test is timed: the machine is shared. The same examples each time: `make fuzz` is what searches at random.
settings.register_profile(
    "pantheon", deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("pantheon")


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        # Between a port's choice and its use another worker must not choose it, too.
        ports, workers = choosable(), worker_input["workercount"]
        share = len(ports) // workers
        first = ports.start + share * int(worker_input["workerid"].removeprefix("gw"))
        os.environ[RANGE_VARIABLE] = f"{first}-{first + share - 1}"
        config.stash[RUN_DIRECTORY] = Path(worker_input["run_directory"])
        return
    # A terminated run cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    servers = SharedServers()
    config.stash[RUN_DIRECTORY] = servers.directory
    config.add_cleanup(servers.close)
    servers.open()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects no garbage among what stays for good, modules and tests: a third of the collection went there."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)  # what is not asked for is gone by then
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the slow tests in front of the equal shares that xdist deals out: begun first, each by another worker."""
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = iter([item for item in items if not item.get_closest_marker("slow")])
    ordered: list[pytest.Item] = []
    for index in range(workers):
        share = (len(items) - len(ordered)) // (workers - index)
        first = slow[index::workers]
        ordered += [*first, *itertools.islice(others, max(0, share - len(first)))]
    items[:] = [*ordered, *others]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist in the controlling process for each worker."""
    node.workerinput["run_directory"] = str(node.config.stash[RUN_DIRECTORY])
