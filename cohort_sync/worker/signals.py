"""SIGTERM and SIGINT: the first one asks for a stop in good order, the second one leaves at once."""

import asyncio
import os
import signal
from collections.abc import Callable

import structlog

_log = structlog.stdlib.get_logger(__name__)
LEFT_AT_ONCE = 130


class StopSignals:
    """Sets `stopping` on the first signal. On the second the process ends there and then: what is committed stays, what is not comes again.

    A worker that stops already (a part failed, a request told it to leave the cohort) still has its first signal before it: who stops it does not interrupt.
    """

    def __init__(self, stopping: asyncio.Event, *, leave: Callable[[int], None] = os._exit) -> None:
        self._stopping = stopping
        self._leave = leave
        self._told = False

    def install(self) -> None:
        """Listen for the signals on the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received, number)

    def _received(self, number: int) -> None:
        if self._told:
            _log.warning("A second signal: leaving at once", signal=signal.Signals(number).name)
            self._leave(LEFT_AT_ONCE)
            return
        _log.info("Told to stop; what is under way ends first", signal=signal.Signals(number).name)
        self._told = True
        self._stopping.set()
