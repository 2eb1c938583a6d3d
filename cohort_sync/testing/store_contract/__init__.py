"""The contract of a store as tests: whoever writes a repository connector runs them against it.

    class TestJournalStore(DurableStoreContract):
        def make_store(self, path, clock):
            return JournalStore(path, clock)

    TestJournalStoreIsLikeMemory = same_as_in_memory(JournalStore)
    TestJournalStoreFinds = finds_as_in_memory(JournalStore)

Needs pytest and hypothesis. For readable failures: `pytest.register_assert_rewrite("cohort_sync.testing.store_contract")` before the import.
"""

from cohort_sync.testing.store_contract.contract import DurableStoreContract, StoreContract
from cohort_sync.testing.store_contract.driving import Clock, Driver, StoreFactory, driven
from cohort_sync.testing.store_contract.finds import finds_as_in_memory
from cohort_sync.testing.store_contract.twins import same_as_in_memory

__all__ = ["Clock", "Driver", "DurableStoreContract", "StoreContract", "StoreFactory", "driven", "finds_as_in_memory", "same_as_in_memory"]
