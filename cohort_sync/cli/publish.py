"""`cohort-sync publish`: announce our home instances again."""

from pathlib import Path

import click

from cohort_sync.cli.asking import ask_worker, asking_options
from cohort_sync.cli.options import check_source, settings_for_reading


@click.command(short_help="Announce this member's own instances to the cohort again.")
@click.option("--all", "everything", is_flag=True, help="Everything that this member is the home of.")
@click.option("--type", "type_name", default="", metavar="TYPE", help="Only instances of this entity or relationship type and of its subtypes.")
@click.option("--source", default="", metavar="NAME", help="Only instances that this source has put here.")
@asking_options
def publish(everything: bool, type_name: str, source: str, config_path: Path | None, overrides: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the worker to announce its own instances again, as they are now: for members that were away, lost their copies, or came back from an old backup.

    Nothing changes here, and members that are up to date ignore it. Entities go before relationships; deleted ones are announced as deleted. It goes on in
    steps beside everything else; `cohort-sync requests show ID` shows how far it is. A worker that is stopped meanwhile goes on at its next start.
    """
    from cohort_sync.cohort.requests import Publish

    if not (everything or type_name or source):
        raise click.UsageError("say what to announce: --all, --type TYPE or --source NAME")
    settings = settings_for_reading(config_path, overrides)
    if source:
        check_source(settings, source)
    ask_worker(settings, Publish(type_name=type_name, source=source), wait=wait, as_json=as_json)
