"""Which of our events may leave: the send rule, asked in one place by all who announce (spec cohort-events 5.4, configuration-and-security 2.4)."""

from collections.abc import Callable
from typing import TypeAlias

from cohort_sync.omrs.enums import InstanceEventType
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.exchange import ExchangeFilter, zones_of

Zones: TypeAlias = Callable[[str], frozenset[str] | None]
"""The zones of an entity by its GUID; None: it has no zone membership."""

_REQUESTS = frozenset({InstanceEventType.REFRESH_ENTITY_REQUEST, InstanceEventType.REFRESH_RELATIONSHIP_REQUEST})


def may_be_sent(rule: ExchangeFilter, event: OMRSEvent, zones: Zones) -> bool:
    """Does the rule let it out? `zones` is asked for the ends of relationships, and only where zones matter.

    Registration events and requests to refresh always pass: they say nothing about an instance of ours. A purge by ids has no instance any more and goes by its
    type, so that whoever has a copy hears of it.
    """
    if rule.everything_passes:
        return True
    if event.type_def_event_section is not None:
        return rule.types_pass
    section = event.instance_event_section
    if section is None or section.event_type in _REQUESTS:
        return True
    if not rule.type_passes(section.type_def_guid, section.type_def_name):
        return False
    if not rule.zones_matter:
        return True
    if section.relationship is not None:
        ends = (section.relationship.entity_one_proxy, section.relationship.entity_two_proxy)
        return all(rule.zones_pass(zones(end.guid or "")) for end in ends if end is not None)
    entity = section.entity if section.entity is not None else section.entity_proxy
    return entity is None or rule.zones_pass(zones_of(entity.classifications))
