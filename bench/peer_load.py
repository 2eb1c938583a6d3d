"""A made peer that changes its entities at a steady rate, in a process of its own: what a worker has to apply while it is asked.

Run as `python -m bench.peer_load BOOTSTRAP TOPIC ENTITIES RATE`; it sends until it is ended.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.events import KEY, START, event_bytes
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.producer import OrderedSender
from schemas import read_pack

RATE = 5_000
_TICK_SECONDS = 0.1
_NUMBER, _VERSION = 123_456_789, 4_567_890
"""What stands in the template where the number and the version of an event go."""


@contextmanager
def peer_load(bootstrap: str, topic: str, entities: int, rate: int = RATE) -> Iterator[None]:
    """The peer sends for as long as the context lasts. RuntimeError when it has ended by itself."""
    command = [sys.executable, "-m", "bench.peer_load", bootstrap, topic, str(entities), str(rate)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the made peer ended with exit code {process.returncode}")
    finally:
        process.kill()
        process.wait()


class Updates:
    """UPDATED events of all entities by turns, each a new version: the bytes of one with other numbers put in."""

    def __init__(self, entities: int) -> None:
        registry = TypeRegistry.from_pack(read_pack("6.1"))
        self._template = event_bytes(registry, _NUMBER, _VERSION)
        self._entities = entities

    def event(self, at: int) -> bytes:
        """The event in this place of the sequence."""
        number, version = at * 7919 % self._entities, 2 + at // self._entities
        event = self._template
        for old, new in (
            (f"{_NUMBER:012x}", f"{number:012x}"),
            (f"bench::{_NUMBER}", f"bench::{number}"),
            (f"term {_NUMBER}", f"term {number}"),
            (str(START + _NUMBER + _VERSION), str(START + number + version)),
            (str(START + _NUMBER), str(START + number)),
            (str(START + _VERSION), str(START + version)),
            (f"version {_VERSION}", f"version {version}"),
            (f":{_VERSION}", f":{version}"),
        ):
            event = event.replace(old.encode(), new.encode())
        return event


async def _send(bootstrap: str, topic: str, entities: int, rate: int) -> None:
    updates = Updates(entities)
    sender = OrderedSender(KafkaSettings(bootstrap_servers=(bootstrap,)))
    began, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * rate)
        sent += await sender.send(topic, KEY, [updates.event(at) for at in range(sent, min(due, sent + rate))])
        await asyncio.sleep(_TICK_SECONDS)


if __name__ == "__main__":
    asyncio.run(_send(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
