"""The beans of the type system read and write what Java's own classes wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cohort_sync.omrs.enums import PrimitiveDefCategory
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    EntityDef,
    EnumElementDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefGallery,
    TypeDefPatch,
    TypeDefSummary,
)

GOLDEN = Path(__file__).parent.parent / "golden"
BEANS: dict[str, Any] = {
    "typeDef": TypeDef,
    "otherTypeDef": TypeDef,
    "attributeTypeDef": AttributeTypeDef,
    "originalAttributeTypeDef": AttributeTypeDef,
    "otherAttributeTypeDef": AttributeTypeDef,
    "targetAttributeTypeDef": AttributeTypeDef,
    "typeDefPatch": TypeDefPatch,
    "originalTypeDefSummary": TypeDefSummary,
    "targetTypeDefSummary": TypeDefSummary,
    "otherTypeDefSummary": TypeDefSummary,
}


def beans_of(event: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    document = json.loads(event.read_text())
    for section in ("typeDefEventSection", "errorSection"):
        for name, value in document.get(section, {}).items():
            if name in BEANS:
                yield name, value


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def cases(directory: str, pattern: str) -> list[Any]:
    return [pytest.param(name, value, id=f"{event.stem}.{name}") for event in sorted((GOLDEN / directory).glob(pattern)) for name, value in beans_of(event)]


@pytest.mark.parametrize(("name", "value"), cases("events", "*.json"))
def test_a_bean_of_this_protocol_generation_encodes_to_the_bytes_it_came_in(name: str, value: dict[str, Any]) -> None:
    assert msgspec.json.encode(msgspec.json.decode(compact(value), type=BEANS[name])) == compact(value)


@pytest.mark.parametrize(("name", "value"), cases("egeria-4.2", "types_*.json"))
def test_a_bean_that_a_released_server_sent_encodes_to_the_same_value(name: str, value: dict[str, Any]) -> None:
    assert json.loads(msgspec.json.encode(msgspec.json.decode(compact(value), type=BEANS[name]))) == value


def test_the_goldens_hold_every_kind_of_bean() -> None:
    seen = {name for event in (GOLDEN / "events").glob("*.json") for name, _ in beans_of(event)}
    assert seen >= set(BEANS) - {"targetAttributeTypeDef"}


def test_java_primitives_are_written_when_they_are_at_their_default() -> None:
    assert json.loads(msgspec.json.encode(TypeDefAttribute())) == {
        "headerVersion": 1,
        "valuesMinCount": 0,
        "valuesMaxCount": 1,
        "unique": False,
        "indexable": True,
    }
    assert json.loads(msgspec.json.encode(EnumElementDef())) == {"headerVersion": 1, "ordinal": 99}
    assert json.loads(msgspec.json.encode(TypeDefPatch())) == {
        "headerVersion": 1,
        "applyToVersion": 0,
        "updateToVersion": 0,
        "updateMultiLink": False,
        "multiLink": False,
    }
    assert json.loads(msgspec.json.encode(TypeDefSummary())) == {"headerVersion": 1, "version": 0}


def test_unknown_fields_and_a_class_on_an_untagged_bean_are_skipped() -> None:
    found = msgspec.json.decode(
        b'{"name":"A","superType":{"class":"TypeDefLink","name":"B","new":[1]},"category":"ENTITY_DEF","class":"EntityDef","x":{}}',
        type=TypeDef,
    )
    assert isinstance(found, EntityDef)
    assert found.super_type is not None
    assert found.super_type.name == "B"


def test_a_gallery_keeps_the_kinds_apart() -> None:
    gallery = msgspec.json.decode(
        b'{"attributeTypeDefs":[{"class":"PrimitiveDef","name":"int","primitiveDefCategory":"OM_PRIMITIVE_TYPE_INT"}],'
        b'"typeDefs":[{"class":"ClassificationDef","name":"C","propagatable":true}]}',
        type=TypeDefGallery,
    )
    assert json.loads(msgspec.json.encode(gallery)) == {
        "headerVersion": 1,
        "attributeTypeDefs": [
            {
                "class": "PrimitiveDef",
                "headerVersion": 1,
                "version": 0,
                "name": "int",
                "primitiveDefCategory": PrimitiveDefCategory.INT.value,
            }
        ],
        "typeDefs": [{"class": "ClassificationDef", "headerVersion": 1, "name": "C", "version": 0, "propagatable": True}],
    }
