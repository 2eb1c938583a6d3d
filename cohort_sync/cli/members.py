"""`cohort-sync members list|show`."""

import re
from pathlib import Path

import click
import msgspec

from cohort_sync.cli.groups import Group
from cohort_sync.cli.options import config_option, json_option, set_option, settings_for_reading
from cohort_sync.cli.output import moment, print_json, print_pairs, print_table
from cohort_sync.omrs.errors import FatalFault
from cohort_sync.store.rows import MemberRow

MASK = "********"

# A connection of a member may carry credentials of that member (spec configuration-and-security 6.7).
_SECRET = re.compile(r"password|secret|token|sasl\.jaas\.config|credential|(^|\.)key$", re.IGNORECASE)


class MemberReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member as its last registration described it. Times are epoch milliseconds."""

    metadata_collection_id: str
    metadata_collection_name: str | None
    server_name: str | None
    server_type: str | None
    organization_name: str | None
    registration_time: int | None
    first_seen: int
    last_seen: int
    problem: str | None


@click.group(cls=Group, short_help="The other members of the cohort.")
def members() -> None:
    """The other members of the cohort, as they have registered."""


@members.command("list")
@config_option
@set_option
@json_option
def list_members(config_path: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """List the members."""
    rows = _read(config_path, overrides)
    if as_json:
        print_json([_report(row) for row in rows])
        return
    print_table(
        f"Members: {len(rows)}",
        ("server", "type", "organization", "metadata collection", "last seen", "problem"),
        [(row.server_name, row.server_type, row.organization_name, row.metadata_collection_id, moment(row.last_seen), row.problem) for row in rows],
    )


@members.command()
@click.argument("member")
@config_option
@set_option
@json_option
def show(member: str, config_path: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show one member: MEMBER is its server name, or its metadata collection id or the beginning of it. Secrets in its connection are masked."""
    row = find_member(_read(config_path, overrides), member)
    connection = None if row.connection is None else _masked(msgspec.json.decode(row.connection))
    if as_json:
        print_json({**msgspec.to_builtins(_report(row)), "connection": connection})
        return
    print_pairs(
        [
            ("server", row.server_name),
            ("type", row.server_type),
            ("organization", row.organization_name),
            ("metadata collection", row.metadata_collection_id),
            ("collection name", row.metadata_collection_name),
            ("registered", moment(row.registration_time)),
            ("first seen", moment(row.first_seen)),
            ("last seen", moment(row.last_seen)),
            ("problem", row.problem),
            ("connection", "none: it cannot be queried" if connection is None else msgspec.json.encode(connection).decode()),
        ]
    )


def _read(config_path: Path | None, overrides: tuple[str, ...]) -> list[MemberRow]:
    from cohort_sync.cli.store_access import read_store

    return read_store(settings_for_reading(config_path, overrides), lambda reader: reader.members())


def find_member(rows: list[MemberRow], wanted: str) -> MemberRow:
    """The member of this server name, or with this metadata collection id or beginning of it. FatalFault when there is none, or more than one."""
    found = [row for row in rows if wanted in (row.metadata_collection_id, row.server_name)]
    found = found or [row for row in rows if row.metadata_collection_id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise FatalFault(f"{wanted!r} is the name or the beginning of the id of {len(found)} members: {', '.join(row.metadata_collection_id for row in found)}")
    there = ", ".join(row.server_name or row.metadata_collection_id for row in rows) or "none"
    raise FatalFault(f"there is no member {wanted!r}; the members are: {there}")


def _report(row: MemberRow) -> MemberReport:
    return MemberReport(
        metadata_collection_id=row.metadata_collection_id,
        metadata_collection_name=row.metadata_collection_name,
        server_name=row.server_name,
        server_type=row.server_type,
        organization_name=row.organization_name,
        registration_time=row.registration_time,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        problem=row.problem,
    )


def _masked(value: object) -> object:
    match value:
        case dict():
            return {key: MASK if _SECRET.search(str(key)) and item else _masked(item) for key, item in value.items()}
        case list():
            return [_masked(item) for item in value]
        case _:
            return value
