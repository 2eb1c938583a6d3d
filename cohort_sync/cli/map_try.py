"""`cohort-sync map try`: what a mapper makes of a file of records, without a broker, a store or a cohort."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cohort_sync.cli.groups import Group
from cohort_sync.cli.options import config_option, json_option
from cohort_sync.cli.output import harmless, print_json, print_table
from cohort_sync.omrs.errors import ConfigurationError

if TYPE_CHECKING:
    from cohort_sync.cohort.dry_run import DryRunResult
    from cohort_sync.config.settings import Settings, SourceSettings
    from cohort_sync.mapping.record import SourceRecord


@click.group("map", cls=Group, short_help="Try a mapper on records.")
def map_group() -> None:
    """Try a mapper on records."""


@map_group.command("try")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.jsonl")
@click.option("--mapper", "mapper_name", required=True, metavar="NAME", help="Name of the mapper, e.g. debezium.")
@click.option(
    "--collection-id", metavar="UUID", help="Metadata collection id that GUIDs are derived from; without it that of --config, else that of the samples."
)
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A setting of the mapper; may be repeated.")
@config_option
@click.option("--source", "source_name", metavar="NAME", help="Which source of --config, when several have this mapper.")
@click.option("--release", metavar="RELEASE", help="Release of the open metadata types; without it that of --config, else 6.1.")
@click.option("--state", is_flag=True, help="With --json: every final instance as OMRS JSON, too.")
@json_option
def try_command(
    file: Path,
    mapper_name: str,
    collection_id: str | None,
    options: tuple[str, ...],
    config_path: Path | None,
    source_name: str | None,
    release: str | None,
    state: bool,
    as_json: bool,
) -> None:
    """Apply the records of FILE.jsonl, in their order, to an empty state, and tell what became of each and what is there in the end.

    One JSON object a line: {"topic": ..., "key": ..., "value": ..., "headers": {...}}. A key or value that is an object or a list stands for its JSON text, a
    string for exactly these bytes, null for none.
    """
    from cohort_sync.mapping.registry import create_mapper
    from cohort_sync.mapping.spi import MapperSettings
    from cohort_sync.testing.mappers import SAMPLE_COLLECTION_ID, try_mapper

    settings = _settings(config_path)
    source = _source(settings, mapper_name, source_name)
    mapper = create_mapper(
        mapper_name, MapperSettings(source=source.name if source else mapper_name, options={**(source.options if source else {}), **_pairs(options)})
    )
    records = _records(file)
    result = try_mapper(
        mapper,
        records,
        collection_id=collection_id or (settings.member.metadata_collection_id if settings else SAMPLE_COLLECTION_ID),
        release=release or (settings.types.release if settings else "6.1"),
        soft_delete=source is not None and source.delete_mode == "delete",
    )
    if as_json:
        print_json(result.document(state=state))
    else:
        _print(records, result)


def _records(file: Path) -> "list[SourceRecord]":
    from cohort_sync.mapping.samples import BadSample, read_samples

    try:
        return list(read_samples(file.read_bytes()))
    except OSError as problem:
        raise ConfigurationError(f"{file}: cannot be read: {problem.strerror or problem}") from problem
    except BadSample as problem:
        raise ConfigurationError(f"{file}: {problem}") from None


def _pairs(options: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set {option}: expected KEY=VALUE")
        pairs[key.strip()] = value
    return pairs


def _settings(config_path: Path | None) -> "Settings | None":
    if config_path is None:
        return None
    from cohort_sync.config import load_settings

    return load_settings(config_path, complete=False)


def _source(settings: "Settings | None", mapper: str, name: str | None) -> "SourceSettings | None":
    """The source of the configuration that has this mapper; None when there is none, and nobody asked for one by name."""
    if settings is None:
        return None
    found = [source for source in settings.sources if source.mapper == mapper and name in (None, source.name)]
    if len(found) > 1:
        raise ConfigurationError(f"several sources have mapper {mapper!r}: {', '.join(source.name for source in found)}; say which with --source NAME")
    if not found and name is not None:
        raise ConfigurationError(f"no source {name!r} with mapper {mapper!r} in the configuration")
    return found[0] if found else None


def _print(records: "list[SourceRecord]", result: "DryRunResult") -> None:
    outcomes = [(record.place, outcome.word, outcome.reason) for record, outcome in zip(records, result.outcomes, strict=True)]
    print_table(f"{len(outcomes)} records", ("record", "outcome", "reason"), outcomes)
    counted = [(kind, name, n) for kind in ("entities", "relationships", "classifications") for name, n in getattr(result, kind).items()]
    print_table("What is there in the end", ("kind", "type", "number"), counted, right=("number",))
    click.echo(harmless(f"{len(result.guids)} qualified names; --json tells them with their GUIDs, --state every instance."))
