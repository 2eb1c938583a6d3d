"""The clock that a store uses when it is given none."""

import time


def wall_clock() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
