"""`cohort-sync requests list|show`."""

from pathlib import Path

import click

from cohort_sync.cli.asking import report_of
from cohort_sync.cli.groups import Group
from cohort_sync.cli.options import config_option, json_option, set_option, settings_for_reading
from cohort_sync.cli.output import moment, print_json, print_pairs, print_table
from cohort_sync.cohort.requests import STATES
from cohort_sync.omrs.errors import FatalFault


@click.group(cls=Group, short_help="What the worker was asked to do, and what became of it.")
def requests() -> None:
    """What the worker was asked to do by resume, publish, refresh, unregister, dlq replay and dlq discard, and what became of it."""


@requests.command("list")
@config_option
@set_option
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most to list, the newest.")
@json_option
def list_requests(config_path: Path | None, overrides: tuple[str, ...], state: str | None, limit: int, as_json: bool) -> None:
    """List requests, newest first."""
    from cohort_sync.cli.store_access import read_store

    wanted = () if state is None else (state,)
    rows = read_store(settings_for_reading(config_path, overrides), lambda reader: reader.requests(*wanted))[: -limit - 1 : -1]
    if as_json:
        print_json([report_of(row) for row in rows])
        return
    print_table(
        f"Requests: {len(rows)}",
        ("id", "request", "filed", "state", "result"),
        [
            (row.id, f"{row.verb} {row.arguments.decode(errors='replace') if row.arguments != b'{}' else ''}", moment(row.created), row.state, row.result)
            for row in rows
        ],
        right=("id",),
    )


@requests.command()
@click.argument("request_id", type=int, metavar="ID")
@config_option
@set_option
@json_option
def show(request_id: int, config_path: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show one request."""
    from cohort_sync.cli.store_access import read_store

    row = read_store(settings_for_reading(config_path, overrides), lambda reader: reader.request(request_id))
    if row is None:
        raise FatalFault(f"there is no request {request_id}; `cohort-sync requests list` lists them")
    if as_json:
        print_json(report_of(row))
        return
    report = report_of(row)
    print_pairs(
        [
            ("id", row.id),
            ("request", row.verb),
            *((f"  {name}", value) for name, value in report.arguments.items()),
            ("filed", moment(row.created)),
            ("state", row.state),
            ("result", row.result or None),
        ]
    )
