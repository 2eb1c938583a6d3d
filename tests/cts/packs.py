"""Closed parts of the 4.2 types, which the suite examines in minutes instead of hours: it examines every type that a member knows."""

from collections.abc import Sequence
from functools import cache

from cohort_sync.omrs.type_part import needed_by
from cohort_sync.omrs.type_registry import TypeRegistry
from schemas import read_pack

RELEASE = "4.2"

ENTITIES = (
    "OpenMetadataRoot Referenceable Asset DataStore Database DataSet DeployedDatabaseSchema SchemaElement SchemaType SchemaAttribute ComplexSchemaType "
    "RootSchemaType RelationalDBSchemaType TabularColumn RelationalTable RelationalColumn GlossaryTerm"
)
RELATIONSHIPS = (
    "AssetSchemaType AttributeForSchema NestedSchemaAttribute ForeignKey DataContentForDataSet SemanticAssignment DataFlow LineageMapping RelatedTerm Synonym"
)
CLASSIFICATIONS = "Anchors PrimaryKey TypeEmbeddedAttribute Confidentiality Memento Template"
PACK_OF_33 = (*ENTITIES.split(), *RELATIONSHIPS.split(), *CLASSIFICATIONS.split())
"""What a catalogue of databases is made of; the pack for which Egeria's own figures are known."""


@cache
def release_types() -> TypeRegistry:
    """All types of the release."""
    return TypeRegistry.from_pack(read_pack(RELEASE))


def closed_packs(size: int) -> list[tuple[str, ...]]:
    """Closed packs of about `size` types each, which have every type of the release between them; the same at every call.

    A pack takes the type that needs the fewest types besides those that it has, the first of the release where several do, until it is full. What it shares
    with other packs (the roots, the ends of its relationships) is in each of them.
    """
    order = [str(one.name) for one in release_types().types()]
    closures = {name: needed_by(release_types(), name) | {name} for name in order}
    waiting = dict.fromkeys(order)
    packs = []
    while waiting:
        pack: set[str] = set()
        while waiting:
            best = min(waiting, key=lambda name: len(closures[name] - pack))
            if pack and len(pack | closures[best]) > size:
                break
            pack |= closures[best]
            for name in closures[best]:
                waiting.pop(name, None)
        packs.append(tuple(name for name in order if name in pack))
    return packs


def category_counts(pack: Sequence[str]) -> dict[str, int]:
    """How many entity, relationship and classification types a pack has."""
    counts: dict[str, int] = {}
    for name in pack:
        kind = type(release_types().type_def(name)).__name__
        counts[kind] = counts.get(kind, 0) + 1
    return counts
