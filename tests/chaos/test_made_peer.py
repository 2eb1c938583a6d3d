"""The life of the made peer, heard by one member in this process: it ends as the peer ends, however the batches are cut and however the events are prepared."""

import random

import pytest
from made_peer import KEY, PEER, PeerLife

from cohort_sync.cohort.inbound.decoding import ReadyEntity, decode_records
from cohort_sync.cohort.inbound.ready import prepare_records
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.store.rows import Kind
from cohort_sync.testing.cohort import BORN, Receiver

EVENTS = 3000


@pytest.mark.parametrize("batch", [1, 97, 1000])
def test_it_is_kept_as_the_peer_has_it(batch: int, seed_of_run: int) -> None:
    life = PeerLife(random.Random(seed_of_run))
    life.run(EVENTS if batch > 1 else EVENTS // 10)
    receiver = Receiver()
    for begin in range(0, len(life.events), batch):
        receiver.hear(*life.events[begin : begin + batch], key=KEY)
    ending = life.ending()
    copies = {row.guid: (row.version, row.status) for row in receiver.state.instances.values() if row.home == PEER and row.kind != Kind.PROXY}
    assert copies == ending.instances
    assert {(row.entity_guid, row.name): row.version for row in receiver.reader.classifications_homed(PEER)} == ending.classifications
    assert len(receiver.reader.dead_letters()) == ending.broken


def test_events_that_were_made_ready_do_what_the_events_themselves_do(seed_of_run: int) -> None:
    life = PeerLife(random.Random(seed_of_run))
    life.run(EVENTS)
    whole, ready = Receiver(), Receiver()
    records = [SourceRecord("cohort.topic", 0, number, BORN, KEY, event) for number, event in enumerate(life.events)]
    made_ready = 0
    for begin in range(0, EVENTS, 100):
        batch = records[begin : begin + 100]
        prepared = prepare_records(batch, ready.context)
        made_ready += sum(isinstance(decoded, ReadyEntity) for _, decoded in prepared)
        expected = whole.take(decode_records(batch, whole.context.own_key.value))
        assert ready.take(prepared).results == expected.results
    assert ready.state.instances == whole.state.instances
    assert ready.state.tombstones == whole.state.tombstones
    assert list(ready.reader.classifications_homed(PEER)) == list(whole.reader.classifications_homed(PEER))
    assert made_ready > EVENTS // 4
