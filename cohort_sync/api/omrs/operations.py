"""The one table of the repository services, in both dialects: 92 operations of 6.x, of which 63 are enterprise operations too, and 8 that only releases up to
5.x have."""

from cohort_sync.api.omrs.operation import NullBody, Operation
from cohort_sync.api.omrs.operations_read import QUERIES, TYPES
from cohort_sync.api.omrs.operations_write import CONTROL, COPIES, ENTITIES, RELATIONSHIPS

__all__ = ["OPERATIONS", "NullBody", "Operation"]

OPERATIONS: tuple[Operation, ...] = (*TYPES, *QUERIES, *ENTITIES, *RELATIONSHIPS, *CONTROL, *COPIES)
