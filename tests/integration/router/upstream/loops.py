"""Runs a test on each event loop the router may meet: uvloop in its process, asyncio's own under a debugger."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from tests.fixtures.eventually import eventually

_DEADLINE_S = 30.0
_LOOPS = (asyncio.new_event_loop, uvloop.new_event_loop)


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes two tests of one coroutine function, each on a loop of its own, and lets none leave a task behind.

    Takes parameters and fixtures as any test does, but no async fixtures, which live on the session's loop.
    """

    def run(*, new_loop: Callable[[], asyncio.AbstractEventLoop], **arguments: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_bounded(test(**arguments)))

    functools.update_wrapper(run, test)
    signature = inspect.signature(test)
    added = inspect.Parameter("new_loop", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), added])  # type: ignore[attr-defined]
    both: Callable[..., None] = pytest.mark.parametrize("new_loop", _LOOPS, ids=("asyncio", "uvloop"))(run)
    return both


async def _bounded(test: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        await test
    await eventually(_alone)


def _alone() -> bool:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left behind: {left}"
    return True
