"""The worker: everything wired together, started and stopped in the right order.

run               the process: signals, exit code; `run(settings)` is the way in
lifecycle         the worker around the engine: pages, systemd, what it tells about itself
engine            start order, stop order, drain: one member at work, in a worker or in a program of somebody else
parts             the parts of one member, made from the settings
readiness         what the parts meet, as conditions with reasons
identity_check    a store belongs to one member
type_system       which types are known
sources           mappers and their contexts
requests          what the command line asks for
housekeeping      retention, parked events, gauges
supervisor        tasks that must not end by themselves
signals           SIGTERM, SIGINT
"""
