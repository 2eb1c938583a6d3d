"""Every operation of the table with what it does."""

from cohort_sync.api.omrs.call import Handler
from cohort_sync.api.omrs.handlers_control import CONTROL_HANDLERS
from cohort_sync.api.omrs.handlers_read import READ_HANDLERS
from cohort_sync.api.omrs.handlers_write import WRITE_HANDLERS

HANDLERS: dict[str, Handler] = {**READ_HANDLERS, **WRITE_HANDLERS, **CONTROL_HANDLERS}
