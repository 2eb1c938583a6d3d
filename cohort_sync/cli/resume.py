"""`cohort-sync resume SOURCE`: go on with a source that was halted."""

import time
from pathlib import Path

import click
import msgspec

from cohort_sync.cli.options import config_option, set_option, settings_for_reading


@click.command(short_help="Go on with a source that was halted because of bad records.")
@click.argument("source")
@config_option
@set_option
def resume(source: str, config_path: Path | None, overrides: tuple[str, ...]) -> None:
    """Ask the worker to go on with SOURCE after its last dead letter.

    The request is written into the store; a running worker acts on it within a second, one that is not running when it is started.
    """
    from cohort_sync.omrs.errors import ConfigurationError
    from cohort_sync.store.sqlite.requests import file_request

    settings = settings_for_reading(config_path, overrides)
    names = [each.name for each in settings.sources]
    if source not in names:
        raise ConfigurationError(f"there is no source {source!r} in the configuration; there are: {', '.join(names) or 'none'}")
    number = file_request(Path(settings.store.path), "resume", msgspec.json.encode({"source": source}), time.time_ns() // 1_000_000)
    click.echo(f"request {number}: resume {source}")
