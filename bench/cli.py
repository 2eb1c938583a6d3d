"""How long a person waits for `cohort-sync --help`."""

import statistics
import subprocess
import sys
import time
from pathlib import Path


def measure(runs: int = 11) -> dict[str, object]:
    """Wall time of the whole process, in milliseconds, the median of several runs after one warm-up."""
    command = [str(Path(sys.executable).parent / "cohort-sync"), "--help"]
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append((time.perf_counter() - began) * 1000)
    return {"help_ms_median": round(statistics.median(times[1:]), 1), "help_ms_best": round(min(times[1:]), 1), "target_ms": 150}
