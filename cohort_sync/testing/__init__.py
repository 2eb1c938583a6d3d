"""What a mapper author and the project's own tests need: an embedded Kafka broker in a process of its own."""

from cohort_sync.testing.broker import BrokerNotInstalled, EmbeddedBroker

__all__ = ["BrokerNotInstalled", "EmbeddedBroker"]
