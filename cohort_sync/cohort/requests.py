"""What may be asked of a worker (design, "The CLI writes requests, the worker acts on them"): the values, and how they lie in the store.

A request is written by a command beside the worker and acted on by the worker, which is the one writer of everything else.
"""

from typing import TypeAlias

import msgspec

from cohort_sync.store.rows import RequestRow

PENDING = "pending"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
STATES = (PENDING, RUNNING, DONE, FAILED)
UNFINISHED = (PENDING, RUNNING)


class _Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="verb"):
    """Base: the tag is the verb of the row, the fields are its arguments."""


class Resume(_Ask, frozen=True, kw_only=True, tag="resume"):
    """Go on with a source that was halted."""

    source: str


class Publish(_Ask, frozen=True, kw_only=True, tag="publish"):
    """Announce our home instances again: all, those of a type and its subtypes, those of a source."""

    type_name: str = ""
    source: str = ""


class Refresh(_Ask, frozen=True, kw_only=True, tag="refresh"):
    """Ask the other members to register again and, with `instances`, for what they are the home of: of one member (its collection id) or of all."""

    instances: bool = False
    member: str = ""


class Unregister(_Ask, frozen=True, kw_only=True, tag="unregister"):
    """Leave the cohort, and stop."""


class Replay(_Ask, frozen=True, kw_only=True, tag="replay"):
    """Try dead letters again: these, or all open ones, or all open ones of a flow."""

    ids: tuple[int, ...] = ()
    flow: str = ""


class Discard(_Ask, frozen=True, kw_only=True, tag="discard"):
    """Give dead letters up: these, or all open ones, or all open ones of a flow."""

    ids: tuple[int, ...] = ()
    flow: str = ""


Ask: TypeAlias = Resume | Publish | Refresh | Unregister | Replay | Discard


class UnknownRequest(ValueError):
    """A request of another release: its verb or an argument means nothing here."""


def request_row(ask: Ask, now: int) -> RequestRow:
    """The row of a new request; `now` is epoch milliseconds."""
    fields: dict[str, object] = msgspec.to_builtins(ask)
    verb = str(fields.pop("verb"))
    return RequestRow(0, verb, msgspec.json.encode(fields), now, PENDING, "")


def ask_of(row: RequestRow) -> Ask:
    """What a row asks. Raises UnknownRequest."""
    try:
        fields = msgspec.json.decode(row.arguments, type=dict[str, object])
        ask: Ask = msgspec.convert({**fields, "verb": row.verb}, type=Ask)
    except msgspec.DecodeError as problem:
        raise UnknownRequest(f"this worker does not know the request {row.verb} {row.arguments.decode(errors='replace')}: {problem}") from problem
    return ask


def arguments_of(row: RequestRow) -> dict[str, object]:
    """The arguments as they are written, also those of a request that means nothing here."""
    try:
        return msgspec.json.decode(row.arguments, type=dict[str, object])
    except msgspec.DecodeError:
        return {"arguments": row.arguments.decode(errors="replace")}
