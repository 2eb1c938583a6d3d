"""The types that this member knows: those of its release (or a part of them), configured archives, and what it learned from the cohort, in this order."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from cohort_sync.omrs.archive import BadArchive, decode_archive, load_types
from cohort_sync.omrs.errors import ConfigurationError, PoisonEvent
from cohort_sync.omrs.type_part import BadPart, closed_part
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef
from cohort_sync.store.rows import TypeRow
from schemas import read_pack

ATTRIBUTE = "attribute"


class TypeSystem:
    """Two registries: `base` (pack and archives) is what we announce in, so that the type versions of our instances do not move with what peers teach;
    `registry` (with what was learned) is what reference copies are judged by. A registry is never changed: a new one takes its place when the transaction
    that learned a type is durable."""

    def __init__(self, base: TypeRegistry, registry: TypeRegistry) -> None:
        self.base = base
        self.registry = registry

    @classmethod
    def load(cls, release: str, archives: Sequence[str], learned: Sequence[TypeRow], only: Sequence[str] = ()) -> "TypeSystem":
        """`only`: the names of the release's types that are known; none means all. Raises ConfigurationError naming the archive that cannot be used, or
        `types.only` and the types that are missing there."""
        registry = release_types(release, only)
        for name in archives:
            try:
                registry, _ = load_types(registry, decode_archive(Path(name).read_bytes()))
            except (OSError, BadArchive, PoisonEvent) as problem:
                raise ConfigurationError(f"types.archives: {name} cannot be used as an open metadata archive: {problem}") from problem
        base = registry
        for row in learned:
            if row.kind == ATTRIBUTE:
                registry = registry.with_attribute_type(msgspec.json.decode(row.document, type=AttributeTypeDef))
            else:
                registry = registry.with_type(msgspec.json.decode(row.document, type=TypeDef))
        return cls(base, registry)


def release_types(release: str, only: Sequence[str]) -> TypeRegistry:
    """The types of a release that the configuration asks for. Raises ConfigurationError for a list that is not closed."""
    registry = TypeRegistry.from_pack(read_pack(release))
    if not only:
        return registry
    try:
        return closed_part(registry, only)
    except BadPart as problem:
        raise ConfigurationError(f"types.only: {problem}") from problem
