"""A store belongs to one member: what it was made for is written into it, and another configuration is refused before anything is changed."""

import msgspec

from cohort_sync.config.settings import Settings
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.store.protocol import Reader, WriteSet

COLLECTION_ID = "metadata-collection-id"
TYPE_RELEASE = "type-release"
SOURCES = "sources"
VERSION_FLOOR = "version-floor"
"""No version below this one is given out by this store; set when a lost store is recovered, and for good."""


def claim_store(reader: Reader, settings: Settings, now: int) -> tuple[WriteSet, int]:
    """Compare the configuration with the store and write down what is new; answers with the version floor. `now` is epoch milliseconds.

    Raises ConfigurationError when the metadata collection id or the type release is another one, or when a source was renamed: its guards and objects are
    kept under its name, so that a new name would announce everything a second time.
    """
    writes = WriteSet()
    for name, key, value in (
        (COLLECTION_ID, "member.metadata_collection_id", settings.member.metadata_collection_id),
        (TYPE_RELEASE, "types.release", settings.types.release),
    ):
        stored = reader.fact(name)
        if stored is None:
            writes.facts[name] = value
        elif stored != value:
            raise ConfigurationError(
                f"{key}: got {value!r}, but the store {settings.store.path} was made for {stored!r} and cannot change it. "
                f"Put {stored!r} back, or give this member a store of its own (store.path)."
            )
    known = msgspec.json.decode(reader.fact(SOURCES) or "[]", type=list[str])
    configured = [source.name for source in settings.sources]
    gone, new = sorted(set(known) - set(configured)), sorted(set(configured) - set(known))
    if gone and new:
        raise ConfigurationError(
            f"sources: {', '.join(map(repr, new))} new and {', '.join(map(repr, gone))} gone since the last start of the store {settings.store.path}. "
            "If a source was renamed, put its old name back: what the store remembers is kept under it. "
            "If one was really replaced, start once without the new one."
        )
    if configured != known:
        writes.facts[SOURCES] = msgspec.json.encode(configured).decode()
    floor = reader.fact(VERSION_FLOOR)
    if floor is None and settings.worker.recovering:
        floor = writes.facts[VERSION_FLOOR] = str(now // 1000)
    return writes, int(floor or 0)
