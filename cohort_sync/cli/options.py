"""Options that several commands have, said once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from cohort_sync.config import Settings

P = ParamSpec("P")
R = TypeVar("R")


def config_option(command: Callable[P, R]) -> Callable[P, R]:
    """--config FILE, also by the environment variable COHORT_SYNC_CONFIG; given to the command as `config_path`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        envvar="COHORT_SYNC_CONFIG",
        metavar="FILE",
        help="Configuration file (TOML). Also COHORT_SYNC_CONFIG.",
    )(command)


def set_option(command: Callable[P, R]) -> Callable[P, R]:
    """--set section.key=value, as often as wanted; given to the command as `overrides`."""
    return click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a key of the configuration; may be repeated.")(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """--json: one JSON object on standard output instead of text for people; given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def check_source(settings: "Settings", source: str) -> None:
    """Raises ConfigurationError when the configuration has no source of this name."""
    from cohort_sync.omrs.errors import ConfigurationError

    names = [each.name for each in settings.sources]
    if source not in names:
        raise ConfigurationError(f"there is no source {source!r} in the configuration; there are: {', '.join(names) or 'none'}")


def settings_for_reading(config_path: Path | None, overrides: tuple[str, ...]) -> "Settings":
    """The settings for a command that only looks into the store: what only a worker needs may be missing. Raises ConfigurationError."""
    from cohort_sync.config import load_settings

    return load_settings(config_path, overrides=overrides, complete=False)
