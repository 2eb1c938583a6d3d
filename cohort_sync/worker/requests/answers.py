"""What becomes of a request in one step. The desk writes it, with the state of the request, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from cohort_sync.store.protocol import WriteSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is done. `text` is for the person who asked; `after` is called when everything is durable."""

    text: str
    writes: WriteSet = field(default_factory=WriteSet)
    after: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A part of it is done; the next step begins with `cursor`, in this process or in the next one."""

    cursor: str
    text: str
    writes: WriteSet = field(default_factory=WriteSet)
    after: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It cannot be done, or not all of it; the text says why and what was done nevertheless."""

    text: str
    writes: WriteSet = field(default_factory=WriteSet)
    after: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """The worker has to stop, and settles this request as its last act: nothing may be announced after it."""


Answer: TypeAlias = Done | Going | Refused | Leaving
