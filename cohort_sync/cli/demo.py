"""`cohort-sync demo`: a whole cohort on this machine, from source events to another member's store."""

import sys
from pathlib import Path

import click


@click.command(short_help="A cohort of two members on this machine, shown at work.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object instead of a page.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the two members' directories (configuration, store, log) here; it must be new or empty.",
)
def demo(as_json: bool, keep: Path | None) -> None:
    """Debezium events of a retail warehouse become open metadata in another member's store.

    Starts an embedded Kafka broker and two workers as processes of their own, feeds the sample events, waits until the other member has everything, compares
    the two stores, and stops what it started. The exit code is 1 when anything differs. Needs nothing but Python: `pip install "cohort-sync[demo]"`.
    """
    from rich.console import Console

    from cohort_sync.demo.run import run_demo
    from cohort_sync.observe.logging import setup_logging

    setup_logging("error", "auto", stream=sys.stderr)
    console = Console(stderr=as_json)
    summary = run_demo(console, keep)
    if as_json:
        click.echo(summary.as_json().decode())
    else:
        summary.print(console)
        if keep is None:
            console.print("\nNothing is left of it. `cohort-sync demo --keep DIRECTORY` keeps configurations, stores and logs.", soft_wrap=True)
        else:
            console.print(f"\nKept: cohort-sync status --config {keep / 'receiver' / 'cohort-sync.toml'}", soft_wrap=True)
        console.print("The same by hand, step by step: docs/tutorial/first-member.md", soft_wrap=True)
    sys.exit(1 if summary.differences else 0)
