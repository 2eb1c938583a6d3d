"""A mapper that hangs: the worker is cut, whoever holds the interpreter, and after the restart that record alone is a dead letter."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_worker_faults import append, make_topics

from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.mapping.registry import GROUP
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config

PATIENCE = 60.0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a worker finds the mapper."""
    place = tmp_path_factory.mktemp("mapper") / "hanging_mapper-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: hanging-mapper\nVersion: 1\n")
    (place / "entry_points.txt").write_text(f"[{GROUP}]\nhanging = hanging_mapper:HangingMapper\n")
    return os.pathsep.join([str(place.parent), str(Path(__file__).parent)])


def config(broker: EmbeddedBroker, cohort: str, options: str = "") -> str:
    source = {"name": "hanging", "mapper": "hanging", "topics": [f"{cohort}-source"]}
    text = member_config(
        "hanging-member",
        cohort=cohort,
        bootstrap=broker.bootstrap,
        sources=[source],
        worker={"mapper_seconds": 1.0},
        kafka={"session_timeout_seconds": 1},  # a worker that starts again waits this long for the one that was cut
    )
    return text + options


def dead_letters(worker: WorkerProcess) -> list[tuple[int, str]]:
    return worker.look(lambda reader: [(letter.offset, letter.reason) for letter in reader.dead_letters(None)], [])


@pytest.mark.parametrize("value", [b"decode sleep", b"decode regex", b"interpret regex"])
def test_the_record_that_hangs_its_mapper_is_a_dead_letter_after_the_restart(tmp_path: Path, broker: EmbeddedBroker, path: str, value: bytes) -> None:
    cohort = value.decode().replace(" ", "-")
    topic = f"{cohort}-source"
    make_topics(broker.bootstrap, [*cohort_topics(cohort).all, topic])
    append(broker.bootstrap, topic, [b"one", b"two", value, b"three"])
    with WorkerProcess(tmp_path / "worker", config(broker, cohort)) as worker:
        worker.start(PYTHONPATH=path)
        assert worker.wait(PATIENCE) == 1, worker.log_tail()
        assert worker.records_read([topic]) == 0

        worker.start(PYTHONPATH=path)
        worker.wait_until(lambda: worker.records_read([topic]) == 4, PATIENCE, "the records around it are read")
        ((offset, reason),) = dead_letters(worker)
        assert offset == 2
        assert "was not done with it after 1 s (worker.mapper_seconds)" in reason
        (told,) = worker.logged("A mapper hung")
        assert told["at"] == f"{topic}-0@2"
        assert "hanging_mapper.py" in str(told["trace"])
        assert worker.stop() == 0
    assert not list(worker.directory.glob("*.watch*"))


def test_a_replay_that_hangs_fails_and_one_with_a_mended_mapper_succeeds(tmp_path: Path, broker: EmbeddedBroker, path: str) -> None:
    topic = "replays-source"
    make_topics(broker.bootstrap, [*cohort_topics("replays").all, topic])
    append(broker.bootstrap, topic, [b"interpret sleep"])
    with WorkerProcess(tmp_path / "worker", config(broker, "replays")) as worker:
        worker.start(PYTHONPATH=path)
        assert worker.wait(PATIENCE) == 1, worker.log_tail()
        worker.start(PYTHONPATH=path)
        worker.wait_until(lambda: len(dead_letters(worker)) == 1, PATIENCE, "it is a dead letter")

        command = [sys.executable, "-m", "cohort_sync.cli.main", "dlq", "replay", "1", "--config", str(worker.config_path)]
        subprocess.run(command, check=True, capture_output=True)
        assert worker.wait(PATIENCE) == 1, worker.log_tail()
        worker.start(PYTHONPATH=path)
        worker.wait_until(lambda: worker.look(lambda reader: [row.state for row in reader.requests()], []) == ["failed"], PATIENCE, "the request has failed")
        worker.wait_until(lambda: worker.ready, PATIENCE, "it goes on")
        assert worker.stop() == 0

        worker.config_path.write_text(config(broker, "replays", '[sources.options]\nmended = "yes"\n'))
        worker.start(PYTHONPATH=path)
        done = subprocess.run([*command, "--wait", "30"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert worker.look(lambda reader: [letter.state for letter in reader.dead_letters(None)], []) == ["replayed"]


def test_a_worker_that_is_killed_while_it_maps_suspects_nobody(tmp_path: Path, broker: EmbeddedBroker, path: str) -> None:
    topic = "killed-source"
    make_topics(broker.bootstrap, [*cohort_topics("killed").all, topic])
    append(broker.bootstrap, topic, [b"decode sleep"])
    slow = config(broker, "killed").replace("mapper_seconds = 1.0", "mapper_seconds = 600")
    with WorkerProcess(tmp_path / "worker", slow) as worker:
        worker.start(PYTHONPATH=path)
        marks = worker.directory / "store.db.watch"
        worker.wait_until(lambda: marks.exists() and topic.encode() in marks.read_bytes(), PATIENCE, "the record is being mapped")
        worker.kill()
        mended = slow + '[sources.options]\nmended = "yes"\n'
        worker.config_path.write_text(mended)
        worker.start(PYTHONPATH=path)
        worker.wait_until(lambda: worker.records_read([topic]) == 1, PATIENCE, "the record is read")
        assert dead_letters(worker) == []
        assert worker.stop() == 0
