"""Which mappers are installed (entry point group `cohort_sync.mappers`), and whether a mapper fits the types of a release.

A package of anybody can bring a mapper: it needs the entry point `name = "package.module:Class"` and a class that is a `Mapper`.
"""

import difflib
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from cohort_sync.mapping.spi import Mapper, MapperSettings
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.type_registry import TypeRegistry

EventT = TypeVar("EventT")
GROUP = "cohort_sync.mappers"


def installed() -> dict[str, EntryPoint]:
    """The mappers that are installed, by name, sorted. Nothing is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def mapper_class(name: str) -> type[Mapper[object]]:
    """The class of a mapper. Raises ConfigurationError when it is not installed, or cannot be imported, or is no mapper."""
    found = installed()
    entry = found.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, found, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"no mapper {name!r} is installed; there are: {', '.join(found) or 'none'}.{hint}")
    try:
        loaded = entry.load()
    except (ImportError, AttributeError) as problem:
        raise ConfigurationError(f"mapper {name!r} ({entry.value}) cannot be loaded: {problem}. Is everything that it needs installed?") from problem
    missing = [attribute for attribute in ("name", "options", "emits", "decode", "interpret") if not hasattr(loaded, attribute)]
    if not isinstance(loaded, type) or missing:
        raise ConfigurationError(f"mapper {name!r} ({entry.value}) is no Mapper class: it lacks {', '.join(missing) or 'a constructor'}")
    return loaded


def create_mapper(name: str, settings: MapperSettings) -> Mapper[object]:
    """A mapper with its settings. Raises ConfigurationError, which names the source, for a mapper that is not there or an option that is wrong."""
    made = mapper_class(name)
    try:
        return made(settings)
    except ValueError as problem:
        raise ConfigurationError(f"mapper {name!r}: {problem}") from None


def check_emits(mapper: Mapper[EventT], registry: TypeRegistry) -> None:
    """Does the release have every type that the mapper may use? Raises ConfigurationError that names those which it does not have."""
    missing = sorted(name for name in mapper.emits if registry.type_def(name) is None)
    if missing:
        raise ConfigurationError(f"mapper {mapper.name!r} uses types that release {registry.release or '(unnamed)'} does not have: {', '.join(missing)}")
