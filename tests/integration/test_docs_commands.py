"""The commands that the documentation tells people to type, typed: `tests/documented.py` says which."""

import re
import tomllib
from functools import partial
from pathlib import Path

import pytest

from cohort_sync.mapping.registry import GROUP
from cohort_sync.testing import EmbeddedBroker
from tests.documented import ROOT, Terminal, block_of, blocks_of, commands_of, said_as_shown


@pytest.mark.timeout(240)
def test_the_tutorial_and_then_what_an_operator_does(tmp_path: Path) -> None:
    with EmbeddedBroker() as found:
        port = found.port  # free a moment later, for the broker that the tutorial starts itself
    with Terminal(tmp_path, COHORT_SYNC_HTTP__PORT="0") as terminal:
        terminal.type_all(commands_of("docs/tutorial/first-member.md", {"19092": str(port)}))
        ours, theirs = (terminal.asked(f"cohort-sync fingerprint --exact --json --config {name}.toml") for name in ("retail", "reader"))
        (collection,) = ours
        assert ours[collection]["entities"] == 7
        assert theirs[collection] == ours[collection]

        status = "cohort-sync status --json --config retail.toml"
        documented = (ROOT / "docs/reference/http.md").read_text()
        for condition in terminal.asked(status)["worker"]["conditions"]:
            assert f"| `{condition['name'].replace('warehouse', '<name>')}` |" in documented
        (tmp_path / "bad.jsonl").write_text('{"topic": "retail", "value": "no JSON"}\n' * 20)
        assert terminal.run(f"python feed.py 127.0.0.1:{port} bad.jsonl") == ("20 records sent\n", 0)
        terminal.until(lambda: "" if terminal.asked(status)["halted"] else "the source is not halted")
        terminal.type_all(commands_of("docs/how-to/operate.md", {}))
        terminal.until(lambda: "the source is still halted" if terminal.asked(status)["halted"] else "")
        assert (tmp_path / "letter.bin").read_text() == '{"source": {"connector": "mysql", "na'


@pytest.mark.timeout(120)
def test_the_readme(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker, Terminal(tmp_path, COHORT_SYNC_HTTP__PORT="0") as terminal:
        terminal.type_all(commands_of("README.md", {"127.0.0.1:9092": broker.bootstrap}))


@pytest.mark.timeout(120)
def test_the_program_with_a_member_inside(tmp_path: Path) -> None:
    page = "docs/tutorial/embedded.md"
    program = block_of(page, "python", "two_catalogues.py")
    assert len(program.splitlines()) < 100
    (tmp_path / "two_catalogues.py").write_text(program)
    with Terminal(tmp_path) as terminal:
        terminal.type_all(commands_of(page, {}))


def test_the_mapper_of_the_how_to(tmp_path: Path) -> None:
    """Its files are written out as the page names them; the entry point is that of its pyproject.toml."""
    page = "docs/how-to/write-a-mapper.md"
    the = partial(block_of, page)
    mapper = the("python", "class LakeMapper")
    assert len(mapper.splitlines()) < 60
    (tmp_path / "lake_mapper.py").write_text(mapper)
    (tmp_path / "test_lake_mapper.py").write_text(the("python", "golden_differences"))
    (tmp_path / "lake.jsonl").write_text(the("jsonl", "orders.csv"))
    (tmp_path / "expected.json").write_text(the("json", "outcomePerLine"))
    (tmp_path / "source.toml").write_text(the("toml", "[[sources]]"))
    entry_points = tomllib.loads(the("toml", "entry-points"))["project"]["entry-points"][GROUP]
    installed = tmp_path / "lake_mapper-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: lake-mapper\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text("".join([f"[{GROUP}]\n", *(f"{name} = {target}\n" for name, target in entry_points.items())]))
    with Terminal(tmp_path, PYTHONPATH=str(tmp_path)) as terminal:
        for script in (
            "python -m pytest -q -p no:cacheprovider test_lake_mapper.py",
            "cohort-sync config init --output lake.toml --store lake.db && cat source.toml >> lake.toml && cohort-sync config check --config lake.toml",
        ):
            said, code = terminal.run(script)
            assert code == 0, said
        terminal.type_all(commands_of(page, {}))


MEMBER_WITH_A_STORE_OF_ITS_OWN = """
import asyncio
from pathlib import Path
from cohort_sync.embedded import Author, Member, settings_from
from journal_store import JournalStore

settings = settings_from({
    "member": {"name": "alice", "metadata_collection_id": "alices"}, "cohort": {"name": "coco"}, "kafka": {"bootstrap_servers": ["127.0.0.1:1"]},
    "store": {"path": "alice.journal"},
})

async def use(name):
    {use}
    async with member:
        kind = member.types.entity_def("GlossaryTerm").guid
        await member.collection.entities.add_entity(Author("alice"), kind, member.types.properties("GlossaryTerm", {"qualifiedName": name}))
        return [one.version for one in await member.collection.finds.find_entities("alice", kind)]

first = asyncio.run(use("one"))
with Path("alice.journal").open("ab") as journal:
    journal.write(b"half a record")
print(first, asyncio.run(use("two")))
"""


@pytest.mark.timeout(400)
def test_the_repository_connector_of_the_how_to(tmp_path: Path) -> None:
    """It passes the whole contract, a member uses it, and what a crash leaves at its end does no harm."""
    page = "docs/how-to/write-a-repository-connector.md"
    for name in ("journal_store.py", "test_journal_store.py"):
        (tmp_path / name).write_text(block_of(page, "python", f'"""{name}'))
    (tmp_path / "use.py").write_text(MEMBER_WITH_A_STORE_OF_ITS_OWN.replace("{use}", block_of(page, "python", "member = Member(").strip()))
    with Terminal(tmp_path, patience=300) as terminal:  # thousands of transactions, each on a disk that others may use
        terminal.type_all(commands_of(page, {}))
        assert terminal.run("python use.py 2> use.log") == ("[1] [1, 1]\n", 0)


@pytest.mark.timeout(400)
def test_the_programs_of_the_pages_are_typed_as_strictly_as_ours(tmp_path: Path) -> None:
    for page in ("docs/tutorial/embedded.md", "docs/how-to/write-a-mapper.md", "docs/how-to/write-a-repository-connector.md"):
        for program in blocks_of(page, "python"):
            if named := re.match(r'"""(\w+\.py)', program):
                (tmp_path / named[1]).write_text(program)
    assert len(list(tmp_path.glob("*.py"))) == 5
    with Terminal(tmp_path, patience=300) as terminal:
        said, code = terminal.run("python -m mypy --strict --config-file= *.py")
    assert code == 0, said


def test_what_a_page_shows_is_compared_as_people_read_it() -> None:
    assert said_as_shown("a ...\n", "a   b\n ─────\n c")
    assert said_as_shown("... b", "a\nb")
    assert not said_as_shown("a ... d", "a b c")
    assert not said_as_shown("a", "a b")
    assert said_as_shown(None, "anything")
