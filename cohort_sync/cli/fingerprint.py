"""`cohort-sync fingerprint`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cohort_sync.cli.options import config_option, json_option, set_option, settings_for_reading
from cohort_sync.cli.output import print_json, print_table

if TYPE_CHECKING:
    from cohort_sync.store.fingerprint import Fingerprint
    from cohort_sync.store.protocol import Reader


@click.command(short_help="One hash for each home collection: equal means the same metadata.")
@config_option
@set_option
@click.option("--exact", is_flag=True, help="Versions and times count too: a home and a copy of it, after everything has arrived, are equal in them as well.")
@json_option
def fingerprint(config_path: Path | None, overrides: tuple[str, ...], exact: bool, as_json: bool) -> None:
    """The fingerprint of each home collection in the store, this member's own first.

    Two members hold the same metadata of a home when its fingerprints are equal. Collections of which only proxies are held are left out.
    """
    from cohort_sync.cli.store_access import read_store
    from cohort_sync.store.fingerprint import fingerprint as fingerprint_of

    settings = settings_for_reading(config_path, overrides)
    ours = settings.member.metadata_collection_id

    def query(reader: "Reader") -> "dict[str, Fingerprint]":
        homes = [ours, *(home for home in reader.homes() if home != ours)]
        prints = {home: fingerprint_of(reader, home, exact) for home in homes}
        return {home: found for home, found in prints.items() if home == ours or found.entities or found.relationships}

    found = read_store(settings, query)
    if as_json:
        print_json({home: {"entities": one.entities, "relationships": one.relationships, "fingerprint": one.hex} for home, one in found.items()})
        return
    rows = [(home, one.entities, one.relationships, one.hex) for home, one in found.items()]
    print_table("Fingerprints" + (" (exact)" if exact else ""), ("home", "entities", "relationships", "fingerprint"), rows, right=("entities", "relationships"))
