"""A process that works on a store until it is killed: `store_victim.py write|hold|full STORE`."""

import asyncio
import resource
import sys

from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.testing.store_contract.samples import classification, classified, entity, event, move

INSTANCES = 20


def step(reader: Reader) -> tuple[WriteSet, int]:
    """Every row that it writes carries the number of the step."""
    positions = reader.positions()
    done = positions[0].next_offset if positions else 0
    number = done + 1
    writes = WriteSet(
        instances={f"g{n}": entity(f"g{n}", number, document=b"x" * 2000) for n in range(INSTANCES)},
        classifications=classified(*(classification(f"g{n}", "Step", version=number) for n in range(INSTANCES))),
        outbox=[event(str(number))],
        facts={"step": str(number)},
        positions=[move(done if positions else None, number)],
    )
    return writes, number


async def write(store: SqliteStore) -> None:
    while True:
        number = await store.transact(step)
        if number % 7 == 0:
            await store.acknowledge(number - 3)
        print(number, flush=True)


async def hold() -> None:
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def full(store: SqliteStore) -> None:
    """The disk is full for a while (a limit on the size of files stands in for it), then there is room again."""
    for _ in range(5):
        await store.transact(step)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    faults = 0
    while not faults:
        try:
            await store.transact(step)
        except TransientFault as fault:
            print(fault, flush=True)
            faults += 1
    before = await store.read(lambda reader: reader.fact("step"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = await store.transact(step)
    print(before, after, flush=True)


async def main(what: str, path: str) -> None:
    store = SqliteStore(path)
    await store.open()
    match what:
        case "write":
            await write(store)
        case "hold":
            await hold()
        case "full":
            await full(store)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
