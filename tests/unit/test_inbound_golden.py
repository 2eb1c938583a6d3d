"""Events of real members, and one event of each shape that Egeria's classes write, through the planner."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from cohort_sync.cohort.inbound.decoding import decode_records
from cohort_sync.cohort.inbound.planner import plan_inbound
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.testing.cohort import BORN, Receiver, property_text, types_of

GOLDEN = Path(__file__).parents[1] / "golden"
V = Verdict


def compact(path: Path) -> bytes:
    return json.dumps(json.loads(path.read_bytes()), separators=(",", ":"), ensure_ascii=False).encode()


def story_of_4_2() -> list[Path]:
    """What a 4.2 member sent, in the order in which it did."""
    return sorted((GOLDEN / "egeria-4.2").glob("*.json"), key=lambda path: json.loads(path.read_bytes())["timestamp"])


def listener(release: str) -> Receiver:
    receiver = Receiver()
    receiver.context = replace(receiver.context, registry=types_of(release))
    return receiver


def test_the_story_of_a_4_2_member_ends_as_that_member_has_it() -> None:
    receiver = listener("4.2")
    for path in story_of_4_2():
        receiver.hear(compact(path))
    assert receiver.reader.dead_letters() == []
    assert receiver.reader.parked_size() == 0
    assert {(guid[:8], row.type_name, row.version, row.status) for guid, row in receiver.state.instances.items()} == {
        ("484f83e2", "Database", 3, "ACTIVE"),
        ("acddc8af", "GlossaryTerm", 1, "ACTIVE"),
        ("c8293ac1", "SemanticAssignment", 3, "ACTIVE"),
        ("dd552e8f", "GlossaryTerm", 4, "ACTIVE"),
        ("df07e0b9", "Database", 2, "ACTIVE"),
    }
    undone = receiver.entity("484f83e2-0fef-471c-b0ce-9576fbad0c79")
    assert property_text(undone, "name") == "db one b"
    assert receiver.classifications("484f83e2-0fef-471c-b0ce-9576fbad0c79") == {"Confidentiality": 3}
    assert [member.server_name for member in receiver.reader.members()] == ["javaone"]


@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize("from_event", [0, 9, 14, 20, 26])
def test_read_again_from_any_position_and_in_any_batches_it_ends_the_same(batch: int, from_event: int) -> None:
    once, again = listener("4.2"), listener("4.2")
    values = [compact(path) for path in story_of_4_2()]
    once.hear(*values)
    for start, of in ((0, values), (0, values[from_event:])):
        for at in range(start, len(of), batch):
            again.hear(*of[at : at + batch])
    home = "20edf22f-ff6e-4a27-b492-144776d8406b"
    assert again.fingerprint(home) == once.fingerprint(home)
    assert again.state.instances.keys() == once.state.instances.keys()


ALONE = {
    "instance_batch": [V.STORED, V.REFUSED, V.STORED],
    "instance_delete_purged_entity": [V.DUPLICATE],
    "instance_delete_purged_relationship": [V.DUPLICATE],
    "instance_error_conflicting_instances": [V.NOTED],
    "instance_error_conflicting_type": [V.NOTED],
    "instance_new_entity_all_property_kinds": [V.REFUSED],
    "instance_new_entity_defaults_only": [V.REFUSED],
    "instance_new_entity_no_properties": [V.REFUSED],
    "instance_purged_entity_active": [V.DUPLICATE],
    "instance_purged_entity_after_soft_delete": [V.DUPLICATE],
    "instance_purged_relationship_active": [V.DUPLICATE],
    "instance_purged_relationship_after_soft_delete": [V.DUPLICATE],
    "instance_refresh_entity_request": [V.IGNORED],
    "instance_refresh_relationship_request": [V.IGNORED],
    "registry_error_bad_remote_connection": [V.NOTED],
    "registry_error_conflicting_collection_id": [V.NOTED],
    "registry_refresh_registration_request": [V.IGNORED],
    "registry_un_registration": [V.DUPLICATE],
    "typedef_deleted": [V.IGNORED],
    "typedef_deleted_attribute": [V.IGNORED],
    "typedef_error_conflicting_attribute_typedefs": [V.NOTED],
    "typedef_error_conflicting_typedefs": [V.NOTED],
    "typedef_error_conflicting_typedefs_summaries": [V.NOTED],
    "typedef_error_patch_mismatch": [V.NOTED],
    "typedef_new_attribute_collection": [V.DUPLICATE],
    "typedef_new_attribute_primitive": [V.DUPLICATE],
    "typedef_re_identified": [V.IGNORED],
    "typedef_re_identified_attribute": [V.IGNORED],
    "typedef_updated": [V.IGNORED],
}
"""Each shape as the first thing that an empty store hears; what is not listed is stored."""


@pytest.mark.parametrize("path", sorted((GOLDEN / "events").glob("*.json")), ids=lambda path: path.stem)
def test_each_shape_of_event_has_a_verdict(path: Path) -> None:
    receiver = listener("6.1")
    assert receiver.verdicts(compact(path)) == ALONE.get(path.stem, [V.STORED])
    assert len(receiver.reader.dead_letters()) == ALONE.get(path.stem, []).count(V.REFUSED)


def test_all_shapes_in_one_batch_leave_no_trace_of_what_was_refused() -> None:
    receiver = listener("6.1")
    report = receiver.hear(*(compact(path) for path in sorted((GOLDEN / "events").glob("*.json"))), timestamp=BORN + 1)
    assert all(result.verdict for result in report.results)
    assert receiver.hear(*(compact(path) for path in sorted((GOLDEN / "events").glob("instance_new*.json")))).counts().keys() <= {
        (verdict, kind) for verdict in (V.STALE, V.DUPLICATE, V.REFUSED) for kind in ("NEW_ENTITY_EVENT", "NEW_RELATIONSHIP_EVENT")
    }


def test_the_sqlite_store_ends_as_the_one_in_memory(tmp_path: Path) -> None:
    memory = listener("4.2")
    values = [compact(path) for path in story_of_4_2()]
    home = "20edf22f-ff6e-4a27-b492-144776d8406b"
    memory.hear(*values)

    async def through_sqlite() -> tuple[str, int]:
        store = SqliteStore(tmp_path / "store.db")
        await store.open()
        try:
            for offset, value in enumerate([*values, *values]):
                decoded = decode_records([SourceRecord("t", 0, offset, BORN, b"k", value)], b"our-key")
                await store.transact(lambda reader, decoded=decoded: plan_inbound(reader, decoded, memory.context))
            return await store.read(lambda reader: (fingerprint(reader, home, exact=True).hex, len(reader.dead_letters())))
        finally:
            await store.close()

    assert asyncio.run(through_sqlite()) == (memory.fingerprint(home), 0)
