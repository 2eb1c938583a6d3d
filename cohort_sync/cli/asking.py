"""Ask the worker for something: write the request, say whether a worker is there to act on it, wait for the result if that is wanted."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
import msgspec

from cohort_sync.cli.options import config_option, json_option, set_option
from cohort_sync.cli.output import harmless, print_json

if TYPE_CHECKING:
    from cohort_sync.cohort.requests import Ask
    from cohort_sync.config import Settings
    from cohort_sync.store.rows import RequestRow

P = ParamSpec("P")
R = TypeVar("R")

NOT_FINISHED = 4
"""Exit code when --wait ended before the request did."""
_POLL_SECONDS = 0.1


class RequestReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request. `state` is pending, running, done or failed; `created` is epoch milliseconds; `result` says what was done, how far it is, or why not."""

    id: int
    verb: str
    arguments: dict[str, object]
    created: int
    state: str
    result: str


class FiledReport(RequestReport, frozen=True, kw_only=True):
    """A request that this command has filed. `worker` is its state, as in `status`."""

    worker: str


def asking_options(command: Callable[P, R]) -> Callable[P, R]:
    """What every command has that asks the worker for something: configuration, --wait (given as `wait`) and --json."""
    wait = click.option(
        "--wait",
        type=click.FloatRange(min=0),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help=f"Wait so long for the result. Exit code 0 when it is done, 1 when it could not be done, {NOT_FINISHED} when it is not finished by then.",
    )
    return config_option(set_option(wait(json_option(command))))


def ask_worker(settings: "Settings", ask: "Ask", *, wait: float, as_json: bool) -> None:
    """File the request and tell what became of it so far. Ends the command with an exit code, as `--wait` says, unless it is 0."""
    from cohort_sync.cohort.requests import DONE, FAILED, PENDING, request_row
    from cohort_sync.store.sqlite.requests import file_request

    row = request_row(ask, time.time_ns() // 1_000_000)
    number = file_request(Path(settings.store.path), row)
    if not as_json:
        click.echo(f"request {number}: {_described(row)}")
    worker = _worker_state(settings)
    if not as_json and worker not in ("running", "embedded"):
        click.echo(_no_worker(worker))
    found = _waited(settings, row._replace(id=number), wait)
    if as_json:
        print_json(FiledReport(**msgspec.structs.asdict(report_of(found)), worker=worker))
    elif found.state != PENDING:
        click.echo(harmless(f"{found.state}: {found.result}"))
    elif wait:
        click.echo(f"not begun within {wait:g} s; `cohort-sync requests show {number}` shows what becomes of it")
    if found.state == FAILED:
        raise click.exceptions.Exit(1)
    if wait and found.state != DONE:
        raise click.exceptions.Exit(NOT_FINISHED)


def report_of(row: "RequestRow") -> RequestReport:
    """A request as it is printed."""
    from cohort_sync.cohort.requests import arguments_of

    return RequestReport(id=row.id, verb=row.verb, arguments=arguments_of(row), created=row.created, state=row.state, result=row.result)


def _described(row: "RequestRow") -> str:
    from cohort_sync.cohort.requests import arguments_of

    return " ".join([row.verb, *(f"{name}={msgspec.json.encode(value).decode()}" for name, value in arguments_of(row).items())])


def _worker_state(settings: "Settings") -> str:
    from cohort_sync.cli.store_access import read_store
    from cohort_sync.cli.worker_probe import probe
    from cohort_sync.observe.status import PRESENCE_FACT, Presence

    report, _ = probe(Presence.decode(read_store(settings, lambda reader: reader.fact(PRESENCE_FACT))))
    return report.state


def _no_worker(state: str) -> str:
    if state == "silent":
        return "the worker of this store is there but does not answer; the request waits until it acts, or until another one is started"
    return "no worker runs on this store now; the request waits until one is started"


def _waited(settings: "Settings", row: "RequestRow", seconds: float) -> "RequestRow":
    """The request as it is after so many seconds, or as soon as it is finished."""
    from cohort_sync.cli.store_access import read_store
    from cohort_sync.cohort.requests import UNFINISHED

    deadline = time.monotonic() + seconds
    while True:
        found = read_store(settings, lambda reader: reader.request(row.id)) or row
        if found.state not in UNFINISHED or (left := deadline - time.monotonic()) <= 0:
            return found
        time.sleep(min(_POLL_SECONDS, left))
