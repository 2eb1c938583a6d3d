"""All parts of the contract in one class."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from cohort_sync.omrs.errors import StoreLocked
from cohort_sync.store.protocol import Store
from cohort_sync.testing.store_contract.driving import Clock, Driver, driven
from cohort_sync.testing.store_contract.finds import FindContract
from cohort_sync.testing.store_contract.instances import InstanceContract
from cohort_sync.testing.store_contract.retention import RetentionContract
from cohort_sync.testing.store_contract.samples import dead_letter, event, parked, request
from cohort_sync.testing.store_contract.tables import TableContract
from cohort_sync.testing.store_contract.transactions import TransactionContract, before, dump, everything


class StoreContract(InstanceContract, TableContract, TransactionContract, RetentionContract, FindContract, ABC):
    """What every store does."""

    @abstractmethod
    def make_store(self, path: Path, clock: Clock) -> Store:
        """A store that is not open, at this place; `clock` is what it has to ask for the time."""

    @pytest.fixture
    def driver(self, tmp_path: Path) -> Iterator[Driver]:
        """An open store with nothing in it."""
        with driven(self.make_store, tmp_path / "store") as found:
            yield found


class DurableStoreContract(StoreContract):
    """And what it does when what it holds outlives the process."""

    def test_another_object_at_the_same_place_goes_on_where_the_first_ended(self, driver: Driver, tmp_path: Path) -> None:
        driver.apply(before())
        driver.apply(everything())
        state = driver.read(dump)
        driver.run(driver.store.acknowledge(1))
        driver.run(driver.store.close())
        with driven(self.make_store, tmp_path / "store") as other:
            left = other.read(dump)
            assert {**left, "outbox": None} == {**state, "outbox": None}
            assert [row.value for row in other.read(lambda r: r.outbox(9))] == [b"second"]
            other.write(outbox=[event("third")], dead_letters=[dead_letter(3)], parked=[parked(3)], requests=[request("third")])
            numbers = other.read(lambda r: (r.outbox(9)[-1].seq, r.dead_letters(None)[-1].id, r.parked()[-1].id, r.requests("pending")[-1].id))
            assert numbers == (3, 3, 3, 3)

    def test_what_is_pruned_stays_away(self, driver: Driver, tmp_path: Path) -> None:
        driver.apply(before())
        driver.apply(everything())
        assert driver.prune(10**6, 10**6, 10**6) > 0
        state = driver.read(dump)
        driver.run(driver.store.close())
        with driven(self.make_store, tmp_path / "store") as other:
            assert other.read(dump) == state

    def test_a_store_is_open_once(self, driver: Driver, tmp_path: Path) -> None:
        second = self.make_store(tmp_path / "store", lambda: 0)
        with pytest.raises(StoreLocked):
            driver.run(second.open())
        driver.run(second.close())
        driver.write(facts={"f": "still there"})
        driver.run(driver.store.close())
        driver.run(second.open())
        try:
            assert driver.run(second.read(lambda reader: reader.fact("f"))) == "still there"
        finally:
            driver.run(second.close())
