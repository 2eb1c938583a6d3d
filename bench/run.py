"""A run: measure the parts that are asked for, print a table, write JSON."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from bench.results import Measurement, Part, missed, table
from cohort_sync.observe.logging import setup_logging

_WIDE = 120
"""Columns of a terminal that shows the single runs too."""


def chosen_parts(prog: str, description: str | None, names: list[str]) -> list[str]:
    """The parts that the command line asks for, in its order; all of them when it names none."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"what to measure: {', '.join(names)} (default: all)")
    chosen: list[str] = parser.parse_args().parts or names
    for name in chosen:
        if name not in names:
            parser.error(f"there is no part {name!r}; there are: {', '.join(names)}")
    return chosen


def run(parts: Mapping[str, Callable[[], list[Measurement]]], host: Mapping[str, object], result: Path) -> None:
    """A target that is missed is said and written down; it is no error: measurements never fail a build.

    SIGTERM ends it as an interrupt does, so that what a part has started is stopped.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    setup_logging("error", "auto", stream=sys.stderr)
    console = Console()
    console.print(", ".join(f"{name} {value}" for name, value in host.items() if name != "packages"), style="dim", highlight=False)
    measured = []
    for name, measure in parts.items():
        began = time.monotonic()
        with console.status(f"measuring: {name}"):
            measurements = tuple(measure())
        measured.append(Part(name=name, seconds=round(time.monotonic() - began, 1), measurements=measurements))
        console.print(f"{name} took {measured[-1].seconds:.0f} s", style="dim", highlight=False)
    console.print(table(measured, wide=console.width >= _WIDE))
    found = missed(measured)
    for sentence in found:
        console.print(f"[bold red]missed[/]  {sentence}", highlight=False)
    if not found:
        console.print("[green]every target is met[/]")
    result.parent.mkdir(exist_ok=True)
    document = msgspec.json.encode({"machine": host, "parts": measured, "missed": found})
    result.write_bytes(msgspec.json.format(document, indent=2) + b"\n")
    console.print(f"written to {result}", style="dim", highlight=False)
