"""Trouble in a real cohort: a member that is down while the others go on, a broker that is killed, and one that comes back from an old backup."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx2

from .compare import assert_same, by_guid, differences
from .following import Follower, copy_of
from .hand import HandMember
from .homes import homed_at, with_ends_of_today
from .omrs_json import JsonObject
from .rest import EgeriaClient
from .trio import COHORT, Trio
from .waiting import eventually

_ENTITIES = 1_000


def test_ours_was_down_while_a_java_member_sent_2000_events(trio: Trio, one: EgeriaClient) -> None:
    before = len(_sent_by(trio, trio.one.collection_id))
    trio.ours.kill()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: _live(one, number), range(_ENTITIES)))
    assert sum(steps for _, steps in made) == 2_000

    def all_sent() -> bool:
        kinds = Counter(_sent_by(trio, trio.one.collection_id)[before:])
        assert kinds == {"NEW_ENTITY_EVENT": 1_000, "UPDATED_ENTITY_EVENT": 500, "CLASSIFIED_ENTITY_EVENT": 250, "DELETED_ENTITY_EVENT": 250}
        return True

    eventually(all_sent, timeout=30, interval=0.5, what="the Java member has sent 2,000 events")
    theirs = by_guid(each for guid, _ in made if (each := one.entity_if_known(guid)))
    assert len(theirs) == _ENTITIES

    trio.ours.start()
    eventually(trio.caught_up, timeout=30, what="ours has caught up")
    live = trio.ours.homed(trio.one.collection_id)
    deleted = {guid for guid, each in theirs.items() if each["status"] == "DELETED"}
    assert len(deleted) == 250
    ours = {guid: live.get(guid) or trio.ours.instance(guid) for guid in theirs}
    assert not deleted & live.keys()
    assert_same({guid: each for guid, each in ours.items() if each}, theirs)
    assert trio.ours.command("dlq", "list") == []


def _live(java: EgeriaClient, number: int) -> tuple[str, int]:
    """An entity and what happens to it, one to three events; answers with its GUID and how many."""
    entity = java.add_entity("Database", {"qualifiedName": f"down::{number}", "name": f"{number}"})
    guid = entity["guid"]
    steps = 1
    if number % 2:
        java.update_entity(guid, {"qualifiedName": f"down::{number}", "name": f"{number} again"})
        steps += 1
    if number % 4 == 1:
        java.classify(guid, "Impact", {"notes": f"{number}"})
        steps += 1
    if number % 4 == 2:
        java.delete_entity(entity)
        steps += 1
    return guid, steps


def _sent_by(trio: Trio, member: str) -> list[str]:
    return [event["instanceEventSection"]["eventType"] for event in trio.events("instances", of=member)]


def test_a_java_member_was_down_while_we_published(trio: Trio) -> None:
    early = _announced(trio, "before_the_stop")
    with trio.two.client() as two:
        eventually(lambda: early.keys() <= homed_at(trio.ours.collection_id, two).keys(), timeout=10, what="it has what is announced before the stop")
    trio.two.stop()
    meanwhile = _announced(trio, "meanwhile_one", "meanwhile_two")
    trio.two.start()
    eventually(lambda: trio.knows_ours(trio.two), timeout=10, what="it has heard our registration")
    with trio.two.client() as two:

        def heard() -> bool:
            shown = homed_at(trio.ours.collection_id, two)
            assert_same(meanwhile, {guid: each for guid, each in shown.items() if guid in meanwhile})
            assert not early.keys() & shown.keys(), "a member in memory has forgotten what it had before"
            return True

        eventually(heard, timeout=15, what="it has what was published meanwhile, and nothing else")
        everything = with_ends_of_today(trio.ours.homed())
        tables = {guid for guid, each in everything.items() if each["type"]["typeDefName"] == "RelationalTable"}
        assert trio.ours.command("publish", "--type", "RelationalTable", "--wait", "30")["state"] == "done"

        def has_the_tables() -> bool:
            shown = homed_at(trio.ours.collection_id, two)
            assert_same({guid: everything[guid] for guid in tables}, {guid: each for guid, each in shown.items() if guid in tables})
            assert not (early.keys() - tables) & shown.keys(), "only the tables were asked for"
            return True

        eventually(has_the_tables, timeout=20, what="it has the tables that ours is the home of")
        assert trio.ours.command("publish", "--all", "--wait", "30")["state"] == "done"

        def has_everything() -> bool:
            assert_same(everything, homed_at(trio.ours.collection_id, two))
            return True

        eventually(has_everything, timeout=20, what="it has everything that ours is the home of")


def _announced(trio: Trio, *tables: str) -> dict[str, JsonObject]:
    """New tables, altered once; answers with the home instances that came with them, when all their events are sent."""
    before = trio.ours.homed().keys()
    trio.shop.create(*tables)
    trio.shop.alter(*tables, columns=("id", "name", "more"))

    def mapped() -> bool:
        columns = [each for guid, each in trio.ours.homed().items() if guid not in before and each["type"]["typeDefName"] == "RelationalColumn"]
        assert len(columns) == 3 * len(tables)
        return trio.caught_up()

    eventually(mapped, timeout=10, what="ours has announced the tables")
    return {guid: each for guid, each in with_ends_of_today(trio.ours.homed()).items() if guid not in before}


def test_the_broker_was_killed_and_came_back(trio: Trio, one: EgeriaClient) -> None:
    running = trio.ours.process.process_id
    trio.kafka.kill()
    eventually(lambda: _away(trio), timeout=20, what="ours says that the broker is away")
    added = one.add_entity("Database", {"qualifiedName": "killed::meanwhile"})
    trio.kafka.start()
    eventually(lambda: not _away(trio), timeout=30, what="ours is ready again")
    follow = Follower(trio.ours, one, timeout=30.0)
    follow.step(added)
    one.update_entity(added["guid"], {"qualifiedName": "killed::afterwards"})
    follow.step(added)
    trio.shop.create("after_the_kill")

    def announced() -> bool:
        tables = [each for each in trio.ours.homed().values() if each["type"]["typeDefName"] == "RelationalTable"]
        mine = [each for each in tables if "after_the_kill" in str(each["properties"])]
        return bool(mine) and not differences(mine[0], one.entity_if_active(mine[0]["guid"]))

    eventually(announced, timeout=30, what="the Java member has a table that was made afterwards")
    assert trio.ours.process.running
    assert trio.ours.process.process_id == running
    assert trio.ours.command("dlq", "list") == []


def _away(trio: Trio) -> bool:
    return httpx2.get(f"{trio.ours.url}/readyz", timeout=5.0).status_code != httpx2.codes.OK


def test_a_member_that_comes_back_from_an_old_backup_is_stale(trio: Trio, one: EgeriaClient) -> None:
    hand = HandMember(trio.kafka, COHORT, "restored")
    hand.register()
    eventually(lambda: hand.collection_id in {each["metadataCollectionId"] for each in one.remote_members(COHORT)}, timeout=5, what="it is listed")
    database = one.type_def("Database")
    newest = hand.entity(database, {"qualifiedName": "backup::db", "name": "five"}, version=5)
    hand.announce("NEW_ENTITY_EVENT", newest)
    eventually(lambda: copy_of(trio.ours, newest["guid"]), timeout=5, what="ours has version 5")
    before = _stale(trio)
    old = [newest | {"version": version, "updateTime": newest["createTime"] + version, "updatedBy": "backup"} for version in (3, 4)]
    hand.announce("UPDATED_ENTITY_EVENT", *old)
    marker = hand.entity(one.type_def("GlossaryTerm"), {"qualifiedName": "backup::marker"})
    hand.announce("NEW_ENTITY_EVENT", marker)
    eventually(lambda: copy_of(trio.ours, marker["guid"]), timeout=5, what="ours has read the event after both")
    assert differences(newest, copy_of(trio.ours, newest["guid"])) == []
    assert _stale(trio) == before + 2
    eventually(lambda: one.entity_if_active(marker["guid"]), timeout=5, what="the Java member has read it too")
    assert differences(newest, one.entity(newest["guid"])) == []
    hand.announce("UPDATED_ENTITY_EVENT", newest | {"version": 6, "updateTime": newest["createTime"] + 6, "updatedBy": "backup"})
    eventually(lambda: (copy_of(trio.ours, newest["guid"]) or {})["version"] == 6, timeout=5, what="a newer version counts again")
    hand.unregister()


def _stale(trio: Trio) -> int:
    """How many updates of entities the worker has judged stale since it started."""
    page = httpx2.get(f"{trio.ours.url}/metrics", timeout=5.0).text
    counters = re.findall(r"^cohort_sync_events_applied_total\{(.*)\} (\S+)$", page, re.MULTILINE)
    return sum(int(float(count)) for labels, count in counters if 'verdict="stale"' in labels and "UPDATED_ENTITY_EVENT" in labels)
