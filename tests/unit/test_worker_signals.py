"""SIGTERM and SIGINT, sent to this very process."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from cohort_sync.worker.signals import LEFT_AT_ONCE, StopSignals


class Leaving:
    """Stands where the process would end."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.happened = asyncio.Event()

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        self.happened.set()


@contextmanager
def listening(stopping: asyncio.Event, leaving: Leaving) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    StopSignals(stopping, leave=leaving).install()
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_for_a_stop_and_the_second_leaves_at_once(number: signal.Signals) -> None:
    async def scenario() -> list[int]:
        stopping, leaving = asyncio.Event(), Leaving()
        with listening(stopping, leaving):
            os.kill(os.getpid(), number)
            await asyncio.wait_for(stopping.wait(), 5)
            assert leaving.codes == []
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(leaving.happened.wait(), 5)
        return leaving.codes

    with capture_logs() as logs:
        assert asyncio.run(scenario()) == [LEFT_AT_ONCE]
    assert [(line["log_level"], line["signal"]) for line in logs] == [("info", number.name), ("warning", "SIGTERM")]


def test_a_worker_that_stops_already_is_not_interrupted_by_the_first_signal() -> None:
    """`cohort-sync unregister`, then `systemctl stop`: what it says to the cohort last must still go out."""

    async def scenario() -> list[int]:
        stopping, leaving = asyncio.Event(), Leaving()
        stopping.set()
        with listening(stopping, leaving):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert leaving.codes == []
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(leaving.happened.wait(), 5)
        return leaving.codes

    assert asyncio.run(scenario()) == [LEFT_AT_ONCE]
