"""The OMRS metadata collection over a store: what a member answers to anyone, and what it does for its own users.

context           who and what: member, types, clock, identifiers, limits
checks            the parameter checks of every method, in OMRS's order, with OMRS's errors
provenance        what of the stored header depends on who is in the cohort now
types             type queries; type_maintenance changes them
reads             single instances, relationships of an entity, the past
finds             entities and relationships by conditions
graph             neighbourhood, connected entities, paths between two
changes           one change: reads, writes and announcements in one write set; headers and ownership are its rules
entities, classifications, relationships, control, copies    what is changed
collection        all of it as one object
"""
