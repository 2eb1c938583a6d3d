"""What commands print: JSON for tools, tables for people. Text that came from elsewhere is made harmless for a terminal first."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click
import msgspec

PIPE_WIDTH = 400
"""Columns when the output is no terminal: nothing is cut there."""


def print_json(document: object) -> None:
    """One JSON value, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> None:
    """A table; `right` names the columns with numbers. None becomes "-". Without rows there is only the title."""
    listed = list(rows)
    if not listed:
        click.echo(f"{title}\n  none")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    aligned = set(right)
    for column in columns:
        table.add_column(column, justify="right" if column in aligned else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text(harmless("-" if cell is None else str(cell))) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False).print(table)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line, the values in one column."""
    listed = [(name, harmless("-" if value is None else str(value))) for name, value in pairs]
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        click.echo(f"{name:<{width}}  {value}")


def harmless(text: str) -> str:
    """The text with every character that a terminal would act on (but tab) written as its escape."""
    return "".join(char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode() for char in text)


def moment(epoch_millis: int | None) -> str:
    """A time for people, in UTC."""
    if epoch_millis is None:
        return "-"
    try:
        return datetime.fromtimestamp(epoch_millis / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(epoch_millis)
