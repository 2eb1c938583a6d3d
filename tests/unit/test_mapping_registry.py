"""Mappers that are installed, and the errors of those that are not."""

from importlib.metadata import EntryPoint

import pytest

from cohort_sync.mapping import registry
from cohort_sync.mapping.registry import check_emits, create_mapper, installed, mapper_class
from cohort_sync.mapping.spi import MapperSettings
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.testing.mappers import dry_context, try_mapper
from mappers.debezium.mapper import DebeziumMapper


def test_the_debezium_mapper_is_installed() -> None:
    assert "debezium" in installed()
    assert mapper_class("debezium") is DebeziumMapper
    assert isinstance(create_mapper("debezium", MapperSettings(source="retail")), DebeziumMapper)


def test_every_option_is_described_and_its_default_is_accepted() -> None:
    options = {option.name: option.default for option in DebeziumMapper.options}
    assert all(option.description for option in DebeziumMapper.options)
    create_mapper("debezium", MapperSettings(source="retail", options=options))


def test_a_mapper_that_is_not_installed_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no mapper 'debesium' is installed; there are: .*debezium.*Did you mean 'debezium'\?"):
        mapper_class("debesium")
    with pytest.raises(ConfigurationError, match="no mapper 'zzz' is installed"):
        mapper_class("zzz")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("no.such.module:Mapper", "cannot be loaded: No module named"),
        ("mappers.debezium.mapper:Nothing", "cannot be loaded"),
        ("mappers.debezium.mapper:decode", "is no Mapper class: it lacks name, options, emits, decode, interpret"),
        ("builtins:dict", "is no Mapper class"),
    ],
)
def test_a_mapper_that_cannot_be_used(target: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "installed", lambda: {"broken": EntryPoint("broken", target, registry.GROUP)})
    with pytest.raises(ConfigurationError, match="mapper 'broken'") as problem:
        mapper_class("broken")
    assert told in str(problem.value)


def test_a_wrong_option_names_mapper_and_source() -> None:
    with pytest.raises(ConfigurationError, match=r"mapper 'debezium': source 'retail': .*'rows': got 'maybe'"):
        create_mapper("debezium", MapperSettings(source="retail", options={"rows": "maybe"}))


def test_types_that_a_release_does_not_have_are_named() -> None:
    mapper = DebeziumMapper(MapperSettings(source="retail"))
    check_emits(mapper, dry_context(mapper).registry)
    with pytest.raises(ConfigurationError, match=r"mapper 'debezium' uses types that release \(unnamed\) does not have: Anchors, .*TypeEmbeddedAttribute"):
        check_emits(mapper, TypeRegistry({}, {}))


def test_a_release_that_does_not_exist_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"types\.release: no open metadata types of release '9\.9'"):
        try_mapper(DebeziumMapper(MapperSettings(source="retail")), [], release="9.9")
