"""`make corpus`, or `python -m tests.corpus [--provider openai] [--mode byte] [--sample 500 --seed 1] [--json]`."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.corpus import pairs, report
from tests.corpus.recordings import FILES, trips
from tests.corpus.sending import MODES, Result
from tests.corpus.share import Orders, chosen

_LONGEST_SECONDS = 1_800
_result = msgspec.json.Decoder(Result)
_encode = msgspec.json.Encoder().encode


def main(arguments: Sequence[str]) -> int:
    """The whole run; what the process is to exit with."""
    options = _options(arguments)
    missing = [file for file in FILES if not file.exists()]
    if missing:
        Console(stderr=True).print(
            f"skipped: there is no {missing[0].name} beside the checkout, nor where PANTHEON_REFERENCES says"
        )
        return 0
    began = time.monotonic()
    results = asyncio.run(_results(options))
    seconds = time.monotonic() - began
    return _conclude(options, results, seconds)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("--mode", action="append", choices=list(MODES), help="only this way of cutting and writing")
    parser.add_argument("--provider", action="append", default=[], help="only this provider: openai, custom:groq ...")
    parser.add_argument("--id", action="append", default=[], help="only this exchange")
    parser.add_argument("--sample", type=int, help="only so many exchanges, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--json", action="store_true", help="results as JSON lines instead of tables")
    return parser.parse_args(arguments)


async def _results(options: argparse.Namespace) -> list[Result]:
    """What all processes send."""
    orders = Orders(
        modes=options.mode or list(MODES),
        providers=options.provider,
        ids=options.id,
        sample=options.sample,
        seed=options.seed,
    )
    total = len(trips(chosen(orders))) * len(orders.modes)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("exchanges", total=total)
        async with asyncio.timeout(_LONGEST_SECONDS):
            shares = (
                _share(msgspec.structs.replace(orders, number=number, of=options.processes), progress, task)
                for number in range(options.processes)
            )
            found = await asyncio.gather(*shares)
    return [result for share in found for result in share]


async def _share(orders: Orders, progress: Progress, task: object) -> list[Result]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.corpus.share", _encode(orders).decode()),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    assert process.stdout is not None
    found = []
    try:
        async for line in process.stdout:
            if line == b"\n":
                progress.advance(task)  # type: ignore[arg-type]  # rich's own id
                continue
            found.append(_result.decode(line))
        if await process.wait():
            raise RuntimeError(f"share {orders.number} of the run failed with {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return found


def _conclude(options: argparse.Namespace, results: list[Result], seconds: float) -> int:
    """Shows everything; 1 where it is not good enough."""
    if options.json:
        sys.stdout.buffer.write(b"".join(_encode(result) + b"\n" for result in results))
        return _verdict(results)
    console = Console(width=None if sys.stdout.isatty() else 160)
    report.show(
        console,
        "As the provider said it: text, finish reason, tool calls, tokens, cost, error",
        report.meaning(results),
    )
    report.show(console, "Passed through, answers recorded byte for byte: equal in full", report.exactness(results))
    report.show(
        console, "Passed through: requests that reached the provider as they were sent", report.requests(results)
    )
    report.show_exceptions(console, results)
    console.print()
    explained = pairs.show(console)
    console.print(f"\n{len(results):,} exchanges in {seconds:.0f} s")
    return _verdict(results) or int(not explained)


def _verdict(results: list[Result]) -> int:
    enough = all(share.percent >= report.LEAST_PERCENT for share in report.meaning(results))
    exact = all(share.equal == share.exchanges for share in (*report.exactness(results), *report.requests(results)))
    return 0 if enough and exact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
