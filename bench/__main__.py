"""`python -m bench [part ...]`: measure, print a table, write build/bench.json. Without parts: all of them."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from bench import apply, cli, codec, mapping, memory
from bench.machine import machine
from bench.results import Measurement, Part, missed, table
from cohort_sync.observe.logging import setup_logging

PARTS: dict[str, Callable[[], list[Measurement]]] = {
    "codec": codec.measure,
    "cli": cli.measure,
    "apply": apply.measure,
    "map": mapping.measure,
    "memory": memory.measure,
}
RESULT = Path("build/bench.json")
_WIDE = 120
"""Columns of a terminal that shows the single runs too."""


def main() -> None:
    """A target that is missed is said and written down; it is no error: measurements never fail a build."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"what to measure: {', '.join(PARTS)} (default: all)")
    names = parser.parse_args().parts or list(PARTS)
    for name in names:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}; there are: {', '.join(PARTS)}")
    setup_logging("error", "auto", stream=sys.stderr)
    console = Console()
    host = machine()
    console.print(", ".join(f"{name} {value}" for name, value in host.items() if name != "packages"), style="dim", highlight=False)
    parts = []
    for name in names:
        began = time.monotonic()
        with console.status(f"measuring: {name}"):
            measurements = tuple(PARTS[name]())
        parts.append(Part(name=name, seconds=round(time.monotonic() - began, 1), measurements=measurements))
        console.print(f"{name} took {parts[-1].seconds:.0f} s", style="dim", highlight=False)
    console.print(table(parts, wide=console.width >= _WIDE))
    found = missed(parts)
    for sentence in found:
        console.print(f"[bold red]missed[/]  {sentence}", highlight=False)
    if not found:
        console.print("[green]every target is met[/]")
    RESULT.parent.mkdir(exist_ok=True)
    result = msgspec.json.encode({"machine": host, "parts": parts, "missed": found})
    RESULT.write_bytes(msgspec.json.format(result, indent=2) + b"\n")
    console.print(f"written to {RESULT}", style="dim", highlight=False)


if __name__ == "__main__":
    main()
