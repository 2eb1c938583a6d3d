"""The sources of the configuration as mappers and contexts, checked before anything is started."""

from collections.abc import Callable

import msgspec
import structlog

from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.outbound import SourceContext
from cohort_sync.config import exchange_filter
from cohort_sync.config.settings import Settings, SourceSettings
from cohort_sync.mapping.registry import check_emits, create_mapper
from cohort_sync.mapping.spi import Mapper, MapperSettings
from cohort_sync.mapping.translation import Dropped, Translator
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.type_translation import TypeTranslation
from schemas import read_pack, read_translation

_log = structlog.stdlib.get_logger(__name__)
MAPPERS_SPEAK = "6.1"
"""The type release in whose terms every mapper gives its desired state."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source, ready to be read: `context` answers with the present registry each time."""

    settings: SourceSettings
    mapper: Mapper[object]
    context: Callable[[], SourceContext]
    group: str


def build_sources(settings: Settings, member: LocalMember, registry: Callable[[], TypeRegistry], version_floor: int) -> list[Source]:
    """Raises ConfigurationError for a mapper that is not installed, an option that is wrong, or a type that the release has no home for."""
    translation = _translation(settings.types.release)
    return [_source(each, settings, member, registry, translation, version_floor) for each in settings.sources]


def _source(
    each: SourceSettings,
    settings: Settings,
    member: LocalMember,
    registry: Callable[[], TypeRegistry],
    translation: TypeTranslation | None,
    version_floor: int,
) -> Source:
    mapper = create_mapper(each.mapper, MapperSettings(source=each.name, options=each.options))
    if settings.types.only:
        _check_only(each, mapper, registry(), translation)
    if translation is None:
        check_emits(mapper, registry())
        translate = None
    else:
        problems = translation.problems(mapper.emits)
        if problems:
            raise ConfigurationError(
                f"sources {each.name!r}: mapper {each.mapper!r} cannot be used with types.release {translation.target.release}: {'; '.join(problems)}"
            )
        translate = Translator(translation).counting(_TellOnce(each.name))

    def context() -> SourceContext:
        return SourceContext(
            source=each.name,
            member=member,
            registry=registry(),
            translate=translate,
            send=exchange_filter(settings.cohort, "send"),
            soft_delete=each.delete_mode == "delete",
            version_floor=version_floor,
            max_event_bytes=settings.kafka.max_event_bytes,
            max_bad_run=settings.worker.max_consecutive_dead_letters,
        )

    group = each.group or f"cohort-sync.{settings.member.name}.{each.name}"
    return Source(settings=each, mapper=mapper, context=context, group=group)


def _check_only(each: SourceSettings, mapper: Mapper[object], registry: TypeRegistry, translation: TypeTranslation | None) -> None:
    """What a mapper makes must be among the types that the member knows. A type that the release does not have is told by the checks after this one."""
    problems = set() if translation is None else {name for name in mapper.emits if translation.problems([name])}
    made = {name if translation is None else translation.target_name(name) for name in mapper.emits - problems}
    left_out = sorted(name for name in made if registry.type_def(name) is None and name in registry.base)
    if left_out:
        raise ConfigurationError(
            f"types.only: the source {each.name!r} (mapper {each.mapper!r}) makes instances of types that are not in the list; add {', '.join(left_out)}"
        )


def _translation(release: str) -> TypeTranslation | None:
    if release == MAPPERS_SPEAK:
        return None
    spoken, wanted = (TypeRegistry.from_pack(read_pack(each)) for each in (MAPPERS_SPEAK, release))
    return TypeTranslation(read_translation(MAPPERS_SPEAK, release), spoken, wanted)


class _TellOnce:
    """Counts what an older release has no home for, and says each kind of it once: it concerns every object alike."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.counts: dict[tuple[str, str], int] = {}

    def __call__(self, dropped: Dropped) -> None:
        key = (dropped.type_name, dropped.attribute)
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] == 1:
            _log.info(
                "The type release has no home for a value; it is left out wherever it comes",
                source=self._source,
                type=dropped.type_name,
                attribute=dropped.attribute or "(the whole classification)",
                reason=dropped.reason,
            )
