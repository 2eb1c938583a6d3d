"""The commands that a page of the documentation tells people to type, typed in a terminal.

A fenced `sh` block is tested when its info string says so (what follows the language is not shown to a reader): `test` in the ordinary tests, `peers`
among real Java servers.

    sh test               run to its end, exit code 0
    sh test eventually    run again and again until it ends with 0 and says what the next block shows
    sh test background    started, and stopped by SIGTERM when the page is done; its exit code is 0 then

A `text` block after a tested block is what it prints: `...` stands for anything, white space and the rules of tables do not count.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
PATIENCE_SECONDS = 60.0
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"[─━]+")


class Block(NamedTuple):
    """A tested block. `shows` is what it prints, None where the page does not say."""

    page: str
    line: int
    how: frozenset[str]
    script: str
    shows: str | None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def commands_of(page: str, instead: Mapping[str, str], *, tested: str = "test") -> list[Block]:
    """The tested blocks in the order of the page; `instead`: what stands in them and is something else on this machine."""
    text = (ROOT / page).read_text()
    for shown, here in instead.items():
        assert shown in text, f"{page} says nothing of {shown}"
        text = text.replace(shown, here)
    found = []
    fences = list(FENCE.finditer(text))
    for number, fence in enumerate(fences):
        language, *how = fence["info"].split()
        if language == "sh" and tested in how:
            following = fences[number + 1] if number + 1 < len(fences) else None
            shows = following["body"] if following is not None and following["info"].split()[0] == "text" else None
            found.append(Block(page, text.count("\n", 0, fence.start()) + 1, frozenset(how), fence["body"], shows))
    assert found, f"{page} has no command that is tested"
    return found


def blocks_of(page: str, language: str) -> list[str]:
    """All blocks in this language."""
    return [fence["body"] for fence in FENCE.finditer((ROOT / page).read_text()) if fence["info"].split()[0] == language]


def block_of(page: str, language: str, holds: str) -> str:
    """The first of them that holds this text."""
    return next(body for body in blocks_of(page, language) if holds in body)


def said_as_shown(shown: str | None, said: str) -> bool:
    """`...` in what is shown stands for anything; how it is laid out does not count."""
    if shown is None:
        return True
    parts = [re.escape(_plain(part)) for part in shown.split("...")]
    return re.fullmatch(r" *.*? *".join(parts), _plain(said), re.DOTALL) is not None


def _plain(text: str) -> str:
    return " ".join(RULE.sub(" ", text).split())


class Terminal:
    """Types blocks in a directory; what it started in the background is stopped in the reverse order, and has to end well."""

    def __init__(self, directory: Path, *, patience: float = 60, **environ: str) -> None:
        """`patience`: seconds that one command may take."""
        self.directory = directory
        self._patience = patience
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COHORT_SYNC_")}
        self._environ = {**clean, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", **environ}
        self._running: list[tuple[Block, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        codes = {block.place: self._stop(process) for block, process in reversed(self._running)}
        if error is None:
            assert set(codes.values()) <= {0}, f"{codes}\n{self._logs()}"

    def _stop(self, process: subprocess.Popen[bytes]) -> int:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def type_all(self, blocks: list[Block]) -> None:
        """Type them in order."""
        for block in blocks:
            if "background" in block.how:
                self._start(block)
            elif "eventually" in block.how:
                self.until(partial(self.missing, block))
            else:
                what = self.missing(block)
                assert not what, f"{what}\n{self._logs()}"

    def run(self, script: str) -> tuple[str, int]:
        """What it prints on both streams, and its exit code."""
        command = ["bash", "-euo", "pipefail", "-c", script]
        run = subprocess.run(
            command, cwd=self.directory, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=self._patience, check=False
        )
        return run.stdout, run.returncode

    def _start(self, block: Block) -> None:
        with (self.directory / f"background-{block.line}.log").open("wb") as log:
            command = ["bash", "-c", f"exec {block.script}"]
            process = subprocess.Popen(command, cwd=self.directory, env=self._environ, stdout=log, stderr=log, start_new_session=True)
        self._running.append((block, process))

    def until(self, missing: Callable[[], str]) -> None:
        """Ask again and again what is missing, until it is nothing. What runs in the background must not end meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while what := missing():
            for block, process in self._running:
                assert process.poll() is None, f"{block.place} ended with exit code {process.returncode}\n{self._logs()}"
            assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS:g} s: {what}\n{self._logs()}"
            time.sleep(0.3)

    def missing(self, block: Block) -> str:
        """What keeps a block from being as it is shown."""
        said, code = self.run(block.script)
        return "" if code == 0 and said_as_shown(block.shows, said) else f"{block.place} shows\n{block.shows}\nbut it says\n{said}"

    def asked(self, command: str) -> dict[str, Any]:
        """The JSON object that a command prints."""
        said, code = self.run(command)
        assert code == 0, said
        found: dict[str, Any] = json.loads(said)
        return found

    def _logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in sorted(self.directory.glob("background-*.log")))
