"""The command line, from click."""

import inspect

import click

from cohort_sync.cli.main import cli
from pages.markdown import code, table

INTRODUCTION = """\
# Command line

One program, `cohort-sync`. One command runs for long (`worker`); the others look at it and at its store, and may run beside it. They read the store without
its lock. What changes something (`resume`, `publish`, `refresh`, `unregister`, `dlq replay`, `dlq discard`) is written into the store as a request that the
worker carries out. `--json` prints one JSON value on standard output; problems go to standard error. [Exit codes](exit-codes.md).
"""


def page() -> str:
    """The page: an overview, then each command."""
    root = click.Context(cli, info_name="cohort-sync")
    leaves = list(_leaves(root))
    overview = table(
        ("command", "what it does"), ((f"[`{at.command_path}`](#{at.command_path.replace(' ', '-')})", at.command.get_short_help_str(200)) for at in leaves)
    )
    return f"{INTRODUCTION}\n{overview}" + "".join(_section(at) for at in leaves)


def _leaves(context: click.Context) -> list[click.Context]:
    group = context.command
    if not isinstance(group, click.Group):
        return [context]
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise ValueError(f"{context.command_path} lists the command {name} and does not have it")
        found += _leaves(click.Context(command, info_name=name, parent=context))
    return found


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    help_text = "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(command.help or "").replace("\b", "").split("\n\n"))
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    options = table(("option", "what it does"), ((code(name), text) for name, text in records if not name.startswith("-h,") and name != "--help"))
    return f"\n## {context.command_path}\n\n    {usage}\n\n{help_text}\n\n{options}"
