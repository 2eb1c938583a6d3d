"""What the documentation names is there: pages, anchors, paths, tests, commands, options, keys, metrics. And the reference is that of the code."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cohort_sync import __version__
from cohort_sync.cli.main import cli
from cohort_sync.config.keys import SECTIONS, fields_of

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "deploy/*.md", "mappers/*/README.md", "tests/peers/README.md")
    for path in ROOT.glob(pattern)
)
HAND_WRITTEN = [page for page in PAGES if not page.startswith("docs/reference/")]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TOP = ("bench", "cohort_sync", "deploy", "docs", "mappers", "schemas", "tests")


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def anchors(page: str) -> set[str]:
    """Those that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def inline_code(page: str) -> Iterator[str]:
    return (found[1] for found in CODE.finditer(FENCE.sub("", text_of(page))))


def commands(page: str) -> Iterator[list[str]]:
    """The words after `cohort-sync`, in running text and in blocks, up to whatever the shell takes for something else."""
    fenced = (line for fence in FENCE.findall(text_of(page)) for line in fence.splitlines())
    for piece in (*inline_code(page), *fenced):
        for found in re.finditer(r"(?:^|[\s/;&])cohort-sync ([a-z][^`#|>;&\"')]*)", piece):
            yield found[1].split()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(str(found.resolve().relative_to(ROOT))), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_paths_are_there(page: str) -> None:
    for piece in inline_code(page):
        if re.fullmatch(rf"(?:{'|'.join(TOP)})/[\w./*-]+", piece):
            assert list(ROOT.glob(piece.rstrip("/"))), f"{page}: {piece}"


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_are_there(page: str) -> None:
    for words in commands(page):
        context = click.Context(cli, info_name="cohort-sync")
        command: click.Command = cli
        rest = list(words)
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            word = rest.pop(0).rstrip(".,:")
            names = [word] if "|" not in word else word.split("|")
            found = [command.get_command(context, name) for name in names]
            assert None not in found, f"{page}: cohort-sync {' '.join(words)}: there is no {word}"
            command = found[0] or cli
            context = click.Context(command, info_name=word, parent=context)
        known = {option for parameter in command.get_params(context) for option in parameter.opts}
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0].rstrip(".,:") in known, f"{page}: cohort-sync {' '.join(words)}: there is no {word}"


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_keys_of_the_configuration_are_there(page: str) -> None:
    """`section.key`, where the section is one of ours."""
    for piece in inline_code(page):
        found = re.fullmatch(r"(?:--set )?([a-z]+)\.([a-z_]+)(?:=\S*| = .*)?", piece)
        if found is not None and found[1] in SECTIONS and found[2] not in ("py", "md", "toml", "html", "json"):
            assert found[2] in fields_of(SECTIONS[found[1]]), f"{page}: {piece}"


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_metrics_are_there(page: str) -> None:
    known = set(re.findall(r"^\| `(cohort_sync_\w+)`", text_of("docs/reference/metrics.md"), re.MULTILINE))
    for name in re.findall(r"\bcohort_sync_\w+", text_of(page)):
        assert name in known or re.sub(r"_(bucket|sum|count)$", "", name) in known, f"{page}: {name}"


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_make_targets_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    fenced = "\n".join(FENCE.findall(text_of(page)))
    named = {found for piece in inline_code(page) for found in re.findall(r"^make ([a-z]+)", piece)} | set(re.findall(r"^make ([a-z]+)", fenced, re.MULTILINE))
    assert named <= targets, page


def test_the_reference_is_that_of_the_code() -> None:
    check = subprocess.run([sys.executable, "docs/tools/make_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_package_is_in_the_architecture() -> None:
    named = set(re.findall(r"^\| `([\w/]+)` \|", text_of("docs/ARCHITECTURE.md"), re.MULTILINE))
    packages = {f"cohort_sync/{path.parent.name}" for path in (ROOT / "cohort_sync").glob("*/__init__.py")} | {"mappers", "schemas"}
    assert packages <= named
    assert all((ROOT / each).is_dir() for each in named)


def test_each_guarantee_names_its_tests() -> None:
    """And each of them tests something."""
    section = re.search(r"^## Guarantees$(.*?)^## ", text_of("docs/ARCHITECTURE.md"), re.MULTILINE | re.DOTALL)
    assert section is not None
    guarantees = re.split(r"^\d\. ", section[1], flags=re.MULTILINE)[1:]
    assert len(guarantees) == 8
    for guarantee in guarantees:
        tests = re.findall(r"`(tests/[\w/]+\.py)`", guarantee)
        assert tests, guarantee
        for test in tests:
            assert re.search(r"^(?:(?:    )?def test_|class Test\w+\(\w+Contract\):)", text_of(test), re.MULTILINE), test


def test_the_changelog_has_this_version_first() -> None:
    versions = re.findall(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == __version__
