"""The one table of the repository services and of what is around them, in both dialects: 92 operations of the repository in 6.x, of which 63 are enterprise
operations too, and 8 that only releases up to 5.x have; then cohorts, audit log and platform."""

from cohort_sync.api.omrs.operation import NullBody, Operation
from cohort_sync.api.omrs.operations_around import AUDIT_LOG, ENTERPRISE_TOPIC, HIGHWAY, NOT_OURS, PLATFORM, WITHOUT_USER
from cohort_sync.api.omrs.operations_read import QUERIES, TYPES
from cohort_sync.api.omrs.operations_write import CONTROL, COPIES, ENTITIES, RELATIONSHIPS

__all__ = ["OPERATIONS", "REPOSITORY", "NullBody", "Operation"]

REPOSITORY: tuple[Operation, ...] = (*TYPES, *QUERIES, *ENTITIES, *RELATIONSHIPS, *CONTROL, *COPIES)
"""The methods of OMRSMetadataCollection."""
OPERATIONS: tuple[Operation, ...] = (*REPOSITORY, *ENTERPRISE_TOPIC, *WITHOUT_USER, *HIGHWAY, *AUDIT_LOG, *PLATFORM, *NOT_OURS)
