"""`cohort-sync unregister`: leave the cohort."""

from pathlib import Path

import click

from cohort_sync.cli.asking import ask_worker, asking_options
from cohort_sync.cli.options import settings_for_reading


@click.command(short_help="Leave the cohort: tell the other members, and stop the worker.")
@asking_options
def unregister(config_path: Path | None, overrides: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the worker to leave the cohort: it finishes what is under way, tells the other members, and stops with exit code 0.

    Copies stay, here and there. A normal stop of a worker does not leave the cohort. The next start of the worker registers again; when none runs now, the
    next one registers, leaves and stops.
    """
    from cohort_sync.cohort.requests import Unregister

    ask_worker(settings_for_reading(config_path, overrides), Unregister(), wait=wait, as_json=as_json)
