"""A part of a release: some of its types, closed, so that none of them needs a type outside of it.

A type needs its supertype; a relationship type needs the types of its ends; a classification type needs at least one of the entity types on which it may
stand. The types themselves are left as they are: a definition that differs from the other members' would be a conflict of types. Attribute types all stay.
"""

import difflib
from collections.abc import Collection, Iterator

from cohort_sync.omrs.errors import FatalFault
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import ClassificationDef, RelationshipDef, TypeDef, TypeDefLink


class BadPart(FatalFault):
    """A list of types that cannot be a part of a release; the message names what is wrong and every type that is missing."""


def closed_part(registry: TypeRegistry, names: Collection[str]) -> TypeRegistry:
    """A registry with these types only, in the order of the release. What belongs to the release (`base`) stays as it was, so that a type which
    was left out is no custom type when another member teaches it.

    Raises BadPart naming the names that the release does not have, or else all types that have to be added, each with what needs it.
    """
    known = {str(one.name): one for one in registry.types()}
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise BadPart(f"no type of release {registry.release}: " + ", ".join(_with_hint(name, known) for name in unknown))
    missing = _missing(registry, known, set(names))
    if missing:
        lines = ", ".join(f"{name} ({', '.join(sorted(users))})" for name, users in sorted(missing.items()))
        raise BadPart(f"not closed, add {lines}; or leave out the types that need them")
    wanted = frozenset(names)
    return TypeRegistry(
        {name: one for name, one in known.items() if name in wanted},
        {str(one.name): one for one in registry.attribute_types()},
        release=registry.release,
        base=registry.base,
    )


def needed_by(registry: TypeRegistry, name: str) -> frozenset[str]:
    """The smallest closed part with this type, the type itself left out. Raises BadPart when the release does not have it."""
    known = {str(one.name): one for one in registry.types()}
    if name not in known:
        raise BadPart(f"no type of release {registry.release}: {_with_hint(name, known)}")
    return frozenset(_missing(registry, known, {name}))


def _missing(registry: TypeRegistry, known: dict[str, TypeDef], names: set[str]) -> dict[str, set[str]]:
    """What would have to be added, at any distance, with why."""
    missing: dict[str, set[str]] = {}
    waiting = sorted(names)
    for name in waiting:  # grows while it is read
        for needed, why in _needs(registry, known[name], names | missing.keys()):
            if needed not in names:
                if needed not in missing:
                    waiting.append(needed)
                missing.setdefault(needed, set()).add(why)
    return missing


def _needs(registry: TypeRegistry, one: TypeDef, present: Collection[str]) -> Iterator[tuple[str, str]]:
    """The types that a type cannot do without, each with the reason."""
    yield from _named(registry, one.super_type, f"supertype of {one.name}")
    match one:
        case RelationshipDef():
            for number, end in enumerate((one.end_def1, one.end_def2), start=1):
                if end is not None:
                    yield from _named(registry, end.entity_type, f"end {number} of {one.name}")
        case ClassificationDef(valid_entity_defs=[first, *_] as links):
            if not any(found.name in present for link in links if (found := registry.linked(link)) is not None):
                yield from _named(registry, first, f"what {one.name} stands on")
        case _:
            return


def _named(registry: TypeRegistry, link: TypeDefLink | None, why: str) -> Iterator[tuple[str, str]]:
    found = None if link is None else registry.linked(link)
    if found is not None:
        yield str(found.name), why


def _with_hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"{name!r} (did you mean {near[0]}?)" if near else repr(name)
