"""The worker: everything wired together, started and stopped in the right order.

run               the process: signals, exit code
lifecycle         start order, stop order, drain
parts             the parts of one worker, made from the settings
identity_check    a store belongs to one member
type_system       which types are known
sources           mappers and their contexts
requests          what the command line asks for
housekeeping      retention, parked events, gauges
supervisor        tasks that must not end by themselves
signals           SIGTERM, SIGINT
"""

from cohort_sync.worker.run import run

__all__ = ["run"]
