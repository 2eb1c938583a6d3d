"""`make cts-perf`: the performance workbench on ours and on an Egeria member in memory, in turn, on one broker; the medians of the methods beside each other.

What is timed is what the suite sees: one call over HTTP from its JVM, in whole milliseconds. Each examination has a cohort, a member and a suite of its own,
so that none finds the other's compiled code or instances.
"""

import re
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .exam import EGERIA, OURS, circumstances, running_broker, running_exam, write_json
from .packs import PACK_OF_33, RELEASE
from .report import result_of

INSTANCES = 5
ROUNDS = 2
LIMIT_SECONDS = 900.0
_UNKNOWN_TYPE = re.compile(r"retype entity to subtype .*OMRS-REPOSITORY-404-004 The TypeDef (\w+) ", re.DOTALL)

Timings = dict[str, list[int]]


def examine(directory: Path, summary: Path, *, instances: int, rounds: int) -> int:
    """Runs the examinations, writes and prints the table. The exit code: 1 when a call failed that should not have; medians do not count in it."""
    timings: dict[str, Timings] = {OURS: {}, EGERIA: {}}
    problems: list[str] = []
    outside: dict[str, int] = {OURS: 0, EGERIA: 0}
    runs: list[dict[str, object]] = []
    document = circumstances()
    with running_broker(directory) as broker:
        for number in range(rounds):
            for member in (OURS, EGERIA) if number % 2 == 0 else (EGERIA, OURS):
                print(f"round {number + 1} of {rounds}: the performance workbench examines {member} ... ", end="", flush=True)
                began = time.monotonic()
                place = directory / f"{member}-{number + 1}"
                with running_exam(place, broker, PACK_OF_33, member=member, instances=instances, cohort=f"perf-{member}-{number + 1}") as exam:
                    exam.wait(timeout=LIMIT_SECONDS)
                    report = exam.ask("report")
                    result = result_of(report, exam.log())
                seconds = round(time.monotonic() - began, 1)
                print(f"{result.report_cases} test cases, {seconds:.0f} s", flush=True)
                for method, elapsed in calls(report):
                    timings[member].setdefault(method, []).append(elapsed)
                bad = [text for text in result.failures if not asks_for_an_unknown_type(text)]
                outside[member] += len(result.failures) - len(bad)
                problems += [f"{member}: {text}" for text in bad]
                runs.append({"member": member, "seconds": seconds, "cases": result.report_cases, "failures": list(result.failures)})
    rows = compared(timings[OURS], timings[EGERIA])
    write_json(summary, {**document, "release": RELEASE, "instances": instances, "rounds": rounds, "methods": rows, "runs": runs, "problems": problems})
    _print(rows, outside, summary)
    for problem in problems:
        print(f"NOT PASSED: {problem}")
    above = [name for name, row in rows.items() if row["above"]]
    print(f"{len(rows)} methods, {len(above)} with a median above Egeria's: {', '.join(above) or 'none'}")
    return 1 if problems else 0


def calls(report: Any) -> Iterator[tuple[str, int]]:
    """Every call of which the report has a time: method and milliseconds."""
    match report:
        case {"methodName": str(method), "elapsedTime": int(elapsed)}:
            yield method, elapsed
        case dict():
            for value in report.values():
                yield from calls(value)
        case list():
            for value in report:
                yield from calls(value)


def asks_for_an_unknown_type(failure: str) -> bool:
    """Whether the suite has re-typed to a subtype that it knows itself and that is not in the pack: a member that knows but the pack must refuse it."""
    found = _UNKNOWN_TYPE.search(failure)
    return found is not None and found[1] not in PACK_OF_33


def compared(ours: Mapping[str, list[int]], theirs: Mapping[str, list[int]]) -> dict[str, dict[str, Any]]:
    """By method: calls, median and mean of both in milliseconds, and whether our median is above theirs, which takes calls of both."""
    rows = {}
    for method in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(method, []), theirs.get(method, [])
        rows[method] = {
            OURS: _figures(one),
            EGERIA: _figures(other),
            "above": bool(one and other) and statistics.median(one) > statistics.median(other),
        }
    return rows


def _figures(values: list[int]) -> dict[str, float] | None:
    if not values:
        return None
    return {"calls": len(values), "median": statistics.median(values), "mean": round(statistics.fmean(values), 2), "worst": max(values)}


def _print(rows: Mapping[str, dict[str, Any]], outside: Mapping[str, int], summary: Path) -> None:
    table = Table(title="median and mean of a call in ms, as the suite sees it")
    table.add_column("method")
    for name in ("calls", "ours", "Egeria", "", "mean ours", "mean Egeria"):
        table.add_column(name, justify="right")
    for method, row in rows.items():
        one, other = row[OURS], row[EGERIA]
        table.add_row(
            method,
            *(str((one or other)["calls"]), *(f"{each['median']:g}" if each else "-" for each in (one, other))),
            "[bold red]above[/]" if row["above"] else "",
            *(f"{each['mean']:.1f}" if each else "-" for each in (one, other)),
        )
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    print(f"re-typings to types outside of the pack, refused: ours {outside[OURS]}, Egeria {outside[EGERIA]} (it knows all types). All figures: {summary}")
