"""The OMRS repository services that the worker serves, from the one table of operations."""

import inspect

from cohort_sync.api.omrs import service
from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.operation import ENTERPRISE, Operation
from cohort_sync.api.omrs.operations import REPOSITORY
from cohort_sync.api.omrs.operations_around import AUDIT_LOG, ENTERPRISE_TOPIC, HIGHWAY, NOT_OURS, PLATFORM, WITHOUT_USER
from pages.markdown import code, prose, table

INTRODUCTION = """\
# Repository services

The OMRS repository REST API of this member, on the worker's port, for other members and for tools. `/v3/api-docs` has it as an OpenAPI document. Paths of the
repository are below

    /servers/<member.name>/open-metadata/repository-services/users/<user>

which is what a Java member makes of `registration.address` = `http://<host>:<port>/servers/<member.name>`. Both dialects are served always: every operation is
a POST (6.x), and the reads that were a GET up to 5.x are one here too. `http.token` asks callers for a bearer token; beyond loopback either that or
`http.insecure = true` is needed.

"""
AROUND = """\
## Around the repository

Cohorts and audit log are below `/servers/<member.name>/open-metadata/repository-services` (6.x, where the token says who calls) and below `users/<user>` there
(up to 5.x); what the platform tells, below `/open-metadata/platform-services/server-platform` and
`/open-metadata/server-operations/servers/<member.name>`.

- `connect` exchanges events again after a `disconnect`, and registers again. `disconnect` stops sending and applying events until `connect` or the next
  start: this member stays registered, sources are read, and what has to be announced waits. `unregister` leaves the cohort for good and stops the worker, as
  `cohort-sync unregister` does.
- The audit log report counts what was logged since the start; the log itself goes to standard error.
- `/open-metadata/platform-services/server-platform/origin`, `/api/about` and `/api/public/app/info` tell who this is. POST `/api/token` and
  `/servers/<member.name>/api/token` answer with `http.token` to whoever sends it as the password, which is how some clients log in.

"""
NOT_OURS_TEXT = """\
## Not ours

A FunctionNotSupportedException is what these answer: this server has a configuration file of its own, is started and stopped by its supervisor, and loads
archives at the start (`types.archives`).

"""
HEAD = ("operation", "path", "verbs", "query parameters")


def page() -> str:
    """The page."""
    told = prose(inspect.getdoc(service)).split("\n\n", 1)[1]
    limits = Limits()
    around = (*ENTERPRISE_TOPIC, *WITHOUT_USER, *HIGHWAY, *AUDIT_LOG, *PLATFORM)
    return "".join(
        [
            INTRODUCTION,
            f"{told}\n\nAn answer has {limits.page_size:,} results at most, a body {limits.body_bytes:,} bytes. "
            "Below `/enterprise` this member answers that it has no enterprise repository.\n\n",
            table((*HEAD, "enterprise"), ((*_row(operation), "yes" if operation.enterprise else "-") for operation in REPOSITORY)),
            AROUND,
            table(HEAD, map(_row, around)),
            NOT_OURS_TEXT,
            table(HEAD, map(_row, NOT_OURS)),
        ]
    )


def _row(operation: Operation) -> tuple[str, str, str, str]:
    return (
        code(operation.name) + (" (only up to 5.x)" if operation.up_to_5_only else ""),
        code(operation.path if operation.local else ENTERPRISE + operation.path),
        ", ".join(operation.verbs),
        ", ".join(map(code, operation.query)) or "-",
    )
