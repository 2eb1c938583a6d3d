"""A group of commands: every command with its whole summary, and a word for somebody who mistyped one."""

import difflib

import click

_WHOLE = 1000


class Group(click.Group):
    """What all groups of the program have in common."""

    def summaries(self, _ctx: click.Context) -> dict[str, str]:
        """Each command with the line that help shows for it."""
        return {name: command.get_short_help_str(_WHOLE) for name, command in sorted(self.commands.items())}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries(ctx).items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, n=1)
            ctx.fail(f"There is no command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(known)}."))
        return super().resolve_command(ctx, args)
