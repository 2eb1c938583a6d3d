"""`python -m bench [part ...]`: measure, print a table, write build/bench.json. Without parts: all of them."""

from collections.abc import Callable
from pathlib import Path

from bench import apply, cli, codec, mapping, memory, services
from bench.machine import machine
from bench.results import Measurement
from bench.run import chosen_parts, run

PARTS: dict[str, Callable[[], list[Measurement]]] = {
    "codec": codec.measure,
    "cli": cli.measure,
    "apply": apply.measure,
    "map": mapping.measure,
    "memory": memory.measure,
    "services": services.measure,
}

if __name__ == "__main__":
    names = chosen_parts("bench", __doc__, list(PARTS))
    run({name: PARTS[name] for name in names}, machine(), Path("build/bench.json"))
