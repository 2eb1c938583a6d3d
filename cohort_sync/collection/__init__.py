"""The OMRS metadata collection over a store: what a member answers to anyone, and what it does for its own users.

context     who and what: member, types, clock, identifiers, limits
checks      the parameter checks of every method, in OMRS's order, with OMRS's errors
provenance  what of the stored header depends on who is in the cohort now
types       type queries and type maintenance
reads       single instances, relationships of an entity, history
finds       entities and relationships by conditions
"""
