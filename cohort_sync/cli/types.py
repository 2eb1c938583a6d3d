"""`cohort-sync types list|show|check|load|diff`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cohort_sync.cli.groups import Group
from cohort_sync.cli.options import json_option
from cohort_sync.cli.output import harmless, print_json, print_pairs, print_table
from cohort_sync.omrs.errors import ConfigurationError, FatalFault

if TYPE_CHECKING:
    from cohort_sync.omrs.archive import OpenMetadataArchive
    from cohort_sync.omrs.type_registry import TypeRegistry
    from cohort_sync.omrs.typedefs import TypeDef, TypeDefAttribute

KINDS = {"entity": "ENTITY_DEF", "relationship": "RELATIONSHIP_DEF", "classification": "CLASSIFICATION_DEF"}

release_option = click.option("--release", default="6.1", show_default=True, metavar="RELEASE", help="Release of the open metadata types.")


@click.group(cls=Group, short_help="The open metadata types.")
def types() -> None:
    """The open metadata types that this program carries, and archives with more of them."""


@types.command("list")
@release_option
@click.option("--kind", type=click.Choice([*KINDS, "attribute"]), help="Only types of this kind.")
@click.option("--under", metavar="TYPE", help="Only this type and its subtypes.")
@json_option
def list_types(release: str, kind: str | None, under: str | None, as_json: bool) -> None:
    """List the types of a release."""
    from cohort_sync.omrs.type_registry import category_of, named

    registry = load_registry(release)
    if under is not None:
        _known(registry, under)
    rows = [
        (named(one), category_of(one).value, one.super_type.name if one.super_type else None, one.version, str(one.guid))
        for one in registry.types()
        if (kind is None or category_of(one).value == KINDS.get(kind)) and (under is None or registry.is_a(named(one), under))
    ]
    if kind in (None, "attribute") and under is None:
        rows += [(named(one), one.category.value if one.category else "-", None, one.version, str(one.guid)) for one in registry.attribute_types()]
    if as_json:
        print_json(
            [{"name": name, "category": category, "superType": above, "version": version, "guid": guid} for name, category, above, version, guid in rows]
        )
    else:
        print_table(f"Open metadata types {release}: {len(rows)}", ("name", "category", "supertype", "version", "guid"), rows, right=("version",))


@types.command()
@click.argument("name")
@release_option
@json_option
def show(name: str, release: str, as_json: bool) -> None:
    """Show one type: what it is, its attributes (inherited ones too), its ends or where it may stand."""
    registry = load_registry(release)
    attribute_type = registry.attribute_type(name)
    if attribute_type is not None:
        import msgspec

        if as_json:
            print_json(attribute_type)
        else:
            print_pairs((str(key), value) for key, value in msgspec.to_builtins(attribute_type).items())
        return
    found = _known(registry, name)
    if as_json:
        attributes = [{"attribute": attribute, "inherited": owner != name} for owner, attribute in _attributes(registry, name)]
        print_json({"type": found, "supertypes": registry.supertypes(name), "subtypes": sorted(registry.subtypes(name)), "attributes": attributes})
        return
    _show_type(registry, found, name)


@types.command()
@click.option("--release", multiple=True, metavar="RELEASE", help="Only this release; may be repeated. All without it.")
@json_option
def check(release: tuple[str, ...], as_json: bool) -> None:
    """Check that the types of each release are complete and consistent. Exit code 1 when they are not."""
    from cohort_sync.omrs.type_check import type_problems
    from schemas import RELEASES

    results = []
    for name in release or RELEASES:
        registry = load_registry(name)
        counts = {"types": sum(1 for _ in registry.types()), "attributeTypes": sum(1 for _ in registry.attribute_types())}
        results.append((name, counts, type_problems(registry)))
    if as_json:
        print_json({name: {**counts, "problems": problems} for name, counts, problems in results})
    else:
        for name, counts, problems in results:
            verdict = "ok" if not problems else f"{len(problems)} problems"
            click.echo(f"open metadata types {name}: {counts['types']} types, {counts['attributeTypes']} attribute types: {verdict}")
            for problem in problems:
                click.echo(f"  {problem}")
    if any(problems for _, _, problems in results):
        raise click.exceptions.Exit(1)


@types.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE...")
@release_option
@json_option
def load(files: tuple[Path, ...], release: str, as_json: bool) -> None:
    """Load archives (.omarchive) over the types of a release, in this order, and tell what became of each type and patch.

    Nothing is kept: a worker loads the archives that its types.archives names. Exit code 1 when something was not taken or lacks its supertype.
    """
    from cohort_sync.omrs.archive import load_types

    registry = load_registry(release)
    reports = []
    for path in files:
        registry, report = load_types(registry, _archive(path))
        reports.append((path, report))
    results = []
    for path, report in reports:
        problems = [f"{change.name}: {change.verdict.value}: {change.reason}" for change in report.rejected()]
        problems += [f"{name}: lacks its supertype {missing}" for name, missing in report.waiting(registry).items()]
        results.append((path, report, problems))
    if as_json:
        print_json(
            [
                {
                    "file": str(path),
                    "guid": report.guid,
                    "name": report.name,
                    "version": report.version,
                    "types": {verdict.value: count for verdict, count in sorted(report.counts().items())},
                    "entities": report.entities,
                    "relationships": report.relationships,
                    "classifications": report.classifications,
                    "problems": problems,
                }
                for path, report, problems in results
            ]
        )
    else:
        for path, report, problems in results:
            counts = ", ".join(f"{count} {verdict.value}" for verdict, count in sorted(report.counts().items())) or "none"
            click.echo(harmless(f"{path}: {report.name} {report.version} ({report.guid}): types and patches: {counts}"))
            for problem in problems:
                click.echo(f"  {harmless(problem)}")
    if any(problems for _, _, problems in results):
        raise click.exceptions.Exit(1)


@types.command()
@click.argument("source", metavar="RELEASE")
@click.argument("target", metavar="OTHER")
@click.argument("name", metavar="[TYPE]", required=False)
@json_option
def diff(source: str, target: str, name: str | None, as_json: bool) -> None:
    """Show how the types of two releases differ: `types diff 6.1 4.2`, or of one type: `types diff 6.1 4.2 Database`.

    Types are the same when they have the same GUID, so that a renamed one is seen. Where instances can be translated from RELEASE to OTHER, it says what
    becomes of each type and attribute.
    """
    from cohort_sync.cli.types_diff import print_differences

    print_differences(load_registry(source, "RELEASE"), load_registry(target, "OTHER"), name, as_json=as_json)


def load_registry(release: str, what: str = "--release") -> "TypeRegistry":
    """The types of a release that the package carries. ConfigurationError for a release that it does not carry; `what` says where it was named."""
    from cohort_sync.omrs.type_registry import TypeRegistry
    from schemas import read_pack

    try:
        pack = read_pack(release)
    except ValueError as error:
        raise ConfigurationError(f"{what}: {error}") from error
    return TypeRegistry.from_pack(pack)


def _archive(path: Path) -> "OpenMetadataArchive":
    from cohort_sync.omrs.archive import BadArchive, decode_archive

    try:
        return decode_archive(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except BadArchive as error:
        raise BadArchive(f"{path}: {error}") from error


def _known(registry: "TypeRegistry", name: str) -> "TypeDef":
    from difflib import get_close_matches

    found = registry.type_def(name)
    if found is None:
        names = [str(one.name) for one in registry.types()]
        near = [*get_close_matches(name, names, 3), *(one for one in names if name.lower() in one.lower())][:3]
        raise FatalFault(f"there is no type {name!r} in release {registry.release}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    return found


def _attributes(registry: "TypeRegistry", name: str) -> "list[tuple[str, TypeDefAttribute]]":
    """The attributes with the type that defines each, the type's own first."""
    owned = {}
    for owner in reversed((name, *registry.supertypes(name))):
        type_def = registry.type_def(owner)
        for attribute in (type_def.properties_definition if type_def else None) or ():
            owned[str(attribute.attribute_name)] = owner
    return [(owned[attribute], definition) for attribute, definition in registry.attributes(name).items()]


