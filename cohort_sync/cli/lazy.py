"""A click group that imports a command's module only when that command is used, so that `--help` and `--version` stay fast."""

import importlib
from collections.abc import Mapping
from typing import IO, ClassVar, NamedTuple

import click

from cohort_sync.cli.groups import Group
from cohort_sync.omrs.errors import CohortSyncError, FatalFault


class Lazy(NamedTuple):
    """Where a command is ("package.module:attribute") and the line that help shows for it."""

    target: str
    summary: str


class LazyGroup(Group):
    """The root group; a subclass says what is in it.

    A fault of ours ends the program with its message as one paragraph on standard error and its own exit code, never with a traceback.
    """

    lazy: ClassVar[Mapping[str, Lazy]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = self.lazy.get(cmd_name)
        if lazy is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = lazy.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{lazy.target} is no click command")
        return command

    def summaries(self, _ctx: click.Context) -> dict[str, str]:
        return {name: lazy.summary for name, lazy in self.lazy.items()}

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CohortSyncError as fault:
            raise _Told(fault) from fault


class _Told(click.ClickException):
    """A fault of ours in the form that click shows and turns into an exit code."""

    def __init__(self, fault: CohortSyncError) -> None:
        super().__init__(str(fault))
        self.exit_code = fault.exit_code if isinstance(fault, FatalFault) else 1

    def show(self, file: IO[str] | None = None) -> None:
        click.echo(f"cohort-sync: {self.message}", file=file, err=True)
