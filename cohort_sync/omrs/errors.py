"""The faults of cohort-sync. Only these leave an edge module; every foreign error is translated into one of them once.

CohortSyncError
├── TransientFault      the world is not ready (broker, database, network): pause, back off, try the same thing again; never a dead letter
├── PoisonEvent         this one record cannot be used: dead letter, go on with its neighbours
│   └── UndecodableEvent    its bytes are not an OMRS event
└── FatalFault          going on would do harm or is pointless: stop, with an exit code
    ├── ConfigurationError  the configuration (or the store that it names) is not what it must be
    └── StoreLocked         another worker has the store
"""


class CohortSyncError(Exception):
    """Base of all faults. The message is for the reader: what was wrong, where, what was expected, what to do next."""


class TransientFault(CohortSyncError):
    """A fault of the moment. The caller pauses and tries again; nothing was changed."""


class PoisonEvent(CohortSyncError):
    """A record that cannot be used, now or later. `stage` says where it failed: decode, map, validate or apply."""

    def __init__(self, message: str, *, stage: str) -> None:
        super().__init__(message)
        self.stage = stage


class UndecodableEvent(PoisonEvent):
    """Bytes that are not an OMRS event (the only error that the codec raises)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, stage="decode")


class FatalFault(CohortSyncError):
    """The process has to stop. `exit_code` is what the command ends with."""

    exit_code = 1


class ConfigurationError(FatalFault):
    """A wrong configuration: file, key, what was found, what was expected."""

    exit_code = 2


class StoreLocked(FatalFault):
    """Another worker has this store open; the message names the process."""

    exit_code = 3
