"""What Java's parser tolerates is decoded, what it rejects for good reason is one clear error (spec cohort-events 2.5)."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.enums import EventCategory, InstanceStatus, PrimitiveDefCategory
from cohort_sync.omrs.errors import UndecodableEvent
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import EntityDetail
from cohort_sync.omrs.properties import PrimitivePropertyValue

GOLDEN = Path(__file__).parents[1] / "golden" / "events"


def golden(name: str) -> dict:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def changed(change: Callable[[dict], object], name: str = "instance_new_entity") -> bytes:
    event = golden(name)
    change(event)
    return json.dumps(event).encode()


def entity_of(event: OMRSEvent) -> EntityDetail:
    assert event.instance_event_section is not None
    assert event.instance_event_section.entity is not None
    return event.instance_event_section.entity


def entity(event: dict) -> dict:
    return event["instanceEventSection"]["entity"]


def test_unknown_fields_are_skipped_at_any_level() -> None:
    def change(event: dict) -> None:
        event["extra"] = {"a": 1}
        entity(event)["instanceURL"] = "x"
        entity(event)["type"]["typeDefSuperTypes"] = [{"name": "x"}]

    assert decode_event(changed(change)) == decode_event(changed(lambda _: None))


@pytest.mark.parametrize("text", ["2026-06-11T00:00:00.123Z", "2026-06-11T00:00:00.123+00:00"])
def test_header_dates_may_be_iso_text(text: str) -> None:
    event = decode_event(changed(lambda e: entity(e).update(createTime=text)))
    assert entity_of(event).create_time == 1781136000123


def test_a_plain_date_is_midnight_utc() -> None:
    assert entity_of(decode_event(changed(lambda e: entity(e).update(updateTime="2026-06-11")))).update_time == 1781136000000


@pytest.mark.parametrize(("written", "read"), [("3", 3), (3.0, 3), (None, 0)])
def test_version_may_be_text_float_or_null(written: object, read: int) -> None:
    assert entity_of(decode_event(changed(lambda e: entity(e).update(version=written)))).version == read


def test_nulls_are_absent_and_are_not_written_back() -> None:
    def change(event: dict) -> None:
        entity(event)["properties"]["instanceProperties"]["gone"] = None
        entity(event)["classifications"] = None
        name = entity(event)["properties"]["instanceProperties"]["qualifiedName"]
        name["primitiveValue"] = None

    event = decode_event(changed(change))
    properties = entity_of(event).properties
    assert properties is not None
    assert properties.get("gone") is None
    assert b"null" not in encode_event(event)


def test_an_unknown_enumeration_name_is_unknown_and_costs_nothing_else() -> None:
    def change(event: dict) -> None:
        entity(event)["status"] = "MARVELLOUS"
        event["eventCategory"] = "LATER"

    event = decode_event(changed(change))
    assert entity_of(event).status is InstanceStatus.UNKNOWN
    assert event.event_category is EventCategory.UNKNOWN
    assert entity_of(event).guid == entity(golden("instance_new_entity"))["guid"]


def test_a_missing_class_is_what_the_slot_demands() -> None:
    def change(event: dict) -> None:
        del event["class"]
        del entity(event)["class"]
        del entity(event)["type"]["class"]
        for value in entity(event)["properties"]["instanceProperties"].values():
            del value["class"]

    assert decode_event(changed(change)) == decode_event(changed(lambda _: None))


def test_a_missing_class_of_a_type_comes_from_its_category() -> None:
    def change(event: dict) -> None:
        del event["typeDefEventSection"]["typeDef"]["class"]

    name = "typedef_new_relationship_def"
    assert decode_event(changed(change, name)) == decode_event(changed(lambda _: None, name))


def test_an_unknown_class_of_a_property_value_keeps_its_json() -> None:
    odd = {"class": "VectorPropertyValue", "vector": [1.50, 2]}
    event = decode_event(changed(lambda e: entity(e)["properties"]["instanceProperties"].update(odd=odd)))
    properties = entity_of(event).properties
    assert properties is not None
    value = properties.get("odd")
    assert isinstance(value, PrimitivePropertyValue)
    assert value.primitive_def_category is PrimitiveDefCategory.UNKNOWN
    assert json.loads(bytes(value.primitive_value)) == odd


def test_text_after_the_object_is_dropped() -> None:
    data = changed(lambda _: None)
    assert decode_event(data + b" trailing") == decode_event(data)


def test_big_numbers_stay_exact_on_both_paths() -> None:
    digits = b"12345678901234567890.12345678901234567890"

    def number(data: bytes) -> bytes:
        properties = entity_of(decode_event(data)).properties
        assert properties is not None
        value = properties.get("bigdecimalProperty")
        assert isinstance(value, PrimitivePropertyValue)
        return bytes(value.primitive_value)

    data = changed(lambda _: None, "instance_new_entity_all_property_kinds").replace(b'"primitiveValue": 12345}', b'"primitiveValue": ' + digits + b"}")
    assert number(data) == digits
    assert number(data + b" trailing") == digits


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"class":"OMRSEventV9"}',
        b'{"class":"OMRSEventV1","timestamp":NaN}',
        b"[" * 100_000,
        b'{"x":' * 50_000,
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_not_an_event_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(UndecodableEvent, match="not an OMRS event"):
        decode_event(data)


def test_a_class_of_another_kind_is_refused() -> None:
    with pytest.raises(UndecodableEvent, match="EntityProxy"):
        decode_event(changed(lambda e: entity(e).update({"class": "EntityProxy"})))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    with suppress(UndecodableEvent):
        assert isinstance(decode_event(data), OMRSEvent)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_one_field_replaced_by_any_json_is_an_event_or_one_clear_error(data: st.DataObject) -> None:
    event = golden("instance_new_entity")
    node: dict = event
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        child = node[key]
        if isinstance(child, dict) and data.draw(st.booleans()):
            node = child
            continue
        node[key] = data.draw(json_values)
        break
    try:
        again = decode_event(json.dumps(event).encode())
    except UndecodableEvent:
        return
    assert decode_event(encode_event(again)) == again
