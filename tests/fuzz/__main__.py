"""`make fuzz`, or `python -m tests.fuzz --count 1000000 --seed 1 [--only NUMBER] [--target gemini]`."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.fuzz.running import Findings, chosen, feed

_LONGEST_SECONDS = 3_600
_SHARE = 5_000


def main(arguments: Sequence[str]) -> int:
    """Fuzzes; 1 where something came out that should not."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    began = time.monotonic()
    findings = _all(options) if options.only is None else feed(options.target, [options.only], options.seed)
    seconds = time.monotonic() - began
    for fault in findings.faults:
        console.print(f"{fault.target}: {fault.error}", style="bold", markup=False, highlight=False)
        console.print(f"    at {fault.place}, {fault.count} times, first --only {fault.first}", markup=False)
    slowest = f"slowest {findings.slowest_seconds * 1e3:.0f} ms (--only {findings.slowest})"
    names = len(chosen(options.target))
    console.print(
        f"{findings.inputs:,} inputs to {names} targets in {seconds:.0f} s, {slowest}; {len(findings.faults)} faults"
    )
    return 1 if findings.faults else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the one input of this number")
    parser.add_argument("--target", default="", help="only targets with this in their name")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 8))
    return parser.parse_args(arguments)


def _all(options: argparse.Namespace) -> Findings:
    """All inputs, shared out to processes; one that the watchdog ends breaks the pool, which ends the run."""
    shares = [range(start, min(start + _SHARE, options.count)) for start in range(0, options.count, _SHARE)]
    findings = Findings()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool,
    ):
        task = progress.add_task("inputs", total=options.count)
        feeding = [pool.submit(feed, options.target, share, options.seed) for share in shares]
        for fed in as_completed(feeding, timeout=_LONGEST_SECONDS):
            found = fed.result()
            findings.merge(found)
            progress.advance(task, found.inputs)
    return findings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
