"""The fingerprint of a home collection: what makes two stores equal, what makes them differ, and the rows it is made of."""

import json
import re
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.enums import InstanceStatus, PrimitiveDefCategory, TypeDefCategory
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.properties import (
    ArrayPropertyValue,
    EnumPropertyValue,
    InstanceProperties,
    MapPropertyValue,
    PrimitivePropertyValue,
    StructPropertyValue,
)
from cohort_sync.store.canonical import canonical_number, canonical_properties
from cohort_sync.store.fingerprint import Fingerprint, canonical_instance, fingerprint
from cohort_sync.store.memory import MemoryReader, MemoryState
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind
from cohort_sync.store.stored import (
    classification_of,
    classification_row,
    entity_of,
    entity_rows,
    proxy_of,
    proxy_rows,
    qualified_name,
    relationship_of,
    relationship_row,
    tombstone_of,
)

HOME, PEER = "home", "peer"
GOLDENS = sorted((Path(__file__).parent.parent / "golden" / "events").glob("instance_*.json"))


def primitive(text: str, category: PrimitiveDefCategory = PrimitiveDefCategory.STRING) -> PrimitivePropertyValue:
    return PrimitivePropertyValue(primitive_def_category=category, primitive_value=msgspec.Raw(text.encode()))


def properties(**values: object) -> InstanceProperties:
    return InstanceProperties(instance_properties=values)


def typed(name: str, category: TypeDefCategory = TypeDefCategory.ENTITY_DEF) -> InstanceType:
    return InstanceType(type_def_category=category, type_def_guid=f"guid of {name}", type_def_name=name, type_def_version=1)


def classification(name: str | None, home: str = HOME, **fields: object) -> Classification:
    kind = typed(str(name), TypeDefCategory.CLASSIFICATION_DEF)
    return Classification(**({"type": kind, "metadata_collection_id": home, "create_time": 1, "version": 1, "name": name} | fields))


def entity(guid: str = "a", **fields: object) -> EntityDetail:
    basic = {"guid": guid, "type": typed("Asset"), "metadata_collection_id": HOME, "create_time": 1, "version": 1, "status": InstanceStatus.ACTIVE}
    return EntityDetail(**(basic | {"properties": properties(qualifiedName=primitive(f'"{guid}"'))} | fields))


def proxy(guid: str | None, **fields: object) -> EntityProxy:
    basic = {"guid": guid, "type": typed("Asset"), "metadata_collection_id": HOME, "create_time": 1, "version": 1, "status": InstanceStatus.ACTIVE}
    return EntityProxy(**(basic | fields))


def link(guid: str = "r", one: str = "a", two: str = "b", **fields: object) -> Relationship:
    basic = {"guid": guid, "type": typed("DataFlow", TypeDefCategory.RELATIONSHIP_DEF), "metadata_collection_id": HOME, "create_time": 1, "version": 1}
    return Relationship(**(basic | {"status": InstanceStatus.ACTIVE, "entity_one_proxy": proxy(one), "entity_two_proxy": proxy(two)} | fields))


def printed(*instances: EntityDetail | EntityProxy | Relationship, exact: bool = False, home: str = HOME) -> Fingerprint:
    """The fingerprint of a store that holds these."""
    writes = WriteSet()
    for instance in instances:
        classifications: list[ClassificationRow] = []
        match instance:
            case EntityDetail():
                row, classifications = entity_rows(instance)
            case EntityProxy():
                row, classifications = proxy_rows(instance)
            case Relationship():
                row = relationship_row(instance)
        writes.instances[row.guid] = row
        writes.classifications.update({(each.entity_guid, each.name): each for each in classifications})
    return fingerprint(MemoryReader(MemoryState().apply(writes, 0)), home, exact)


