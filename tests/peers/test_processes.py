"""No scenario may leave a process behind, and a child that does not come up must say why."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import ManagedProcess, PeerProcessError, free_port, port_answers, running_processes
from .waiting import eventually

_ROOT = Path(__file__).parents[2]
# Ignores SIGTERM, has a child of its own, says both ids.
_STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("READY", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    # A child of an ended parent is a zombie until somebody reaps it, which in a container may be nobody.
    state = Path(f"/proc/{process_id}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def _ids(process: ManagedProcess) -> list[int]:
    process.wait_for_line("READY", timeout=20)
    line = next(line for line in process.output().splitlines() if line.startswith("READY"))
    return [int(part) for part in line.split()[1:]]


def test_a_child_that_ignores_the_signal_goes_with_its_own_children(tmp_path: Path) -> None:
    process = ManagedProcess("stubborn", [sys.executable, "-c", _STUBBORN], tmp_path)
    process.start()
    ids = _ids(process)
    assert process in running_processes()
    process.stop(grace=0.5)
    eventually(lambda: not any(map(_alive, ids)), timeout=5, what=f"the processes {ids} are gone")
    assert process.exit_code == -signal.SIGKILL
    assert process not in running_processes()


def test_it_can_be_started_again_and_only_this_run_is_read(tmp_path: Path) -> None:
    process = ManagedProcess("twice", [sys.executable, "-c", "import os; print('I am', os.getpid())"], tmp_path)
    process.start()
    assert process.wait_for_end(timeout=20) == 0
    first = process.output()
    process.start()
    assert process.wait_for_end(timeout=20) == 0
    assert process.output() != first
    assert process.log.read_text() == first + process.output()


def test_a_child_that_ends_too_early_is_told_with_its_log(tmp_path: Path) -> None:
    process = ManagedProcess("broken", [sys.executable, "-c", "import sys; sys.exit('the disk is full')"], tmp_path)
    process.start()
    with pytest.raises(PeerProcessError, match="ended with code 1 before it was ready") as caught:
        process.wait_for_line("READY", timeout=20)
    assert "the disk is full" in str(caught.value)
    assert str(process.log) in str(caught.value)
    process.stop()


def test_a_child_that_never_gets_ready_is_told_and_stopped(tmp_path: Path) -> None:
    process = ManagedProcess("slow", [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path)
    process.start()
    with pytest.raises(PeerProcessError, match=r"slow was not ready within 0\.2 s"):
        process.wait_for_line("READY", timeout=0.2)
    with pytest.raises(PeerProcessError, match="is running already"):
        process.start()
    process.stop()
    assert not process.running


def test_a_command_that_does_not_exist_is_told(tmp_path: Path) -> None:
    process = ManagedProcess("nothing", [str(tmp_path / "no-such-command")], tmp_path)
    with pytest.raises(PeerProcessError, match=r"nothing: .*no-such-command cannot be started"):
        process.start()
    assert not process.running


@pytest.mark.parametrize("end", ["interrupt", "return", "SIGKILL"])
def test_children_end_with_the_session(tmp_path: Path, end: str) -> None:
    last = {
        "interrupt": "raise KeyboardInterrupt",
        "return": "",
        "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    }
    package = __package__
    script = f"""
import sys
from pathlib import Path
from {package}.processes import ManagedProcess
from {package}.test_processes import _ids, _STUBBORN
process = ManagedProcess("child", [sys.executable, "-c", _STUBBORN], Path({str(tmp_path)!r}))
process.start()
print(*_ids(process), flush=True)
{last[end]}
"""
    root = _ROOT if package.startswith("tests.") else _ROOT / "tests"
    session = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert session.stdout, session.stderr
    own, grandchild = map(int, session.stdout.split())
    # Killed outright it can only be the kernel that ends the child, and only the child.
    gone = [own] if end == "SIGKILL" else [own, grandchild]
    try:
        eventually(lambda: not any(map(_alive, gone)), timeout=10, what=f"the processes {gone} are gone")
    finally:
        if _alive(grandchild):
            os.kill(grandchild, signal.SIGKILL)


def test_free_ports_are_free_and_never_the_same() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert not any(map(port_answers, ports))
