import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from services.local.errors import StartError
from services.local.process import Process, describe_exit
from tests.fixtures.eventually import eventually
from tests.fixtures.processes import has_ended

STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""

# A parent that spawns a child, reports its process id and then waits to be killed.
PARENT = """
import asyncio, signal, sys
from pathlib import Path
from services.local.process import Process

async def main():
    argv = [sys.executable, "-c", "import signal; signal.pause()"]
    child = await Process.spawn("child", argv, log_path=Path(sys.argv[1]))
    print(child.pid, flush=True)
    signal.pause()

asyncio.run(main())
"""


async def spawn(code: str, log_path: Path) -> Process:
    return await Process.spawn("child", [sys.executable, "-c", code], log_path=log_path)


async def test_output_goes_to_a_private_log(tmp_path: Path) -> None:
    log_path = tmp_path / "logs" / "child.log"
    child = await spawn("import sys; print('to stdout', flush=True); print('to stderr', file=sys.stderr)", log_path)
    assert await child.wait() == 0
    assert log_path.read_text() == "to stdout\nto stderr\n"
    assert log_path.stat().st_mode & 0o777 == 0o600


async def test_the_log_tail_holds_only_lines_of_this_run(tmp_path: Path) -> None:
    log_path = tmp_path / "child.log"
    log_path.write_text("of an earlier run\n")
    child = await spawn("print('one'); print('two'); print('three')", log_path)
    await child.wait()
    assert child.log_tail() == "one\ntwo\nthree"
    assert child.log_tail(lines=2) == "two\nthree"
    assert log_path.read_text().startswith("of an earlier run\n")


async def test_a_process_that_ignores_the_stop_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = await spawn(STUBBORN, tmp_path / "child.log")
    await eventually(lambda: child.log_tail() == "ready")
    started_at = time.monotonic()
    assert await child.stop(grace=0.2) == -signal.SIGKILL
    assert time.monotonic() - started_at >= 0.2


async def test_a_cancelled_stop_leaves_no_process(tmp_path: Path) -> None:
    child = await spawn(STUBBORN, tmp_path / "child.log")
    await eventually(lambda: child.log_tail() == "ready")
    stopping = asyncio.create_task(child.stop(grace=60))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert await child.wait() == -signal.SIGKILL


async def test_stopping_an_ended_process_returns_its_exit_code(tmp_path: Path) -> None:
    child = await spawn("raise SystemExit(3)", tmp_path / "child.log")
    await child.wait()
    assert await child.stop(grace=1) == 3
    assert await child.kill() == 3


async def test_a_process_that_ends_before_it_is_ready_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = await spawn("print('the reason'); raise SystemExit(7)", tmp_path / "child.log")
    with pytest.raises(StartError, match=r"child ended with exit code 7 before it was ready(.|\n)*the reason"):
        await child.until_ready(never, timeout=10, interval=0.01)


async def test_a_process_that_is_not_ready_in_time_is_reported(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = await spawn(STUBBORN, tmp_path / "child.log")
    with pytest.raises(StartError, match=r"child was not ready within 0\.1 s"):
        await child.until_ready(never, timeout=0.1, interval=0.01)
    await child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    parent = await Process.spawn(
        "parent", [sys.executable, "-c", PARENT, tmp_path / "child.log"], log_path=tmp_path / "parent.log"
    )
    pid = int(await eventually(parent.log_tail))
    assert not has_ended(pid)
    await parent.kill()
    await eventually(lambda: has_ended(pid))


@pytest.mark.parametrize(
    ("returncode", "words"),
    (
        (0, "ended with exit code 0"),
        (2, "ended with exit code 2"),
        (-9, "was ended by SIGKILL"),
        (-200, "was ended by signal 200"),
    ),
)
def test_an_exit_code_is_told_in_words(returncode: int, words: str) -> None:
    assert describe_exit(returncode) == words