class TestWhatCounts:
    def test_it_is_the_hash_of_the_lines_in_the_order_of_the_guids(self) -> None:
        rows = [entity_rows(entity("b"))[0], entity_rows(entity("a"))[0], relationship_row(link("c"))]
        lines = b"".join(canonical_instance(row, ()) + b"\n" for row in sorted(rows))
        assert printed(entity("b"), link("c"), entity("a")) == Fingerprint(2, 1, sha256(lines).hexdigest())

    def test_a_line_is_canonical_json(self) -> None:
        row, classifications = entity_rows(
            entity(
                classifications=[
                    classification("Z"),
                    classification("A", PEER, properties=properties(level=EnumPropertyValue(ordinal=2, symbolic_name="HIGH"))),
                ]
            )
        )
        assert canonical_instance(row, classifications) == (
            b'{"classifications":[{"home":"peer","name":"A","properties":{"values":{"level":["ENUM",2,"HIGH"]}}},{"home":"home","name":"Z"}],'
            b'"guid":"a","properties":{"values":{"qualifiedName":["OM_PRIMITIVE_TYPE_STRING","a"]}},"status":"ACTIVE","type":"Asset"}'
        )
        assert json.loads(canonical_instance(relationship_row(link()), ())) == {"ends": ["a", "b"], "guid": "r", "status": "ACTIVE", "type": "DataFlow"}

    def test_nothing_has_a_fingerprint_too(self) -> None:
        assert printed() == Fingerprint(0, 0, sha256().hexdigest())

    @pytest.mark.parametrize(
        "other",
        [
            entity("other"),
            entity(type=typed("DataSet")),
            entity(status=InstanceStatus.DELETED),
            entity(properties=properties(qualifiedName=primitive('"b"'))),
            entity(properties=properties(qualifiedName=primitive('"a"'), more=primitive('""'))),
            entity(properties=replace(properties(qualifiedName=primitive('"a"')), effective_from_time=0)),
            entity(properties=None),
            entity(classifications=[classification("Anchors")]),
        ],
        ids=["guid", "type", "status", "property", "empty text", "effective date", "no properties", "classification"],
    )
    def test_content_makes_a_difference(self, other: EntityDetail) -> None:
        assert printed(other).hex != printed(entity()).hex

    @pytest.mark.parametrize(
        "other",
        [classification("B"), classification("A", PEER), classification("A", properties=properties(x=primitive('"y"')))],
        ids=["name", "home", "properties"],
    )
    def test_content_of_a_classification_makes_a_difference(self, other: Classification) -> None:
        assert printed(entity(classifications=[other])).hex != printed(entity(classifications=[classification("A")])).hex

    @pytest.mark.parametrize("other", [link(one="b", two="a"), link(two="c"), link(properties=properties(label=primitive('"x"')))])
    def test_ends_and_properties_of_a_relationship_make_a_difference(self, other: Relationship) -> None:
        assert printed(other).hex != printed(link()).hex

    @pytest.mark.parametrize(
        "other",
        [
            entity(version=2),
            entity(create_time=2),
            entity(update_time=2),
            entity(classifications=[classification("A", version=2)]),
            entity(classifications=[classification("A", create_time=2)]),
            entity(classifications=[classification("A", update_time=2)]),
            link(version=2),
        ],
        ids=["version", "createTime", "updateTime", "classification version", "its createTime", "its updateTime", "relationship version"],
    )
    def test_versions_and_times_count_when_it_is_exact(self, other: EntityDetail | Relationship) -> None:
        same = link() if isinstance(other, Relationship) else entity(classifications=[classification("A")] if other.classifications else None)
        assert printed(other).hex == printed(same).hex
        assert printed(other, exact=True).hex != printed(same, exact=True).hex

    def test_what_belongs_to_the_copy_does_not_count(self) -> None:
        copy = entity(
            replicated_by="x", created_by="u", updated_by="u", maintained_by=["u"], metadata_collection_name="n", last_request_id="q", instance_license="l"
        )
        assert printed(copy, exact=True) == printed(entity(), exact=True)
        fresh = proxy("a", version=9, unique_properties=properties(qualifiedName=primitive('"new"')))
        assert printed(link(entity_one_proxy=fresh), exact=True) == printed(link(), exact=True)

    def test_proxies_and_other_homes_are_not_in_it(self) -> None:
        assert printed(entity(), proxy("p"), entity("x", metadata_collection_id=PEER)) == printed(entity())

    def test_a_soft_deleted_instance_counts(self) -> None:
        assert printed(entity(), entity("gone", status=InstanceStatus.DELETED)).entities == 2
        assert printed(entity(), entity("gone", status=InstanceStatus.DELETED)).hex != printed(entity()).hex

    def test_more_instances_than_a_batch(self) -> None:
        many = [entity(f"{n:05}", classifications=[classification("A")]) for n in range(1300)]
        assert printed(*many).entities == 1300
        assert printed(*many[:-1], replace(many[-1], classifications=None)).hex != printed(*many).hex


