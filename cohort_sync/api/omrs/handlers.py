"""Every operation of the table with what it does."""

from cohort_sync.api.omrs.call import Handler
from cohort_sync.api.omrs.handlers_read import READ_HANDLERS

HANDLERS: dict[str, Handler] = {**READ_HANDLERS}
