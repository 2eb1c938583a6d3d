"""The OMRS repository services that the worker serves, from the one table of operations."""

import inspect

from cohort_sync.api.omrs import service
from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.handlers import HANDLERS
from cohort_sync.api.omrs.operation import Operation
from cohort_sync.api.omrs.operations import OPERATIONS
from pages.markdown import code, prose, table

INTRODUCTION = """\
# Repository services

The OMRS repository REST API of this member, on the worker's port, for other members and for tools. Paths are below

    /servers/<member.name>/open-metadata/repository-services/users/<user>

which is what a Java member makes of `registration.address` = `http://<host>:<port>/servers/<member.name>`. Both dialects are served always: every operation is
a POST (6.x), and the reads that were a GET up to 5.x are one here too. `http.token` asks callers for a bearer token; beyond loopback either that or
`http.insecure = true` is needed.

"""


def page() -> str:
    """The page."""
    told = prose(inspect.getdoc(service)).split("\n\n", 1)[1]
    limits = Limits()
    answered = sum(1 for operation in OPERATIONS if operation.name in HANDLERS)
    return "".join(
        [
            INTRODUCTION,
            f"{told}\n\nAn answer has {limits.page_size:,} results at most, a body {limits.body_bytes:,} bytes. "
            "Below `/enterprise` this member answers that it has no enterprise repository.\n\n",
            f"{answered} of the {len(OPERATIONS)} operations are answered; the others answer with a FunctionNotSupportedException.\n\n",
            table(("operation", "path", "verbs", "query parameters", "answered"), map(_row, OPERATIONS)),
        ]
    )


def _row(operation: Operation) -> tuple[str, str, str, str, str]:
    verbs = "POST, GET" if operation.get else "POST"
    return (
        code(operation.name) + (" (only up to 5.x)" if operation.up_to_5_only else ""),
        code(operation.path),
        verbs,
        ", ".join(map(code, operation.query)) or "-",
        "yes" if operation.name in HANDLERS else "no",
    )
