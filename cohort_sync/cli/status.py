"""`cohort-sync status`."""

from pathlib import Path

import click

from cohort_sync.cli.options import config_option, json_option, set_option, settings_for_reading
from cohort_sync.cli.output import harmless, moment, print_json, print_pairs, print_table


@click.command(short_help="How this member is doing: counts, positions, what waits, what is wrong.")
@config_option
@set_option
@json_option
def status(config_path: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show how this member is doing, from its store and, when it runs, from its worker.

    Offsets at the end of a partition, and with them the lag, are known only while the worker runs.
    """
    from cohort_sync.cli.status_report import make_report, read_figures
    from cohort_sync.cli.store_access import read_store
    from cohort_sync.cli.worker_probe import probe

    settings = settings_for_reading(config_path, overrides)
    figures = read_store(settings, lambda reader: read_figures(reader, [source.name for source in settings.sources]))
    worker, live = probe(figures.presence)
    report = make_report(settings, figures, worker, live)
    if as_json:
        print_json(report)
        return
    print_pairs(
        [
            ("member", f"{report.member} ({report.metadata_collection_id})"),
            ("cohort", f"{report.cohort}, {report.members} other members"),
            ("types", report.type_release),
            ("store", report.store),
            ("worker", _worker_line(worker.state, worker.pid, worker.http, worker.started, worker.ready)),
            ("outbox", f"{report.outbox} to send"),
            ("parked", f"{report.parked} waiting for their type"),
            ("dead letters", f"{report.dead_letters} open"),
        ]
    )
    for sentence in report.attention:
        click.echo(f"! {harmless(sentence)}")
    click.echo()
    print_table(
        "Metadata by home",
        ("home", "member", "entities", "proxies", "relationships", "classifications"),
        [
            (
                home.metadata_collection_id,
                f"{home.name} (this one)" if home.ours else home.name,
                home.entities,
                home.proxies,
                home.relationships,
                home.classifications,
            )
            for home in report.homes
        ],
        right=("entities", "proxies", "relationships", "classifications"),
    )
    print_table(
        "Positions",
        ("topic", "partition", "next", "end", "lag"),
        [(at.topic, at.partition, at.next_offset, at.end_offset, at.lag) for at in report.positions],
        right=("partition", "next", "end", "lag"),
    )
    if report.dead_letter_counts:
        print_table("Open dead letters", ("flow", "stage", "count"), [(at.flow, at.stage, at.count) for at in report.dead_letter_counts], right=("count",))


def _worker_line(state: str, pid: int | None, http: str | None, started: int | None, ready: bool | None) -> str:
    if pid is None:
        return state
    readiness = "" if ready is None else (", ready" if ready else ", not ready")
    where = f"process {pid}, {http}" if http else f"process {pid}"
    return f"{state}{readiness} ({where}, started {moment(started)})"