NUMBERS = (PrimitiveDefCategory.INT, PrimitiveDefCategory.LONG, PrimitiveDefCategory.DOUBLE, PrimitiveDefCategory.BIGDECIMAL, PrimitiveDefCategory.BIGINTEGER)


def canonical(value: object) -> bytes:
    return msgspec.json.encode(canonical_properties(properties(x=value)), order="sorted")


class TestEqualValues:
    @pytest.mark.parametrize(
        "texts", [("1.0", "1.00", "1", "1e0", "10E-1", "0.1e+1"), ("0", "-0", "0.0", "0e7", "-0.00"), ("-120", "-1.2e2", "-12E1"), ("0.25", "25e-2")]
    )
    @pytest.mark.parametrize("category", NUMBERS)
    def test_a_number_is_the_same_however_it_is_written(self, texts: tuple[str, ...], category: PrimitiveDefCategory) -> None:
        assert len({canonical(primitive(text, category)) for text in texts}) == 1

    @given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 5))
    def test_decimals_are_exact(self, number: Decimal, zeros: int) -> None:
        text = canonical_number(str(number))
        assert Decimal(text) == number
        assert re.fullmatch(r"0|-?[1-9]([0-9]*[1-9])?(e-?[0-9]+)?", text), "the one form"
        plain = format(number, "f")
        assert canonical_number(plain + ("" if "." in plain else ".") + "0" * zeros if zeros else plain) == text

    @given(st.integers(), st.integers())
    def test_different_integers_differ(self, one: int, two: int) -> None:
        assert (canonical_number(str(one)) == canonical_number(str(two))) == (one == two)

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_a_double_is_the_double_and_not_its_digits(self, number: float) -> None:
        shortest, longest = repr(number), format(Decimal(number), "f")
        assert canonical(primitive(shortest, PrimitiveDefCategory.DOUBLE)) == canonical(primitive(longest, PrimitiveDefCategory.DOUBLE))

    def test_a_double_of_any_size_stands_for_itself(self) -> None:
        assert canonical(primitive("1e999", PrimitiveDefCategory.DOUBLE)) != canonical(primitive("1e998", PrimitiveDefCategory.DOUBLE))

    def test_numbers_are_told_from_texts_and_categories_from_each_other(self) -> None:
        values = [primitive("5", category) for category in NUMBERS] + [primitive('"5"'), primitive('"5"', PrimitiveDefCategory.UNKNOWN)]
        values += [
            primitive("5", PrimitiveDefCategory.UNKNOWN),
            primitive("true", PrimitiveDefCategory.BOOLEAN),
            primitive("false", PrimitiveDefCategory.BOOLEAN),
        ]
        assert len({canonical(value) for value in values}) == len(values)

    @given(st.text())
    def test_a_text_is_the_same_however_it_is_escaped(self, text: str) -> None:
        raw, escaped = json.dumps(text, ensure_ascii=False), json.dumps(text, ensure_ascii=True)
        assert canonical(primitive(raw)) == canonical(primitive(escaped)) == canonical(primitive(escaped.replace("/", "\\/")))

    @given(st.text(), st.text())
    def test_different_texts_differ(self, one: str, two: str) -> None:
        assert (canonical(primitive(json.dumps(one))) == canonical(primitive(json.dumps(two)))) == (one == two)

    @given(st.permutations(["a", "b", "ä", "\U0001f701", "A"]))
    def test_the_order_of_names_does_not_matter(self, names: list[str]) -> None:
        def with_names(order: list[str]) -> list[InstanceProperties]:
            inner = InstanceProperties(instance_properties={name: primitive(json.dumps(name)) for name in order})
            return [inner, properties(m=MapPropertyValue(map_values=inner)), properties(s=StructPropertyValue(attributes=inner))]

        for one, two in zip(with_names(names), with_names(sorted(names)), strict=True):
            assert printed(entity(properties=one)) == printed(entity(properties=two))

    def test_the_order_of_an_array_matters_and_the_order_of_its_keys_does_not(self) -> None:
        def array(order: list[int], values: list[str]) -> bytes:
            return canonical(ArrayPropertyValue(array_count=len(values), array_values=properties(**{str(n): primitive(f'"{values[n]}"') for n in order})))

        values = [f"v{n}" for n in range(12)]
        assert array(list(range(12)), values) == array(sorted(range(12), key=str), values)
        assert array(list(range(12)), values) != array(list(range(12)), values[::-1])

    @pytest.mark.parametrize(
        "empty",
        [
            primitive("null"),
            PrimitivePropertyValue(),
            ArrayPropertyValue(),
            ArrayPropertyValue(array_values=InstanceProperties(instance_properties={})),
            MapPropertyValue(),
            MapPropertyValue(map_values=InstanceProperties()),
            MapPropertyValue(map_values=properties(k=primitive("null"))),
            StructPropertyValue(),
        ],
    )
    def test_empty_is_absent(self, empty: object) -> None:
        with_empty = properties(qualifiedName=primitive('"a"'), empty=empty)
        assert printed(entity(properties=with_empty)) == printed(entity())
        assert printed(entity(properties=properties(empty=empty))) == printed(entity(properties=InstanceProperties())) == printed(entity(properties=None))

    def test_the_description_of_an_enum_value_and_names_of_types_do_not_count(self) -> None:
        plain = EnumPropertyValue(ordinal=1, symbolic_name="ONE")
        assert canonical(replace(plain, description="One.", type_guid="g", type_name="n")) == canonical(plain)
        assert canonical(replace(plain, ordinal=2)) != canonical(plain)
        assert canonical(replace(plain, symbolic_name="TWO")) != canonical(plain)

    def test_any_json_of_an_untyped_value(self) -> None:
        def of(text: str) -> bytes:
            return canonical(primitive(text, PrimitiveDefCategory.UNKNOWN))

        assert of('{"b": [1.0, {"c": null}], "a": "\\u0041"}') == of('{"a":"A","b":[1,{"c":null}]}')
        assert of("[1,2]") != of("[2,1]")

    @pytest.mark.parametrize("text", ['"\\ud800"', "1e" + "9" * 5000, "[" * 5000 + "]" * 5000])
    def test_what_cannot_be_read_stands_for_itself(self, text: str) -> None:
        assert text.encode() in canonical(primitive(text, PrimitiveDefCategory.UNKNOWN))


