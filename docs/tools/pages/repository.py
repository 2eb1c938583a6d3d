"""The OMRS repository services that the worker serves, from the one table of operations."""

import inspect

from cohort_sync.api.omrs import service
from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.operation import ENTERPRISE, Operation
from cohort_sync.api.omrs.operations import REPOSITORY
from cohort_sync.api.omrs.operations_around import AUDIT_LOG, ENTERPRISE_TOPIC, HIGHWAY, NOT_OURS, PLATFORM, WITHOUT_USER
from cohort_sync.config.settings import HttpSettings
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
ENTERPRISE_TEXT = """\
## Below `/enterprise`

With `enterprise.enabled = true` the operations marked so are answered by all members of the cohort together, at `enterprise/<operation>` below the same path.
Without it they are answered with the error that there is no enterprise repository (OMRS-REST-API-503-002), as Java does. Other members are called at the
address of their registration, in the dialect that they speak, each with `enterprise.member_seconds` for an answer.

- Of several states of an instance the home's is told, else the newest; classifications are merged from all members. Pages are pages of the whole.
- A member that cannot be reached, or is not the one that is registered, is left out, and left alone for five seconds; the log says so once. A member that
  registered without a connection, or with one for another connector, is never asked.
- A find has an error only if no member could answer. What is new is ours; a change goes to the home of what is changed, and is refused where the home cannot
  be asked.
- What was found elsewhere and not here is asked for by a refresh request, if `cohort.events_to_save` keeps copies of its type.

## The repository

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
            f"{told}\n\nAn answer has {limits.page_size:,} results at most (`http.max_results`), a body {limits.body_bytes:,} bytes (`http.max_body_bytes`), "
            f"and a find {HttpSettings().find_seconds:g} s, after which it is cancelled (`http.find_seconds`), if nothing else is set.\n\n",
            ENTERPRISE_TEXT,
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