def _show_type(registry: "TypeRegistry", found: "TypeDef", name: str) -> None:
    from cohort_sync.omrs.type_registry import category_of
    from cohort_sync.omrs.typedefs import ClassificationDef, RelationshipDef

    pairs: list[tuple[str, object]] = [
        ("name", name),
        ("category", category_of(found).value),
        ("guid", found.guid),
        ("version", found.version),
        ("supertypes", ", ".join(registry.supertypes(name)) or None),
        ("subtypes", ", ".join(sorted(registry.subtypes(name))) or None),
        ("description", found.description),
    ]
    match found:
        case RelationshipDef():
            for number, end in enumerate(registry.ends(name), start=1):
                cardinality = end.attribute_cardinality.value if end.attribute_cardinality else "-"
                pairs.append((f"end {number}", f"{end.entity_type.name if end.entity_type else '-'} as {end.attribute_name} ({cardinality})"))
            pairs.append(("multi-link", found.multi_link))
        case ClassificationDef():
            pairs.append(("stands on", ", ".join(str(link.name) for link in found.valid_entity_defs or ()) or "any entity"))
        case _:
            pairs.append(("unique attributes", ", ".join(registry.unique_attributes(name)) or None))
    print_pairs(pairs)
    rows = [
        (
            attribute.attribute_name,
            attribute.attribute_type.name if attribute.attribute_type else None,
            attribute.attribute_cardinality.value if attribute.attribute_cardinality else None,
            owner,
            attribute.attribute_status.value if attribute.attribute_status else None,
        )
        for owner, attribute in _attributes(registry, name)
    ]
    print_table("Attributes", ("name", "type", "cardinality", "defined in", "status"), rows)
