"""The clock of whoever is given none."""

import time


def wall_clock() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
