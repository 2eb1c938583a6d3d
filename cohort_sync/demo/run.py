"""The whole demonstration, in order, leaving no process and no port behind."""

import asyncio
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.demo.feed import feed, sample_records, topics_of
from cohort_sync.demo.members import COHORT, PROXY_COLLECTION, Member, proxy, receiver, wait_until
from cohort_sync.demo.summary import DeadLetter, Summary
from cohort_sync.demo.watch import Content, an_example, content, read_store, records_read
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.store.protocol import Reader
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.testing.broker import EmbeddedBroker

_PATIENCE_SECONDS = 60.0
_OPENING = """\
A cohort on this machine: a Kafka broker in memory ({broker}) and two members, each a worker process with its own store.
The proxy reads change events of a retail warehouse (Debezium); the receiver keeps what the proxy announces.
"""


def run_demo(console: Console, keep: Path | None) -> Summary:
    """Run it; the directories of the members stay only when `keep` names where. TransientFault when a member ends or does not get through in time."""
    began = time.monotonic()
    with _directory(keep) as directory, EmbeddedBroker(log_path=directory / "broker.log") as broker:
        console.print(
            f"A cohort on this machine: a Kafka broker in memory ({broker.bootstrap}) and two members, each a worker process with a store of its own."
        )
        console.print("The proxy reads change events of a retail warehouse (Debezium), the receiver keeps what the proxy announces.\n")
        return asyncio.run(_run(console, directory, broker.bootstrap, began))


async def _run(console: Console, directory: Path, bootstrap: str, began: float) -> Summary:
    records = sample_records()
    topics = topics_of(records)
    kafka = KafkaSettings(bootstrap_servers=(bootstrap,))
    async with KafkaAdmin(kafka) as admin:
        await admin.ensure_topics([*topics, *cohort_topics(COHORT).all])
    source = proxy(directory / "proxy", bootstrap, _free_port(), topics)
    target = receiver(directory / "receiver", bootstrap, _free_port())
    members = [source, target]
    try:
        for member in members:
            member.start()
        with _progress(console) as bars:
            await _drive(bars, kafka, records, topics, source, target)
    finally:
        await asyncio.gather(*(asyncio.to_thread(member.stop) for member in members))
    return await _summary(records, topics, source, target, began)


async def _drive(bars: Progress, kafka: KafkaSettings, records: list[SourceRecord], topics: list[str], source: Member, target: Member) -> None:
    """Wait for the members to find each other, feed the records, wait until the other member has everything."""
    members = [source, target]
    finding = bars.add_task("two members find each other", total=2)

    async def found() -> bool:
        numbers = [len(await _members_of(member)) for member in members]
        bars.update(finding, completed=sum(1 for number in numbers if number))
        return all(numbers)

    await wait_until(found, members, _PATIENCE_SECONDS, "the members list each other")
    feeding = bars.add_task("source events sent", total=len(records))
    await feed(kafka, records, lambda number: bars.update(feeding, completed=number))
    mapping = bars.add_task("mapped and announced", total=len(records))

    async def announced() -> bool:
        read, left = await read_store(source.store_path, lambda reader: (records_read(reader, topics), reader.outbox_size()))
        bars.update(mapping, completed=read)
        return read == len(records) and left == 0

    await wait_until(announced, members, _PATIENCE_SECONDS, "all source events are mapped and announced")
    wanted = await _content(source)
    total = sum(wanted.entities.values()) + sum(wanted.relationships.values())
    keeping = bars.add_task("instances kept by the other member", total=total)

    async def kept() -> bool:
        have = await _content(target)
        bars.update(keeping, completed=min(total, sum(have.entities.values()) + sum(have.relationships.values())))
        return have == wanted

    await wait_until(kept, members, _PATIENCE_SECONDS, "the other member has everything")


async def _summary(records: list[SourceRecord], topics: list[str], source: Member, target: Member, began: float) -> Summary:
    def ask(reader: Reader) -> tuple[int, int, list[DeadLetter]]:
        letters = [DeadLetter(row.topic, row.offset, row.reason) for row in reader.dead_letters()]
        return records_read(reader, topics), reader.outbox_size(), letters

    read, outbox, letters = await read_store(source.store_path, ask)
    return Summary(
        records=len(records),
        proxy=await _content(source),
        receiver=await _content(target),
        example=await read_store(target.store_path, lambda reader: an_example(reader, PROXY_COLLECTION)),
        members={member.name: await _members_of(member) for member in (source, target)},
        dead_letters=letters,
        lag=len(records) - read,
        outbox=outbox,
        seconds=round(time.monotonic() - began, 2),
    )


async def _content(member: Member) -> Content:
    return await read_store(member.store_path, lambda reader: content(reader, PROXY_COLLECTION))


async def _members_of(member: Member) -> list[str]:
    """The members that it lists; none while its worker has not made the store yet."""
    try:
        return await read_store(member.store_path, lambda reader: [row.server_name or row.metadata_collection_id for row in reader.members()])
    except ConfigurationError:
        return []


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    """Where the members live: a directory that stays, or a temporary one."""
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
            if any(keep.iterdir()):
                raise ConfigurationError(f"--keep: the directory {keep} is not empty; name a new one, nothing is overwritten")
        except OSError as problem:
            raise ConfigurationError(f"--keep: the directory {keep} cannot be made: {problem.strerror}") from problem
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="cohort-sync-demo-") as name:
        yield Path(name)


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description:<36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
