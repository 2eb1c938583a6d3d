"""`cohort-sync refresh`: ask the other members again."""

from pathlib import Path

import click

from cohort_sync.cli.asking import ask_worker, asking_options
from cohort_sync.cli.options import settings_for_reading


@click.command(short_help="Ask the other members for their registrations, and for their instances.")
@click.option("--instances", is_flag=True, help="Ask also for every instance that is held here as a copy, or known by name only.")
@click.option("--member", "member_name", metavar="MEMBER", help="With --instances: only those of this member (server name, or beginning of its collection id).")
@asking_options
def refresh(instances: bool, member_name: str | None, config_path: Path | None, overrides: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the other members to register again, so that `cohort-sync members list` is up to date.

    With --instances also for what they are the home of: an answer brings changes that were missed. Members that are proxies may not answer.
    """
    from cohort_sync.cli.members import find_member
    from cohort_sync.cli.store_access import read_store
    from cohort_sync.cohort.requests import Refresh

    if member_name is not None and not instances:
        raise click.UsageError("--member goes with --instances: a request to register is a broadcast that every member answers")
    settings = settings_for_reading(config_path, overrides)
    member = ""
    if member_name is not None:
        member = find_member(read_store(settings, lambda reader: reader.members()), member_name).metadata_collection_id
    ask_worker(settings, Refresh(instances=instances, member=member), wait=wait, as_json=as_json)