def instances_of(event: OMRSEvent) -> list[EntityDetail | EntityProxy | Relationship]:
    section = event.instance_event_section
    assert section is not None
    candidates = [section.entity, section.original_entity, section.relationship, section.original_relationship, section.entity_proxy]
    if section.instance_batch is not None:
        candidates += [*(section.instance_batch.entities or ()), *(section.instance_batch.relationships or ())]
    return [candidate for candidate in candidates if candidate is not None]


class TestStored:
    @pytest.mark.parametrize("golden", [path for path in GOLDENS if "defaults_only" not in path.name], ids=lambda path: path.stem)
    def test_every_header_field_and_value_comes_back(self, golden: Path) -> None:
        event = decode_event(golden.read_bytes())
        assert isinstance(event, OMRSEvent)
        for instance in instances_of(event):
            match instance:
                case EntityDetail():
                    row, classifications = entity_rows(instance)
                    back: object = entity_of(row, classifications)
                    assert b'"classifications"' not in row.document
                case EntityProxy():
                    row, classifications = proxy_rows(instance)
                    back = proxy_of(row, classifications)
                case Relationship():
                    row = relationship_row(instance)
                    back = relationship_of(row)
            assert msgspec.json.encode(back) == msgspec.json.encode(instance)

    def test_the_columns_of_a_row(self) -> None:
        row, classifications = entity_rows(entity(version=4, update_time=9, replicated_by="x", classifications=[classification("A", PEER, version=2)]))
        assert row[:-1] == ("a", Kind.ENTITY, "Asset", HOME, "x", "UNKNOWN", 4, 1, 9, "ACTIVE", 1, "a", None, None)
        assert {type(value) for value in row} == {str, int, bytes, type(None)}, "SQLite adapts every other type slowly"
        assert classifications[0][:-1] == ("a", "A", PEER, 2, 1)
        assert classification_of(classifications[0]).name == "A"
        assert relationship_row(link())[11:14] == (None, "a", "b")
        assert tombstone_of(row) == ("a", Kind.ENTITY, "Asset", HOME, 1, 4)
        assert proxy_rows(proxy("p", unique_properties=properties(qualifiedName=primitive('"P"'))))[0].qualified_name == "P"

    def test_qualified_names(self) -> None:
        assert qualified_name(None) is None
        assert qualified_name(properties(other=primitive('"x"'))) is None
        assert qualified_name(properties(qualifiedName=primitive("5"))) is None
        assert qualified_name(properties(qualifiedName=EnumPropertyValue(symbolic_name="x"))) is None
        assert qualified_name(properties(qualifiedName=primitive('"\\ud800"'))) is None
        assert qualified_name(properties(qualifiedName=primitive('"\\u00e4::b"'))) == "ä::b"

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            (lambda: entity_rows(entity(guid=None)), "entity None has no guid"),
            (lambda: entity_rows(entity(guid="")), "has no guid"),
            (lambda: entity_rows(entity(type=None)), "entity a has no type with a typeDefName"),
            (lambda: entity_rows(entity(type=InstanceType())), "has no type with a typeDefName"),
            (lambda: entity_rows(entity(metadata_collection_id=None)), "has no metadataCollectionId"),
            (lambda: entity_rows(entity(create_time=None)), "has no createTime"),
            (lambda: entity_rows(entity(version=1 << 63)), "does not fit into 64 bits"),
            (lambda: entity_rows(entity(update_time=-(1 << 63) - 1)), "does not fit into 64 bits"),
            (lambda: relationship_row(link(entity_one_proxy=None)), "relationship r has no entityOneProxy"),
            (lambda: relationship_row(link(entity_two_proxy=proxy(None))), "has no entityTwoProxy"),
            (lambda: classification_row("a", classification(None)), "entity a has no name"),
            (lambda: classification_row("a", classification("A", metadata_collection_id=None)), "has no metadataCollectionId"),
            (lambda: classification_row("a", classification("A", create_time=None)), "has no createTime"),
            (lambda: classification_row("a", classification("A", version=1 << 64)), "does not fit into 64 bits"),
        ],
    )
    def test_what_cannot_be_stored_is_poison(self, broken: object, words: str) -> None:
        with pytest.raises(PoisonEvent, match=re.escape(words)) as raised:
            broken()
        assert raised.value.stage == "validate"


def test_rows_are_plain_tuples_of_their_columns() -> None:
    """SQL takes them as they are: the number of columns is part of the contract."""
    assert (len(InstanceRow._fields), len(ClassificationRow._fields)) == (15, 6)
