"""The program as a whole: help, version, late imports, unknown commands, how faults are told."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cohort_sync import __version__
from cohort_sync.cli import lazy
from cohort_sync.cli.main import COMMANDS, cli
from cohort_sync.omrs.errors import CohortSyncError, ConfigurationError, FatalFault, StoreLocked, TransientFault

Script = Callable[..., subprocess.CompletedProcess[str]]


def test_version_and_help(script: Script) -> None:
    assert script("--version").stdout == f"cohort-sync {__version__}\n"
    for flag in ("-h", "--help"):
        answer = script(flag)
        assert answer.returncode == 0
        assert all(re.search(rf"^  {name} ", answer.stdout, re.MULTILINE) for name in COMMANDS)


def test_help_imports_no_command() -> None:
    code = (
        "import sys, json\nfrom cohort_sync.cli.main import cli\n"
        "try:\n    cli(['--help'])\nexcept SystemExit:\n    pass\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    modules = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stderr))
    ours = {name for name in modules if name.startswith(("cohort_sync", "mappers", "schemas"))}
    assert ours == {
        "cohort_sync",
        "cohort_sync.cli",
        "cohort_sync.cli.groups",
        "cohort_sync.cli.lazy",
        "cohort_sync.cli.main",
        "cohort_sync.omrs",
        "cohort_sync.omrs.errors",
    }
    assert not modules & {"msgspec", "rich", "sqlite3", "faust", "mode", "aiokafka", "kafka", "starlette", "uvicorn", "structlog", "asyncio"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_its_line_is_the_one_that_help_shows(name: str) -> None:
    module, _, attribute = COMMANDS[name].target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.short_help == COMMANDS[name].summary
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output
    for inner in command.commands if isinstance(command, click.Group) else ():
        assert CliRunner().invoke(cli, [name, inner, "--help"]).exit_code == 0


def test_an_unknown_command_names_the_nearest(script: Script) -> None:
    answer = script("statsu")
    assert answer.returncode == 2
    assert "There is no command 'statsu'. Did you mean 'status'?" in answer.stderr
    assert "There is no command 'qqqqq'. There are: worker, demo, " in script("qqqqq").stderr
    inner = script("dlq", "lst")
    assert inner.returncode == 2
    assert "There is no command 'lst'. Did you mean 'list'?" in inner.stderr


@pytest.mark.parametrize("name", [name for name, lazy in COMMANDS.items() if name not in ("worker", "demo")])
def test_help_never_cuts_a_summary_off(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert "..." not in result.output.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("fault", "code"),
    [(ConfigurationError("a: b"), 2), (StoreLocked("a: b"), 3), (FatalFault("a: b"), 1), (TransientFault("a: b"), 1), (CohortSyncError("a: b"), 1)],
    ids=lambda value: type(value).__name__,
)
def test_a_fault_is_one_paragraph_with_its_exit_code(fault: CohortSyncError, code: int) -> None:
    @click.group(cls=lazy.LazyGroup)
    def group() -> None:
        """A program."""

    @group.command()
    def failing() -> None:
        raise fault

    result = CliRunner().invoke(group, ["failing"])
    assert (result.exit_code, result.stderr, result.stdout) == (code, "cohort-sync: a: b\n", "")


def test_an_error_of_the_program_itself_is_not_hidden() -> None:
    @click.group(cls=lazy.LazyGroup)
    def group() -> None:
        """A program."""

    @group.command()
    def failing() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(group, ["failing"]).exception, ZeroDivisionError)


def test_no_configuration_and_no_store_are_told(script: Script, tmp_path: Path) -> None:
    for command in (["status"], ["members", "list"], ["dlq", "list"], ["dlq", "show", "1"], ["fingerprint"], ["worker"]):
        answer = script(*command)
        assert answer.returncode == 2, command
        assert "there is no configuration: name its file with --config FILE" in answer.stderr
        assert "--config" in answer.stderr
        assert "Traceback" not in answer.stderr
    config = tmp_path / "a.toml"
    assert script("config", "init", "--output", str(config), "--store", str(tmp_path / "none.db")).returncode == 0
    for command in (["status"], ["members", "list"], ["dlq", "list"], ["fingerprint"]):
        answer = script(*command, "--config", str(config))
        assert answer.returncode == 2
        assert re.search(r"store.path .*none.db: there is no store yet", answer.stderr)
        assert not (tmp_path / "none.db").exists()
