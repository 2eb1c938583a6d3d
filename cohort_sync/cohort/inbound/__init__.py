"""Inbound planning: what the events of other members change here, as one write set a batch.

decoding         records to events, off the event loop
planner          a batch of events: order, verdicts, dead letters, parked events    (plan_inbound)
waiting          parked events whose type has come, or that have waited too long    (plan_waiting)
instances        instance events by their type
entities, relationships, classifications, endings    what each does to reference copies
copies           rows, tombstones, cascades
refresh          requests that we answer
validity         complete, and valid for its type?
context, report  what goes in beside the records, and what comes out beside the write set

Verdicts are decided by `omrs.precedence`; registration and type events by `cohort.membership` and `cohort.type_events`.
"""
