"""`cohort-sync resume SOURCE`: go on with a source that was halted."""

from pathlib import Path

import click

from cohort_sync.cli.asking import ask_worker, asking_options
from cohort_sync.cli.options import check_source, settings_for_reading


@click.command(short_help="Go on with a source that was halted because of bad records.")
@click.argument("source")
@asking_options
def resume(source: str, config_path: Path | None, overrides: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the worker to go on with SOURCE after its last dead letter.

    The request is written into the store; a running worker acts on it within a second, one that is not running when it is started.
    """
    from cohort_sync.cohort.requests import Resume

    settings = settings_for_reading(config_path, overrides)
    check_source(settings, source)
    ask_worker(settings, Resume(source=source), wait=wait, as_json=as_json)
