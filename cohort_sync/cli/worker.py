"""`cohort-sync worker`: flags and configuration into settings, the log, then the worker itself."""

import sys
from pathlib import Path

import click

from cohort_sync.cli.options import config_option, set_option


@click.command(short_help="Run the member: the one long-running process.")
@config_option
@set_option
@click.option("--recovering", is_flag=True, help="The store was lost: start with an empty one, versions begin high, everything is sent again.")
@click.option(
    "--fresh-id", is_flag=True, help="The registration with our metadata collection id that is on the topic is known to be dead: start with an empty store."
)
@click.pass_context
def worker(ctx: click.Context, config_path: Path | None, overrides: tuple[str, ...], recovering: bool, fresh_id: bool) -> None:
    """Run the member until it is told to stop.

    SIGTERM or SIGINT lets what is under way end (worker.drain_seconds); a second one leaves at once. The log goes to standard error.
    """
    from cohort_sync.config import load_settings, secret_values
    from cohort_sync.observe.logging import setup_logging

    flags = [f"worker.{name}=true" for name, given in (("recovering", recovering), ("fresh_id", fresh_id)) if given]
    settings = load_settings(config_path, overrides=[*overrides, *flags])
    setup_logging(settings.log.level, settings.log.format, stream=sys.stderr, secrets=secret_values(settings))

    from cohort_sync.worker.run import run  # after the log is set up: the libraries that it imports log while they are imported

    ctx.exit(run(settings))
