"""The console script `cohort-sync`. One command a module; this one names them and imports none of them."""

from typing import Final

import click

from cohort_sync import __version__
from cohort_sync.cli.lazy import Lazy, LazyGroup

COMMANDS: Final[dict[str, Lazy]] = {
    "worker": Lazy("cohort_sync.cli.worker:worker", "Run the member: the one long-running process."),
    "demo": Lazy("cohort_sync.cli.demo:demo", "A cohort of two members on this machine, shown at work."),
    "resume": Lazy("cohort_sync.cli.resume:resume", "Go on with a source that was halted because of bad records."),
    "publish": Lazy("cohort_sync.cli.publish:publish", "Announce this member's own instances to the cohort again."),
    "refresh": Lazy("cohort_sync.cli.refresh:refresh", "Ask the other members for their registrations, and for their instances."),
    "unregister": Lazy("cohort_sync.cli.unregister:unregister", "Leave the cohort: tell the other members, and stop the worker."),
    "requests": Lazy("cohort_sync.cli.requests:requests", "What the worker was asked to do, and what became of it."),
    "status": Lazy("cohort_sync.cli.status:status", "How this member is doing: counts, positions, what waits, what is wrong."),
    "members": Lazy("cohort_sync.cli.members:members", "The other members of the cohort."),
    "dlq": Lazy("cohort_sync.cli.dlq:dlq", "Records that could not be used (dead letters)."),
    "map": Lazy("cohort_sync.cli.map_try:map_group", "Try a mapper on records."),
    "types": Lazy("cohort_sync.cli.types:types", "The open metadata types."),
    "fingerprint": Lazy("cohort_sync.cli.fingerprint:fingerprint", "One hash for each home collection: equal means the same metadata."),
    "config": Lazy("cohort_sync.cli.config:config", "Check, show and begin a configuration."),
}


class Root(LazyGroup):
    """All commands of the program."""

    lazy = COMMANDS


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cohort-sync", message="%(prog)s %(version)s")
def cli() -> None:
    """Make a third-party system a full member of an open metadata cohort.

    One worker runs for long (`cohort-sync worker --config FILE`); the other commands look at it and at its store, and may run beside it.
    """


def main() -> None:
    """Entry point of the console script."""
    cli()


if __name__ == "__main__":
    main()
