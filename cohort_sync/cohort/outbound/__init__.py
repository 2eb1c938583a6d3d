"""Outbound planning: from a mapper's verbs to home instances, their history and the events that announce them, all in one write set.

overlay   what the store holds with the changes of the batch on top
guards    is a record newer than what was applied to a name?
typed     plain desired values as typed OMRS instances
home      create, change and remove home instances, with their events in the order that receivers need
objects   put, remove and rename the objects of a source
planner   a batch of records: outcomes, dead letters, positions
"""

from cohort_sync.cohort.outbound.context import PartitionPosition, SourceContext
from cohort_sync.cohort.outbound.planner import SourceReport, plan_source_batch

__all__ = ["PartitionPosition", "SourceContext", "SourceReport", "plan_source_batch"]
