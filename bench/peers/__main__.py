"""`python -m bench.peers [part ...]`: measure beside real servers, print a table, write build/bench-peers.json. Without parts: all of them.

Needs Java 17 and Maven, as `make peers` does.
"""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.machine import machine
from bench.peers import apply, start, visible
from bench.peers.stage import Stage, versions
from bench.results import Measurement
from bench.run import chosen_parts, run
from tests.peers.jars import PeersUnavailableError, egeria_jars, kafka_jars
from tests.peers.kafka import KafkaBroker

PARTS: dict[str, Callable[[Stage], list[Measurement]]] = {"apply": apply.measure, "visible": visible.measure, "start": start.measure}


def main() -> None:
    """Where the peers cannot run: one line that says what is missing, and exit code 1. Takes about four minutes."""
    names = chosen_parts("bench.peers", __doc__, list(PARTS))
    try:
        jars = kafka_jars(), egeria_jars()
    except PeersUnavailableError as error:
        sys.exit(f"bench.peers: {error}")
    with tempfile.TemporaryDirectory(prefix="cohort-sync-bench-") as place:
        broker = KafkaBroker(Path(place) / "kafka", jars[0])
        broker.start()
        try:
            stage = Stage(Path(place), broker, jars[1])
            run({name: partial(PARTS[name], stage) for name in names}, machine() | versions(), Path("build/bench-peers.json"))
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
