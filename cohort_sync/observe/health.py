"""Readiness: named conditions with reasons. The worker is ready when all of them hold."""

from collections.abc import Callable, Mapping

import msgspec


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One condition of readiness. `reason` says why it does not hold; it is empty when it does. `since` is when it last changed, epoch milliseconds."""

    name: str
    holds: bool
    reason: str
    since: int


class Health:
    """The conditions of one worker. All are named at the start, so that none is missed because nobody has spoken about it yet."""

    def __init__(self, conditions: Mapping[str, str], *, clock: Callable[[], int], on_change: Callable[[Condition], None] | None = None) -> None:
        """`conditions`: name and the reason why it does not hold yet. `clock`: epoch milliseconds. `on_change` is told each change of holding or reason."""
        self._clock = clock
        self._on_change = on_change
        self._conditions = {name: Condition(name=name, holds=False, reason=reason, since=clock()) for name, reason in conditions.items()}

    def holds(self, name: str) -> None:
        """The condition holds from now on. KeyError for a name that was not given at the start."""
        self._set(name, holds=True, reason="")

    def fails(self, name: str, reason: str) -> None:
        """The condition does not hold; `reason` is for the operator. KeyError for a name that was not given at the start."""
        self._set(name, holds=False, reason=reason)

    @property
    def ready(self) -> bool:
        """Do all conditions hold?"""
        return all(condition.holds for condition in self._conditions.values())

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions in the order in which they were named."""
        return tuple(self._conditions.values())

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the worker from being ready, one "name: reason" each."""
        return tuple(f"{condition.name}: {condition.reason}" for condition in self._conditions.values() if not condition.holds)

    def _set(self, name: str, *, holds: bool, reason: str) -> None:
        old = self._conditions[name]
        if (old.holds, old.reason) == (holds, reason):
            return
        since = old.since if old.holds == holds else self._clock()
        self._conditions[name] = new = Condition(name=name, holds=holds, reason=reason, since=since)
        if self._on_change is not None:
            self._on_change(new)
