"""Writes docs/reference from the code: what a page says is what the program does.

python docs/tools/make_reference.py            write the pages
python docs/tools/make_reference.py --check    exit code 1, with the differences, when a page is not current
"""

import difflib
import sys
from pathlib import Path

from pages import commands, configuration, events, mappers, repository, worker
from pages.markdown import link_list

REFERENCE = Path(__file__).parents[1] / "reference"
HEADER = "<!-- Made by docs/tools/make_reference.py from the code: change the code, then run `make docs`. -->\n"


def pages() -> dict[str, str]:
    """Every page by file name."""
    bodies = {
        "configuration.md": configuration.page(),
        "cli.md": commands.page(),
        "http.md": worker.http_page(),
        "repository-services.md": repository.page(),
        "metrics.md": worker.metrics_page(),
        "exit-codes.md": worker.exit_codes_page(),
        "verdicts.md": events.verdicts_page(),
        "dead-letters.md": events.dead_letters_page(),
        "mappers.md": mappers.page(),
    }
    return {name: f"{HEADER}\n{body}" for name, body in {"README.md": index(bodies), **bodies}.items()}


def index(bodies: dict[str, str]) -> str:
    """The list of the pages, each by its own title."""
    return "# Reference\n\nMade from the code of this version.\n\n" + link_list((body.splitlines()[0].lstrip("# "), name) for name, body in bodies.items())


def differences(wanted: dict[str, str]) -> list[str]:
    """How the committed pages differ from `wanted`, as unified diffs."""
    found = [f"{path.name}: no such page any more" for path in sorted(REFERENCE.glob("*.md")) if path.name not in wanted]
    for name, text in wanted.items():
        path = REFERENCE / name
        there = path.read_text() if path.exists() else ""
        found += difflib.unified_diff(there.splitlines(), text.splitlines(), f"docs/reference/{name}", "from the code", lineterm="", n=1)
    return found


def main() -> int:
    """The exit code."""
    wanted = pages()
    if "--check" in sys.argv[1:]:
        found = differences(wanted)
        if found:
            print("\n".join([*found, "", "docs/reference is not current: run `make docs` and commit what it changed"]))
        return 1 if found else 0
    REFERENCE.mkdir(exist_ok=True)
    for path in REFERENCE.glob("*.md"):
        path.unlink()
    for name, text in wanted.items():
        (REFERENCE / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
