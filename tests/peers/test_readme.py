"""What the README says about joining an existing cohort of Egeria servers, typed into the cohort of two real ones."""

from pathlib import Path

from tests.documented import Terminal, commands_of

from .make_archive import ARCHIVE_GUID
from .omrs_json import JsonObject
from .rest import EgeriaClient
from .trio import COHORT, Trio
from .waiting import eventually

_NAME = "my-proxy"


def test_the_commands_of_the_readme_join_and_leave_a_real_cohort(trio: Trio, one: EgeriaClient, two: EgeriaClient, tmp_path: Path) -> None:
    """Only the brokers and the name of the cohort are others than in the text. (The worker's port comes from the environment: other workers run here.)"""
    typed = commands_of("README.md", {"broker:9092": trio.kafka.bootstrap, "cocoCohort": COHORT}, tested="peers")
    leaving = [block for block in typed if "leaving" in block.how]
    with Terminal(tmp_path, COHORT_SYNC_HTTP__PORT="0") as terminal:
        terminal.type_all([block for block in typed if block not in leaving])
        mine = terminal.asked(f"cohort-sync status --json --config {_NAME}.toml")["metadataCollectionId"]

        def mutual() -> bool:
            for java in (one, two):
                assert _listed(java).get(mine, {}).get("serverName") == _NAME
            said, code = terminal.run(f"cohort-sync members list --config {_NAME}.toml")
            assert code == 0
            assert all(name in said for name in trio.ids), said
            return True

        eventually(mutual, timeout=10, what="each lists the others")

        def copied() -> bool:
            homes = terminal.asked(f"cohort-sync status --json --config {_NAME}.toml")["homes"]
            (archived,) = [home for home in homes if home["metadataCollectionId"] == ARCHIVE_GUID]
            assert (archived["entities"], archived["relationships"]) == (20, 20)
            return True

        eventually(copied, timeout=10, what="what an Egeria server has announced is in the store")
        terminal.type_all(leaving)
        eventually(lambda: mine not in _listed(one).keys() | _listed(two).keys(), timeout=10, what="no Egeria server lists it any more")


def _listed(java: EgeriaClient) -> dict[str, JsonObject]:
    return {member["metadataCollectionId"]: member for member in java.remote_members(COHORT)}
