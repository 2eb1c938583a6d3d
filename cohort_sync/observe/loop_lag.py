"""How late the event loop runs its timers. A late loop means that somebody computes or blocks on it: heartbeats, pages and timers suffer."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter


class LoopLag:
    """Samples the loop it is started in, every `interval` seconds.

    `observe` gets each lateness in seconds; `alarm` gets the lateness when it is at least `threshold`, at most once in `quiet` seconds.
    """

    def __init__(
        self,
        observe: Callable[[float], None],
        alarm: Callable[[float], None],
        *,
        interval: float = 0.25,
        threshold: float = 1.0,
        quiet: float = 30.0,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._observe = observe
        self._alarm = alarm
        self._interval = interval
        self._threshold = threshold
        self._quiet = quiet
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=240)
        self._alarmed: float | None = None

    @property
    def worst_recent(self) -> float:
        """The worst of the last 240 samples, in seconds; 0 before the first one."""
        return max(self._recent, default=0.0)

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            due = self._clock() + self._interval
            await asyncio.sleep(self._interval)
            now = self._clock()
            self.sample(now - due, now)

    def sample(self, lateness: float, now: float) -> None:
        """Take one reading, in seconds; `now` is the reading of the clock. A timer that came early counts as in time."""
        lateness = max(0.0, lateness)
        self._recent.append(lateness)
        self._observe(lateness)
        if lateness >= self._threshold and (self._alarmed is None or now - self._alarmed >= self._quiet):
            self._alarmed = now
            self._alarm(lateness)
