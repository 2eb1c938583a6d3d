"""The exchange rules of the configuration as the filters that flows ask."""

from typing import Literal

from cohort_sync.config.settings import CohortSettings
from cohort_sync.omrs.exchange import ExchangeFilter

Direction = Literal["send", "process", "save"]


def exchange_filter(cohort: CohortSettings, direction: Direction) -> ExchangeFilter:
    """The filter of one direction with its lists of types and zones. Without included zones there is no include list, not an empty one."""
    match direction:
        case "send":
            rule, types = cohort.events_to_send, cohort.selected_types_to_send
            included, excluded = cohort.included_zones_to_send, cohort.excluded_zones_to_send
        case "process":
            rule, types = cohort.events_to_process, cohort.selected_types_to_process
            included, excluded = cohort.included_zones_to_process, cohort.excluded_zones_to_process
        case "save":
            rule, types = cohort.events_to_save, cohort.selected_types_to_save
            included, excluded = cohort.included_zones_to_save, cohort.excluded_zones_to_save
    return ExchangeFilter(
        rule=rule,
        types=frozenset(types),
        included_zones=frozenset(included) or None,
        excluded_zones=frozenset(excluded),
        zones_always=cohort.zones_always and bool(included or excluded),
    )
