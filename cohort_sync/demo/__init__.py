"""The demonstration: a whole cohort on one machine, from source events to another member's store.

members   two members and their configuration, as processes
feed      the sample events, as records on the source topics
watch     how far it has come, read from the two stores
summary   what went through, as values and as a page for people
run       all of it in order, leaving nothing behind
"""
