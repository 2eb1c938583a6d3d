"""What deploy/ tells the operating system to run is what this program has."""

import asyncio
import configparser
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from starlette.applications import Starlette

from cohort_sync.api.app import create_app
from cohort_sync.api.server import HttpServer
from cohort_sync.cli.main import cli
from cohort_sync.config import WorkerSettings
from cohort_sync.observe.health import Health
from cohort_sync.observe.metrics import Metrics
from cohort_sync.observe.status import WorkerStatus
from cohort_sync.omrs.errors import ConfigurationError, StoreLocked

ROOT = Path(__file__).parents[2]


class UnitParser(configparser.ConfigParser):
    """systemd's keys have capitals, and some come more than once."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def service() -> dict[str, str]:
    parser = UnitParser(strict=False, interpolation=None)
    parser.read_string((ROOT / "deploy" / "cohort-sync.service").read_text())
    return dict(parser["Service"])


def accepted(arguments: list[str]) -> None:
    """Click takes these arguments (nothing is run)."""
    context = cli.make_context("cohort-sync", arguments[:], resilient_parsing=True)
    name, command, rest = cli.resolve_command(context, arguments)
    assert command is not None
    command.make_context(name, rest, parent=context)


def test_the_unit_runs_the_worker_and_gives_it_time() -> None:
    unit = service()
    program, *arguments = shlex.split(unit["ExecStart"])
    assert Path(program).name == "cohort-sync"
    accepted(arguments)
    assert unit["Type"] == "notify"
    assert unit["TimeoutStartSec"] == "infinity"  # a broker that is away is waited for
    assert float(unit["WatchdogSec"]) >= 10
    assert float(unit["TimeoutStopSec"]) > WorkerSettings().drain_seconds
    assert unit["Restart"] == "on-failure"
    assert unit["RestartPreventExitStatus"].split() == [str(ConfigurationError.exit_code), str(StoreLocked.exit_code)]


def dockerfile() -> str:
    return re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text())


def test_the_image_runs_the_worker_as_nobody_special() -> None:
    text = dockerfile()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    entrypoint, command = (json.loads(line) for line in re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE))
    assert entrypoint == ["cohort-sync"]
    accepted(command)
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source


def test_the_health_check_asks_livez() -> None:
    match = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", dockerfile(), re.MULTILINE)
    assert match is not None
    _, *arguments = json.loads(match[1])

    async def no_status() -> WorkerStatus:
        raise AssertionError("the health check does not ask for the status")

    async def scenario() -> tuple[int, int]:
        health = Health({"broker": "away"}, clock=lambda: 1)
        app: Starlette = create_app(health, Metrics(version="1", member="m", metadata_collection_id="i", type_release="6.1"), no_status)
        server = HttpServer(app, host="127.0.0.1", port=0)
        environ = {"COHORT_SYNC_HTTP__PORT": (await server.start()).rpartition(":")[2]}

        async def check() -> int:
            process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environ, stderr=subprocess.DEVNULL)
            return await process.wait()

        alive = await check()
        await server.stop()
        return alive, await check()

    alive, gone = asyncio.run(scenario())
    assert alive == 0
    assert gone != 0
