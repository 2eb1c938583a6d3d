"""What is around the repository of this server, as the services that show it ask for it: the edge between the API and the worker that it runs in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cohort_sync.api.omrs.responses_around import CohortDescription
from cohort_sync.cohort.registry_store import MemberRegistration


class Highway(Protocol):
    """The cohorts that this server belongs to. A cohort that it does not belong to is no error: there is nothing, or nothing is done."""

    async def cohorts(self) -> list[CohortDescription]:
        """All of them."""
        ...

    async def local_registration(self, cohort: str | None = None) -> MemberRegistration | None:
        """Our registration in this cohort; None for no cohort: in general, without the time."""
        ...

    async def remote_members(self, cohort: str) -> list[MemberRegistration]:
        """The others that are registered."""
        ...

    async def connect(self, cohort: str) -> bool:
        """Exchange events (again), and register again. False: no such cohort."""
        ...

    async def disconnect(self, cohort: str) -> bool:
        """Exchange no events, and stay registered. False: no such cohort."""
        ...

    async def unregister(self, cohort: str) -> bool:
        """Leave for good. False: no such cohort."""
        ...


class AuditLog(Protocol):
    """What was logged since the start, by severity."""

    def counts(self) -> Mapping[int, int]:
        """How many records, by the ordinal of the severity."""
        ...

    def components(self) -> Mapping[int, list[str]]:
        """Which parts of this program wrote them, by the ordinal of the severity."""
        ...


class NothingLogged:
    """The audit log of a server that nobody counts the log of."""

    def counts(self) -> Mapping[int, int]:
        return {}

    def components(self) -> Mapping[int, list[str]]:
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a server has besides its repository. Without a highway it is a member of no cohort, as an embedded one may be."""

    highway: Highway | None = None
    audit_log: AuditLog = field(default_factory=NothingLogged)
    started_at: int = 0
    """Epoch milliseconds."""
