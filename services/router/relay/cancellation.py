"""Cancellation that gets lost; see `services.runtime.tasks.end`. A task group cancels its tasks only once."""

import asyncio


def stop_if_cancelled() -> None:
    """To be called in a loop around NATS requests. Raises CancelledError if the task was cancelled."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
