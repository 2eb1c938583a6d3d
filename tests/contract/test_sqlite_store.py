"""What only the SQLite store promises: a file that outlives its process, a lock, migrations, and faults in our words."""

import asyncio
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from store_victim import INSTANCES

from cohort_sync.omrs.errors import ConfigurationError, FatalFault, StoreLocked, TransientFault
from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.protocol import PositionLost, Query, Store, WriteSet
from cohort_sync.store.sqlite import SqliteStore, connection, migrate, statements
from cohort_sync.store.sqlite.faults import fault_of
from cohort_sync.store.sqlite.reader import placeholders
from cohort_sync.testing.store_contract import Driver
from cohort_sync.testing.store_contract.samples import HOME, entity, event, move

VICTIM = Path(__file__).with_name("store_victim.py")


@contextmanager
def process(what: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, str(VICTIM), what, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


T = TypeVar("T")


def opened(store: Store) -> None:
    async def scenario() -> None:
        await store.open()
        await store.close()

    asyncio.run(scenario())


def read(store: Store, query: Query[T]) -> T:
    async def scenario() -> T:
        await store.open()
        try:
            return await store.read(query)
        finally:
            await store.close()

    return asyncio.run(scenario())


class TestCrash:
    def test_killed_at_any_moment_every_transaction_is_whole_or_absent(self, tmp_path: Path, seed_of_run: int) -> None:
        """SIGKILL five times in the middle of the work; each process goes on where the rows of the last one say."""
        chance = random.Random(seed_of_run)
        path = tmp_path / "store.db"
        told = 0
        for _ in range(5):
            with process("write", path) as child:
                for _ in range(chance.randrange(1, 40)):
                    told = int(line(child))
                time.sleep(chance.random() * 0.02)
                child.send_signal(signal.SIGKILL)
                child.wait()
            with closing(sqlite3.connect(path)) as raw:
                assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            self.check(path, told)

    def check(self, path: Path, told: int) -> None:
        instances, classified, history, outbox, fact, positions = read(
            SqliteStore(path, read_only=True),
            lambda r: (list(r.scan()), list(r.classifications_homed(HOME)), r.history("g0"), r.outbox(10**6), r.fact("step"), r.positions()),
        )
        step = positions[0].next_offset
        assert step >= told, "what was acknowledged to the caller is there"
        assert {row.version for row in instances} == {row.version for row in classified} == {int(fact or 0)} == {step}
        assert len(instances) == len(classified) == INSTANCES
        assert [row.version for row in history] == list(range(step - 1, 0, -1))
        assert [row.seq for row in outbox] == [int(row.value) for row in outbox] == list(range(outbox[0].seq, step + 1))

    def test_a_full_disk_is_a_fault_of_the_moment(self, tmp_path: Path) -> None:
        with process("full", tmp_path / "store.db") as child:
            fault, steps = line(child), line(child)
        assert "nothing was changed" in fault
        before, after = steps.split()
        assert int(after) == int(before) + 1


class TestLock:
    def test_the_second_worker_is_told_which_process_has_the_store(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        with process("hold", path) as child:
            assert line(child) == "open"
            with pytest.raises(StoreLocked, match=rf"in use by process {child.pid} on {re.escape(socket.gethostname())} \(started 20\d\d-"):
                opened(SqliteStore(path))
        opened(SqliteStore(path))

    def test_two_stores_in_one_process_lock_each_other_out_too(self, sqlite: Driver, tmp_path: Path) -> None:
        with pytest.raises(StoreLocked, match=f"process {os.getpid()} "):
            opened(SqliteStore(tmp_path / "store.db"))
        sqlite.write(facts={"still": "works"})

    def test_a_store_that_could_not_be_opened_is_not_locked(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        path.write_bytes(b"no database at all, and longer than a header would be " * 20)
        for _ in range(2):
            with pytest.raises(FatalFault, match="damaged or no database"):
                opened(SqliteStore(path))
        path.unlink()
        opened(SqliteStore(path))

    def test_a_lock_file_without_content_still_locks(self, sqlite: Driver, tmp_path: Path) -> None:
        (tmp_path / "store.db.lock").write_bytes(b"")
        with pytest.raises(StoreLocked, match="another process"):
            opened(SqliteStore(tmp_path / "store.db"))


class TestReadOnly:
    def test_beside_a_running_worker(self, sqlite: Driver, tmp_path: Path) -> None:
        sqlite.put(entity("a"))
        beside = SqliteStore(tmp_path / "store.db", read_only=True)
        assert list(read(beside, lambda r: r.instances(["a"]))) == ["a"]
        sqlite.put(entity("b"))
        assert [row.guid for row in read(beside, lambda r: list(r.scan()))] == ["a", "b"]

    def test_after_the_worker_was_stopped(self, tmp_path: Path) -> None:
        store = SqliteStore(tmp_path / "store.db")
        opened(store)
        assert read(SqliteStore(tmp_path / "store.db", read_only=True), lambda r: r.homes()) == []
        opened(store)

    def test_it_cannot_change_anything(self, sqlite: Driver, tmp_path: Path) -> None:
        async def scenario() -> None:
            store = SqliteStore(tmp_path / "store.db", read_only=True)
            await store.open()
            for use in (
                store.transact(lambda reader: (WriteSet(facts={"f": "v"}), None)),
                store.acknowledge(1),
                store.prune(history_before=1, dead_letters_before=1, guards_before=1),
            ):
                with pytest.raises(FatalFault, match="was opened read-only"):
                    await use
            await store.close()

        asyncio.run(scenario())
        assert sqlite.read(lambda r: r.fact("f")) is None

    def test_there_has_to_be_a_store(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="there is no store yet"):
            opened(SqliteStore(tmp_path / "none.db", read_only=True))
        assert list(tmp_path.iterdir()) == []

    def test_an_older_schema_waits_for_the_worker(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "store.db")) as raw:
            raw.execute("VACUUM")
        with pytest.raises(ConfigurationError, match="Start the worker of this release once"):
            opened(SqliteStore(tmp_path / "store.db", read_only=True))


class TestMigrations:
    def test_each_is_applied_once(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        first = migrate.Migration(1, "0001", "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1);")
        second = migrate.Migration(2, "0002", "ALTER TABLE t ADD COLUMN m INTEGER; UPDATE t SET m = n + 1;")
        with closing(connection.for_writing(path)) as raw:
            migrate.migrate(raw, path, (first,))
            migrate.migrate(raw, path, (first,))
            migrate.migrate(raw, path, (first, second))
            migrate.migrate(raw, path, (first, second))
            assert raw.execute("SELECT n, m FROM t").fetchall() == [(1, 2)]

    def test_one_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        first = migrate.Migration(1, "0001", "CREATE TABLE t (n INTEGER);")
        broken = migrate.Migration(2, "0002", "INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (1);")
        with closing(connection.for_writing(path)) as raw:
            with pytest.raises(sqlite3.OperationalError, match="nowhere"):
                migrate.migrate(raw, path, (first, broken))
            assert raw.execute("SELECT count(*) FROM t").fetchone() == (0,)
            assert migrate.check(raw, path, (first, broken)) == 1

    def test_the_ones_of_this_release_are_numbered_without_a_gap(self) -> None:
        steps = migrate.migrations()
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))

    def test_a_store_of_a_newer_release_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        opened(SqliteStore(path))
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA user_version = 99")
        for read_only in (False, True):
            with pytest.raises(ConfigurationError, match=r"newer release .*number 99"):
                opened(SqliteStore(path, read_only=read_only))

    def test_somebody_elses_database_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "theirs.db"
        with closing(sqlite3.connect(path)) as raw:
            raw.executescript("CREATE TABLE theirs (n INTEGER); INSERT INTO theirs VALUES (1);")
        with pytest.raises(ConfigurationError, match="not a store of cohort-sync"):
            opened(SqliteStore(path))
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


class TestFaults:
    def test_memory_is_no_place_for_a_worker(self) -> None:
        with pytest.raises(ConfigurationError, match="outlives"):
            SqliteStore(":memory:")

    def test_the_directory_has_to_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="The directory must exist"):
            opened(SqliteStore(tmp_path / "nowhere" / "store.db"))

    def test_a_directory_is_no_store(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            opened(SqliteStore(tmp_path))

    def test_a_damaged_file_stops_the_worker(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        store = SqliteStore(path)

        async def fill() -> None:
            await store.open()
            await store.transact(lambda reader: (WriteSet(instances={f"{n}": entity(f"{n}", document=b"d" * 3000) for n in range(300)}), None))
            await store.close()

        asyncio.run(fill())
        content = bytearray(path.read_bytes())
        for page in range(200, len(content) // 4096):
            content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
        path.write_bytes(content)
        with pytest.raises(FatalFault, match="cannot read: the file is damaged"):
            read(store, lambda reader: list(reader.scan()))

    @pytest.mark.parametrize(
        ("code", "fault", "words"),
        [
            (sqlite3.SQLITE_BUSY, TransientFault, "another process holds it"),
            (sqlite3.SQLITE_BUSY_SNAPSHOT, TransientFault, "another process holds it"),
            (sqlite3.SQLITE_LOCKED, TransientFault, "another connection"),
            (sqlite3.SQLITE_FULL, TransientFault, "the disk is full"),
            (sqlite3.SQLITE_IOERR_FSYNC, TransientFault, "the disk reports an error"),
            (sqlite3.SQLITE_CORRUPT_INDEX, FatalFault, "damaged"),
            (sqlite3.SQLITE_READONLY, FatalFault, "permissions"),
            (sqlite3.SQLITE_CONSTRAINT_NOTNULL, FatalFault, "a defect"),
            (None, FatalFault, "a defect"),
        ],
    )
    def test_errors_of_sqlite_in_our_words(self, code: int | None, fault: type[Exception], words: str) -> None:
        error = sqlite3.OperationalError("as SQLite says it")
        if code is not None:
            error.sqlite_errorcode, error.sqlite_errorname = code, "NAME"
        translated = fault_of(error, Path("/var/store.db"), "write")
        assert type(translated) is fault
        assert words in str(translated)
        assert "/var/store.db: cannot write" in str(translated)
        assert "as SQLite says it" in str(translated)
        assert "again" not in str(translated), "whether it is tried again is the caller's to say"

    def test_a_row_that_breaks_the_schema_rolls_back(self, sqlite: Driver) -> None:
        with pytest.raises(FatalFault, match="NOT NULL"):
            sqlite.write(facts={"f": "v"}, instances={"a": entity("a", home=None)})
        assert sqlite.read(lambda r: r.fact("f")) is None
        sqlite.put(entity("a"))


class TestShape:
    def test_no_question_walks_through_a_table_that_grows(self, sqlite: Driver) -> None:
        """Every statement finds its rows by an index, and none of the Reader's sorts what an index has in order already."""
        grown = ("instance", "history", "classification", "tombstone", "source_object", "identity", "guard", "memo")
        whole = {"COUNTS", "CLASSIFICATION_COUNTS", "HOMES", "PRUNE_GUARDS"}
        texts = {name: text for name, text in vars(statements).items() if name.isupper() and not name.startswith("_")}
        assert len(texts) > 60
        with closing(connection.for_writing(sqlite.store._path)) as raw:
            for name, text in texts.items():
                statement = placeholders(text, 3) if "{keys}" in text else text
                parameters = max([int(number) for number in re.findall(r"\?(\d+)", statement)], default=statement.count("?"))
                plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * parameters)]
                walks = [step for step in plan if re.match(rf"SCAN ({'|'.join(grown)}|c|i)\b(?! USING)", step)]
                assert not walks or name in whole, f"{name}: {plan}"
                if name.startswith(("SCAN", "INSTANCES", "RELATIONSHIPS", "HISTORY", "CLASSIFICATIONS", "COUNTS", "OBJECT_KEYS", "MEMO_KEYS", "OUTBOX")):
                    assert not any("TEMP B-TREE" in step for step in plan), f"{name}: {plan}"

    def test_it_is_durable_and_logs_ahead(self, sqlite: Driver) -> None:
        raw = sqlite.store._connection
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert raw.execute("PRAGMA synchronous").fetchone() == (2,)

    def test_a_fingerprint_needs_the_memory_of_a_batch(self, sqlite: Driver) -> None:
        """12 MB of documents, less than 6 MB at any time."""
        document = b'{"properties":{"class":"InstanceProperties","instanceProperties":{}},"description":"%s"}' % (b"x" * 2000)
        for start in range(0, 6000, 1000):
            sqlite.put(*(entity(f"{n:05}", document=document) for n in range(start, start + 1000)))
        tracemalloc.start()
        try:
            found = sqlite.read(lambda reader: fingerprint(reader, HOME))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert found.entities == 6000
        assert peak < 6_000_000

    def test_positions_of_a_zombie_are_refused_across_processes(self, tmp_path: Path) -> None:
        """A worker that was cut off comes back with what it knew: the store has moved on, nothing of it is written."""
        path = tmp_path / "store.db"
        with process("write", path) as child:
            for _ in range(3):
                line(child)

        async def zombie() -> None:
            store = SqliteStore(path)
            await store.open()
            try:
                await store.transact(lambda reader: (WriteSet(positions=[move(1, 2)], outbox=[event("late")]), None))
            finally:
                await store.close()

        with pytest.raises(PositionLost, match="expected next offset 1, it is"):
            asyncio.run(zombie())
        assert b"late" not in [row.value for row in read(SqliteStore(path), lambda r: r.outbox(10**6))]


def test_a_log_that_is_ready_has_its_full_length_and_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    log = tmp_path / "store.db-wal"
    crashed = tmp_path / "crashed"
    crashed.mkdir()

    async def write(guid: str) -> None:
        store = SqliteStore(path, ready_log=True)
        await store.open()
        length = log.stat().st_size
        assert abs(length - connection.LOG_BYTES) < 1_000_000
        await store.transact(lambda _reader: (WriteSet(instances={guid: entity(guid)}), None))
        assert abs(log.stat().st_size - length) < 1_000_000
        for each in (path, log):  # as a crash leaves it
            (crashed / each.name).write_bytes(each.read_bytes())
        await store.close()
        assert not log.exists()

    asyncio.run(write("g1"))
    asyncio.run(write("g2"))
    assert path.stat().st_size < 2_000_000
    for left in (path, crashed / "store.db"):
        with closing(sqlite3.connect(left)) as plain:
            assert plain.execute("SELECT guid FROM instance ORDER BY guid").fetchall() == [("g1",), ("g2",)]
            assert plain.execute("SELECT count(*) FROM sqlite_master WHERE name = 'log_filler'").fetchone() == (0,)
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_without_room_for_the_log_the_store_opens_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    opened(SqliteStore(path))
    pages = path.stat().st_size // 4096
    original = connection.for_writing

    def crowded(where: Path) -> sqlite3.Connection:
        found = original(where)
        found.execute(f"PRAGMA max_page_count = {pages}")
        return found

    monkeypatch.setattr(connection, "for_writing", crowded)

    async def scenario() -> None:
        store = SqliteStore(path, ready_log=True)
        await store.open()
        await store.transact(lambda _reader: (WriteSet(facts={"a": "b"}), None))
        assert await store.read(lambda reader: reader.fact("a")) == "b"
        await store.close()

    asyncio.run(scenario())
