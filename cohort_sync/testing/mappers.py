"""Try a mapper on records: the real planner over a store in memory. What `cohort-sync map try` does, and what the tests of a mapper need.

result = try_mapper(MyMapper(MapperSettings(source="mine")), read_samples(Path("samples.jsonl").read_bytes()))
assert golden_differences(result, expectation) == []
"""

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Any

from cohort_sync.cohort.dry_run import DryRunResult, run_dry
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.outbound import SourceContext
from cohort_sync.mapping.harness import Expectation, Result, differences
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.registry import check_emits
from cohort_sync.mapping.spi import Mapper
from cohort_sync.mapping.translation import Translator
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.type_translation import TypeTranslation
from cohort_sync.store.memory import MemoryStore
from schemas import read_pack, read_translation

MAPPERS_SPEAK = "6.1"
SAMPLE_COLLECTION_ID = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"
"""The metadata collection id of the sample files."""


def try_mapper(
    mapper: Mapper[Any],
    records: Iterable[SourceRecord],
    *,
    collection_id: str = SAMPLE_COLLECTION_ID,
    release: str = MAPPERS_SPEAK,
    soft_delete: bool = False,
    batch_size: int = 500,
) -> DryRunResult:
    """Apply records in their order to an empty state. Not to be called inside an event loop.

    Raises ConfigurationError when the release is not known or has no home for a type of the mapper.
    """
    context = dry_context(mapper, collection_id=collection_id, release=release, soft_delete=soft_delete)
    return asyncio.run(_run(mapper, records, context, batch_size))


async def _run(mapper: Mapper[Any], records: Iterable[SourceRecord], context: SourceContext, batch_size: int) -> DryRunResult:
    store = MemoryStore()
    await store.open()
    try:
        return await run_dry(store, mapper, records, context, batch_size=batch_size)
    finally:
        await store.close()


def dry_context(mapper: Mapper[Any], *, collection_id: str = SAMPLE_COLLECTION_ID, release: str = MAPPERS_SPEAK, soft_delete: bool = False) -> SourceContext:
    """What planning needs to know, for a member that exists only for the trial."""
    member = LocalMember(metadata_collection_id=collection_id, metadata_collection_name="trial", server_name="trial")
    try:
        registry = _registry(release)
        translation = None if release == MAPPERS_SPEAK else _translation(release)
    except ValueError as problem:
        raise ConfigurationError(f"types.release: {problem}") from None
    if translation is None:
        check_emits(mapper, registry)
        return SourceContext(source=mapper.name, member=member, registry=registry, soft_delete=soft_delete)
    problems = translation.problems(mapper.emits)
    if problems:
        raise ConfigurationError(f"mapper {mapper.name!r} cannot be used with types.release {release}: {'; '.join(problems)}")
    translator = Translator(translation)
    return SourceContext(
        source=mapper.name, member=member, registry=registry, soft_delete=soft_delete, translate=lambda desired: translator.translate(desired).object
    )


@cache
def _registry(release: str) -> TypeRegistry:
    """A registry is a value, so one is enough for all trials of a process."""
    return TypeRegistry.from_pack(read_pack(release))


@cache
def _translation(release: str) -> TypeTranslation:
    return TypeTranslation(read_translation(MAPPERS_SPEAK, release), _registry(MAPPERS_SPEAK), _registry(release))


def golden_differences(result: DryRunResult, expected: Expectation) -> list[str]:
    """How a result differs from what a golden file says; empty when it is as expected."""
    plain = Result(
        outcomes=[outcome.word for outcome in result.outcomes],
        reasons=[outcome.reason for outcome in result.outcomes],
        entities=result.entities,
        relationships=result.relationships,
        classifications=result.classifications,
        guids=result.guids,
    )
    return differences(plain, expected)
