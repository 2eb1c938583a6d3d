"""A source whose mapper needs types that the member does not know is refused before anything is started."""

import pytest

from cohort_sync.cohort.member import LocalMember
from cohort_sync.config.settings import CohortSettings, MemberSettings, Settings, SourceSettings, StoreSettings, TypesSettings
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.worker.sources import build_sources
from cohort_sync.worker.type_system import TypeSystem

BASE = ["OpenMetadataRoot", "Referenceable", "Asset"]


def build(release: str, only: list[str]) -> None:
    settings = Settings(
        member=MemberSettings(name="retail", metadata_collection_id="id-1"),
        cohort=CohortSettings(name="coco"),
        store=StoreSettings(path="retail.db"),
        types=TypesSettings(release=release, only=tuple(only)),
        sources=(SourceSettings(name="shop", mapper="debezium", topics=("t",)),),
    )
    types = TypeSystem.load(release, (), (), settings.types.only)
    member = LocalMember(metadata_collection_id="id-1", metadata_collection_name="retail", server_name="retail")
    (source,) = build_sources(settings, member, lambda: types.base, 0)
    assert source.settings.name == "shop"


def missing(release: str, only: list[str]) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        build(release, only)
    start, _, names = str(refusal.value).partition("; add ")
    assert start == "types.only: the source 'shop' (mapper 'debezium') makes instances of types that are not in the list"
    return names.split(", ")


@pytest.mark.parametrize(("release", "database"), [("6.1", "RelationalDatabase"), ("4.2", "Database")])
def test_the_list_needs_what_the_mapper_makes_under_its_name_in_the_release(release: str, database: str) -> None:
    build(release, [])
    names = missing(release, BASE)
    assert database in names
    with pytest.raises(ConfigurationError, match=r"^types\.only: not closed, add "):
        build(release, [*BASE, *names])
