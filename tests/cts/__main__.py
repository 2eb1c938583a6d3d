"""`PYTHONPATH=tests python -m cts [full|perf]`: Egeria's exam. The summaries go to build/."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from peers.jars import PeersUnavailableError
from peers.processes import PeerProcessError, stop_all

from . import full, functional, performance

BUILD = Path("build")


def main() -> int:
    """Runs the exam that was asked for; its files are kept when it was not passed. The exit code."""
    parser = argparse.ArgumentParser(prog="cts", description=__doc__)
    parser.add_argument("exam", nargs="?", choices=("functional", "full", "perf"), default="functional")
    parser.add_argument("--keep", type=Path, help="keep logs and stores in this directory, which must be empty or new")
    parser.add_argument("--minutes", type=float, default=None, help="full: begin no further pack after so many minutes")
    parser.add_argument("--size", type=int, default=full.SIZE, help="full: types of a pack, about")
    parser.add_argument("--instances", type=int, default=performance.INSTANCES, help="perf: instances per type")
    parser.add_argument("--rounds", type=int, default=performance.ROUNDS, help="perf: how often each of the two members is examined, in turn")
    chosen = parser.parse_args()
    directory = chosen.keep or Path(tempfile.mkdtemp(prefix="cts-"))
    code = 1
    try:
        match chosen.exam:
            case "full":
                code = full.examine(directory, BUILD / "cts-full.json", size=chosen.size, minutes=chosen.minutes)
            case "perf":
                code = performance.examine(directory, BUILD / "cts-perf.json", instances=chosen.instances, rounds=chosen.rounds)
            case _:
                code = functional.examine(directory, BUILD / "cts.json")
    except PeersUnavailableError as missing:
        print(f"cts: not run: {missing}")
    except PeerProcessError as problem:
        print(f"cts: {problem}")
    finally:
        stop_all()
        if code == 0 and chosen.keep is None:
            shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
