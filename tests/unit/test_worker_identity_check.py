"""A store belongs to one member: another identity is refused, and nothing is written then."""

from pathlib import Path

import pytest

from cohort_sync.config.settings import CohortSettings, MemberSettings, Settings, SourceSettings, StoreSettings, TypesSettings, WorkerSettings
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.worker.identity_check import claim_store

NOW = 1_780_000_000_123


class Starts:
    """Starts of a worker on one store, each with a configuration of its own."""

    def __init__(self) -> None:
        self.state = MemoryState()

    def start(self, *sources: str, collection: str = "id-1", release: str = "6.1", recovering: bool = False, now: int = NOW) -> int:
        settings = Settings(
            member=MemberSettings(name="retail", metadata_collection_id=collection),
            cohort=CohortSettings(name="coco"),
            store=StoreSettings(path=str(Path("retail.db"))),
            types=TypesSettings(release=release),
            worker=WorkerSettings(recovering=recovering),
            sources=tuple(SourceSettings(name=name, mapper="debezium", topics=("t",)) for name in sources),
        )
        writes, floor = claim_store(MemoryReader(self.state), settings, now)
        self.state = self.state.apply(writes, now)
        return floor


def test_the_same_member_may_start_as_often_as_it_likes() -> None:
    starts = Starts()
    assert starts.start("a", "b") == 0
    before = starts.state
    assert starts.start("a", "b") == 0
    assert starts.state.facts == before.facts


@pytest.mark.parametrize(
    ("change", "key", "was", "now"),
    [({"collection": "id-2"}, "member.metadata_collection_id", "id-1", "id-2"), ({"release": "4.2"}, "types.release", "6.1", "4.2")],
)
def test_another_id_or_release_is_refused(change: dict[str, str], key: str, was: str, now: str) -> None:
    starts = Starts()
    starts.start("a")
    facts = starts.state.facts
    with pytest.raises(ConfigurationError) as refusal:
        starts.start("a", "b", **change)
    told = str(refusal.value)
    assert told.startswith(f"{key}: got '{now}', but the store retail.db was made for '{was}'")
    assert "store.path" in told
    assert starts.state.facts == facts
    assert starts.start("a") == 0


def test_a_renamed_source_is_refused_by_both_names() -> None:
    starts = Starts()
    starts.start("retail", "crm")
    with pytest.raises(ConfigurationError, match=r"sources: 'sales' new and 'retail' gone since the last start of the store retail\.db.*put its old name back"):
        starts.start("sales", "crm")
    assert starts.start("retail", "crm") == 0


def test_sources_may_come_go_and_change_places() -> None:
    starts = Starts()
    starts.start("a")
    starts.start("b", "a")
    starts.start("a", "b")
    starts.start("a")
    with pytest.raises(ConfigurationError, match="'c' new and 'a' gone"):
        starts.start("c")
    starts.start()  # started once without the new one, as the message says
    assert starts.start("c") == 0


def test_a_source_that_was_taken_out_may_come_back() -> None:
    starts = Starts()
    starts.start("a", "b")
    starts.start("a")
    assert starts.start("a", "b") == 0


def test_recovering_sets_a_version_floor_for_good() -> None:
    starts = Starts()
    assert starts.start("a", recovering=True) == NOW // 1000
    assert starts.start("a", now=NOW + 86_400_000) == NOW // 1000
    assert starts.start("a", recovering=True, now=NOW + 2 * 86_400_000) == NOW // 1000
