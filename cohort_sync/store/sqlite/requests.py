"""The one thing that is written into a store beside its worker: a request to that worker (design, "The CLI writes requests, the worker acts on them")."""

from pathlib import Path

from cohort_sync.store.rows import RequestRow
from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.sqlite import statements as sql
from cohort_sync.store.sqlite.faults import translated


def file_request(path: Path, verb: str, arguments: bytes, now: int) -> int:
    """Put a request into the store of a worker, which may be running or not; the id of the request. Blocks for a short transaction.

    `arguments` is a JSON object of strings, `now` is epoch milliseconds. Raises ConfigurationError when there is no store at the path.
    """
    connections.check_readable(path)
    connection = connections.for_writing(path)
    try:
        with translated(path, "write a request"), connections.transaction(connection):
            row = RequestRow(0, verb, arguments, now, "pending", "")
            return int(connection.execute(sql.ADD_REQUEST, row[1:]).lastrowid or 0)
    finally:
        connection.close()
