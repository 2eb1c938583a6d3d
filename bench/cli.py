"""How long a person waits for `cohort-sync --help`."""

import subprocess
import sys
import time
from pathlib import Path

from bench.results import Measurement, median

_RUNS = 11
TARGET_MS = 150


def measure() -> list[Measurement]:
    """Wall time of the whole process; the first run, which may have to read files, does not count."""
    command = [str(Path(sys.executable).parent / "cohort-sync"), "--help"]
    times = []
    for _ in range(_RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append((time.perf_counter() - began) * 1000)
    return [median("cohort-sync --help", times[1:], "ms", at_most=TARGET_MS)]
