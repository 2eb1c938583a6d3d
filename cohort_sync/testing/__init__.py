"""What authors of mappers and repository connectors, and the project's own tests, need.

broker            an embedded Kafka broker in a process of its own
mappers           try a mapper on records, compare with what is expected
store_contract    the contract of a store, as a test suite
cohort            a cohort without Kafka
worker            a worker as a process
"""

from cohort_sync.testing.broker import BrokerNotInstalled, EmbeddedBroker

__all__ = ["BrokerNotInstalled", "EmbeddedBroker"]
