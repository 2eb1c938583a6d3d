"""`cohort-sync config check|show|schema|init`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cohort_sync.cli.groups import Group
from cohort_sync.cli.options import config_option, json_option, set_option
from cohort_sync.cli.output import print_json
from cohort_sync.omrs.errors import ConfigurationError
from schemas import RELEASES

if TYPE_CHECKING:
    from cohort_sync.config import Settings


@click.group(cls=Group, short_help="Check, show and begin a configuration.")
def config() -> None:
    """Check, show and begin a configuration.

    Every key may also be given as COHORT_SYNC_<SECTION>__<KEY> in the environment; --set wins over both.
    """


@config.command()
@config_option
@set_option
@json_option
def check(config_path: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check the configuration, its mappers, types and archives, as a worker would. Exit code 2 when something is wrong; all problems are told at once."""
    from cohort_sync.config import load_settings, wrong_configuration

    settings = load_settings(config_path, overrides=overrides)
    where = str(config_path) if config_path is not None else "the environment"
    problems = [f"{where}: {problem}" for problem in (*_type_problems(settings), *_archive_problems(settings), *_mapper_problems(settings))]
    if problems:
        raise wrong_configuration(problems)
    sources = [source.name for source in settings.sources]
    if as_json:
        print_json({"ok": True, "file": None if config_path is None else str(config_path), "member": settings.member.name, "sources": sources})
        return
    click.echo(f"{where}: ok. Member {settings.member.name} of cohort {settings.cohort.name}, sources: {', '.join(sources) or 'none'}.")


def _mapper_problems(settings: "Settings") -> Iterator[str]:
    """Mappers that are not there, and settings of theirs that are wrong."""
    from cohort_sync.mapping.registry import create_mapper
    from cohort_sync.mapping.spi import MapperSettings

    for source in settings.sources:
        try:
            create_mapper(source.mapper, MapperSettings(source=source.name, options=source.options))
        except ConfigurationError as problem:
            yield f"sources.{source.name}: {problem}"


def _type_problems(settings: "Settings") -> Iterator[str]:
    if not settings.types.only:
        return
    from cohort_sync.worker.type_system import release_types

    try:
        release_types(settings.types.release, settings.types.only)
    except ConfigurationError as problem:
        yield str(problem)


def _archive_problems(settings: "Settings") -> Iterator[str]:
    from cohort_sync.omrs.archive import BadArchive, decode_archive

    for name in settings.types.archives:
        try:
            decode_archive(Path(name).read_bytes())
        except (OSError, BadArchive) as problem:
            yield f"types.archives: {name}: {problem}"


@config.command()
@config_option
@set_option
@json_option
def show(config_path: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show the effective configuration, and where each value comes from. Secrets are masked."""
    from cohort_sync.config import as_document, as_toml, load

    loaded = load(config_path, overrides=overrides, complete=False)
    if as_json:
        print_json(as_document(loaded.settings))
    else:
        click.echo(as_toml(loaded), nl=False)


@config.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there instead of to standard output.")
def schema(output: Path | None) -> None:
    """The JSON Schema of the configuration."""
    from cohort_sync.config import schema_text

    if output is None:
        click.echo(schema_text(), nl=False)
    else:
        output.write_text(schema_text())


@config.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there; an existing file is left alone.")
@click.option("--name", default="my-member", show_default=True, help="Server name of the member.")
@click.option("--cohort", default="my-cohort", show_default=True, help="Name of the cohort.")
@click.option("--topic-root", default="", metavar="TEXT", help="What the names of the cohort's topics begin with; Egeria's default is egeria.omag.")
@click.option("--release", default=RELEASES[0], show_default=True, type=click.Choice(RELEASES), help="Release of the open metadata types of the cohort.")
@click.option("--bootstrap-servers", default="127.0.0.1:9092", show_default=True, help="Kafka brokers, separated by commas.")
@click.option("--store", default="cohort-sync.db", show_default=True, help="SQLite file of the member.")
def init(output: Path | None, name: str, cohort: str, topic_root: str, release: str, bootstrap_servers: str, store: str) -> None:
    """Begin a configuration, with a metadata collection id of its own."""
    from cohort_sync.config import first_file

    text = first_file(name=name, cohort=cohort, topic_root=topic_root, release=release, bootstrap_servers=bootstrap_servers, store=store)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{output} exists and is left alone: it may hold the metadata collection id of a member; choose another name") from None
    except OSError as error:
        raise ConfigurationError(f"{output}: cannot be written: {error.strerror or error}") from error
    click.echo(f"Wrote {output}. Now edit it, and check it with: cohort-sync config check --config {output}")
