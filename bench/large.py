"""`python -m bench.large [entities]`: the repository services over a store of a million entities and a million relationships beside one of a tenth of that.

It needs 13 GB of disk and about 20 minutes on two cores, says so when there is less, and writes build/bench-large.json.
"""

import argparse
import shutil
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.large_store import make_store
from bench.machine import machine
from bench.results import Measurement
from bench.run import run
from bench.services import served, timed

ENTITIES = 1_000_000
CALLS = 300
AT_MOST = 1.5
"""A median at the larger size may be so many times that at the smaller one."""
FILL_SECONDS = 1800.0
_BYTES_OF_AN_ENTITY = 13_000
"""With a relationship, and what the find index has of both."""


def measure(entities: int) -> list[Measurement]:
    """Medians at both sizes and what they are of each other. RuntimeError when the disk has no room for it, TimeoutError when it takes too long to fill."""
    room = shutil.disk_usage(tempfile.gettempdir()).free
    if room < entities * _BYTES_OF_AN_ENTITY:
        raise RuntimeError(f"a store of {entities:,} entities needs {entities * _BYTES_OF_AN_ENTITY >> 30} GB, {tempfile.gettempdir()} has {room >> 30} GB")
    sizes = (entities // 10, entities)
    medians: list[dict[str, Measurement]] = []
    for size in sizes:
        with served(size, partial(make_store, seconds=FILL_SECONDS, told=Console(stderr=True, style="dim", highlight=False).print)) as (worker, _):
            medians.append({one.name: one for one in timed(worker, size, CALLS) if one.name.endswith("p50")})
    found = []
    small, large = medians
    for name, one in large.items():
        found.append(Measurement(name=f"{name} at {sizes[0]:,}", value=small[name].value, unit="ms"))
        found.append(Measurement(name=f"{name} at {sizes[1]:,}", value=one.value, unit="ms"))
        target = AT_MOST if one.at_most is not None else None
        found.append(Measurement(name=f"{name}, large / small", value=round(one.value / small[name].value, 2), unit="", at_most=target))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.large", description=__doc__)
    parser.add_argument("entities", nargs="?", type=int, default=ENTITIES, help=f"the larger size (default: {ENTITIES})")
    run({"services": partial(measure, parser.parse_args().entities)}, machine(), Path("build/bench-large.json"))
