"""The three topics of a cohort (spec cohort-events 1.1)."""

from typing import NamedTuple


class CohortTopics(NamedTuple):
    """Topic names; each has exactly one partition, because Java's consumer supports no more."""

    registration: str
    types: str
    instances: str

    @property
    def all(self) -> tuple[str, str, str]:
        """In the order in which they are read."""
        return (self.registration, self.types, self.instances)

    def channel(self, name: str) -> str:
        """The topic of an outbox channel: registration, types or instances."""
        return {"registration": self.registration, "types": self.types, "instances": self.instances}[name]


def cohort_topics(cohort: str, topic_root: str = "") -> CohortTopics:
    """The names that a Java member builds from the cohort name and its event bus's topicURLRoot."""
    prefix = f"{topic_root}." if topic_root else ""
    base = f"{prefix}openmetadata.repositoryservices.cohort.{cohort}.OMRSTopic"
    return CohortTopics(f"{base}.registration", f"{base}.types", f"{base}.instances")
