"""`cohort-sync dlq list|show|replay|discard`."""

import base64
import sys
from pathlib import Path

import click
import msgspec

from cohort_sync.cli.asking import ask_worker, asking_options
from cohort_sync.cli.groups import Group
from cohort_sync.cli.options import config_option, json_option, set_option, settings_for_reading
from cohort_sync.cli.output import harmless, moment, print_json, print_pairs, print_table
from cohort_sync.omrs.errors import FatalFault
from cohort_sync.store.rows import DeadLetterRow

STATES = ("open", "replayed", "discarded")


class DeadLetterReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A dead letter without its bytes, whose number is `size`. `timestamp` (of the record) and `created` (of the dead letter) are epoch milliseconds."""

    id: int
    flow: str
    stage: str
    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    created: int
    state: str
    size: int | None


@click.group(cls=Group, short_help="Records that could not be used (dead letters).")
def dlq() -> None:
    """Records that could not be used, whole, with the place they came from and the reason."""


@dlq.command("list")
@config_option
@set_option
@click.option("--flow", metavar="NAME", help='Only those of one source, or "cohort" for events of other members.')
@click.option("--state", type=click.Choice([*STATES, "all"]), default="open", show_default=True)
@click.option("--after", type=click.IntRange(min=0), default=0, show_default=True, metavar="ID", help="Only those with a greater id.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most to list.")
@json_option
def list_dead_letters(config_path: Path | None, overrides: tuple[str, ...], flow: str | None, state: str, after: int, limit: int, as_json: bool) -> None:
    """List dead letters, oldest first."""
    from cohort_sync.cli.store_access import read_store
    from cohort_sync.store.protocol import Reader

    def query(reader: Reader) -> list[DeadLetterRow]:
        """In chunks, because the store cannot pick a flow."""
        found: list[DeadLetterRow] = []
        last = after
        while len(found) < limit and (chunk := reader.dead_letters(None if state == "all" else state, limit=1000, after=last)):
            found += [row for row in chunk if flow is None or row.flow == flow]
            last = chunk[-1].id
        return found[:limit]

    rows = read_store(settings_for_reading(config_path, overrides), query)
    if as_json:
        print_json([_report(row) for row in rows])
        return
    print_table(
        f"Dead letters ({state}): {len(rows)}" + (f", the first {limit}; more with --after {rows[-1].id}" if len(rows) == limit else ""),
        ("id", "flow", "stage", "topic", "partition", "offset", "created", "reason"),
        [(row.id, row.flow, row.stage, row.topic, row.partition, row.offset, moment(row.created), row.reason) for row in rows],
        right=("id", "partition", "offset"),
    )


@dlq.command()
@click.argument("dead_letter_id", type=int, metavar="ID")
@config_option
@set_option
@click.option("--raw", is_flag=True, help="Write only the bytes of the value to standard output, unchanged.")
@json_option
def show(dead_letter_id: int, config_path: Path | None, overrides: tuple[str, ...], raw: bool, as_json: bool) -> None:
    """Show one dead letter with its bytes. With --json, key, value and headers are base64; `valueText` is there when the value is UTF-8."""
    from cohort_sync.cli.store_access import read_store

    row = read_store(settings_for_reading(config_path, overrides), lambda reader: reader.dead_letter(dead_letter_id))
    if row is None:
        raise FatalFault(f"there is no dead letter {dead_letter_id}; `cohort-sync dlq list --state all` lists them")
    if raw:
        sys.stdout.buffer.write(row.value or b"")
        return
    headers = msgspec.json.decode(row.headers, type=list[tuple[str, str]]) if row.headers else []
    if as_json:
        print_json({**msgspec.to_builtins(_report(row)), "key": row.key, "value": row.value, "valueText": _text(row.value), "headers": headers})
        return
    print_pairs(
        [
            ("id", row.id),
            ("state", row.state),
            ("flow", row.flow),
            ("stage", row.stage),
            ("reason", row.reason),
            ("record", f"{row.topic}[{row.partition}] offset {row.offset}, {moment(row.timestamp)}"),
            ("dead since", moment(row.created)),
            ("key", _readable(row.key)),
            *((f"header {name}", _readable(base64.b64decode(value))) for name, value in headers),
            ("value", "none (a tombstone)" if row.value is None else f"{len(row.value)} bytes:"),
        ]
    )
    if row.value is not None:
        click.echo("\n".join(harmless(line) for line in (_readable(row.value) or "").split("\n")))


_ids = click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")
_everything = click.option("--all", "everything", is_flag=True, help="All open ones, instead of ids.")
_of_flow = click.option("--flow", default="", metavar="NAME", help='With --all: only those of one source, or "cohort" for events of other members.')


@dlq.command()
@_ids
@_everything
@_of_flow
@asking_options
def replay(ids: tuple[int, ...], everything: bool, flow: str, config_path: Path | None, overrides: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the worker to try open dead letters again, as if their records had just been read: after a mapper, a type or a limit was mended.

    Each becomes `replayed` together with its effect, or stays open with the reason of this attempt. One that was overtaken by something newer stays as it is.
    """
    from cohort_sync.cohort.requests import Replay

    _check_choice(ids, everything, flow)
    ask_worker(settings_for_reading(config_path, overrides), Replay(ids=ids, flow=flow), wait=wait, as_json=as_json)


@dlq.command()
@_ids
@_everything
@_of_flow
@asking_options
def discard(ids: tuple[int, ...], everything: bool, flow: str, config_path: Path | None, overrides: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the worker to give open dead letters up. They stay to be looked at for as long as store.dead_letter_days says."""
    from cohort_sync.cohort.requests import Discard

    _check_choice(ids, everything, flow)
    ask_worker(settings_for_reading(config_path, overrides), Discard(ids=ids, flow=flow), wait=wait, as_json=as_json)


def _check_choice(ids: tuple[int, ...], everything: bool, flow: str) -> None:
    if bool(ids) == everything:
        raise click.UsageError("name the ids of dead letters, or say --all")
    if flow and not everything:
        raise click.UsageError("--flow goes with --all")


def _report(row: DeadLetterRow) -> DeadLetterReport:
    return DeadLetterReport(
        id=row.id,
        flow=row.flow,
        stage=row.stage,
        reason=row.reason,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        timestamp=row.timestamp,
        created=row.created,
        state=row.state,
        size=None if row.value is None else len(row.value),
    )


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _readable(value: bytes | None) -> str | None:
    """Text as it is, anything else as base64."""
    if value is None:
        return None
    text = _text(value)
    return f"base64:{base64.b64encode(value).decode()}" if text is None else text
