"""The one thing that is written into a store beside its worker: a request to that worker (design, "The CLI writes requests, the worker acts on them")."""

from pathlib import Path

from cohort_sync.store.rows import RequestRow
from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.sqlite import statements as sql
from cohort_sync.store.sqlite.faults import translated


def file_request(path: Path, row: RequestRow) -> int:
    """Put a new request into the store of a worker, which may be running or not; the id of the request. Blocks for a short transaction.

    Raises ConfigurationError when there is no store at the path, TransientFault when it stays locked or the disk is full.
    """
    connections.check_readable(path)
    connection = connections.for_writing(path)
    try:
        with translated(path, "write a request"), connections.transaction(connection):
            return int(connection.execute(sql.ADD_REQUEST, row[1:]).lastrowid or 0)
    finally:
        connection.close()
