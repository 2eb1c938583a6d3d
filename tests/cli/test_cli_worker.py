"""`cohort-sync worker`: what it makes of its flags before the worker itself begins."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import structlog
from click.testing import CliRunner

from cohort_sync.cli.main import cli
from cohort_sync.config import Settings


class Recorder(ModuleType):
    """Stands where the worker's module does."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("cohort_sync.worker.run")
        self.exit_code = exit_code
        self.settings: list[Settings] = []

    def run(self, settings: Settings) -> int:
        self.settings.append(settings)
        structlog.get_logger("cohort_sync.worker").info("started", login="hunter2-in-a-sentence")
        return self.exit_code


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "m.toml"
    path.write_text('[member]\nname = "m"\nmetadata_collection_id = "i"\n[cohort]\nname = "c"\n[store]\npath = "x.db"\n')
    return path


def test_flags_become_settings_and_the_exit_code_is_the_workers(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(exit_code=7)
    monkeypatch.setitem(sys.modules, "cohort_sync.worker.run", recorder)
    result = CliRunner().invoke(cli, ["worker", "--config", str(config), "--set", "http.port=0", "--set", "worker.batch_size=5", "--recovering"])
    assert result.exit_code == 7, result.output
    (settings,) = recorder.settings
    assert (settings.http.port, settings.worker.batch_size, settings.worker.recovering, settings.worker.fresh_id) == (0, 5, True, False)
    CliRunner().invoke(cli, ["worker", "--config", str(config), "--fresh-id"])
    assert (recorder.settings[1].worker.recovering, recorder.settings[1].worker.fresh_id) == (False, True)


def test_the_log_is_set_up_first_and_keeps_secrets(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cohort_sync.worker.run", Recorder(exit_code=0))
    secure = ["--set", "kafka.security_protocol=SASL_PLAINTEXT", "--set", "kafka.sasl_mechanism=PLAIN", "--set", "kafka.sasl_username=u"]
    result = CliRunner().invoke(cli, ["worker", "--config", str(config), *secure], env={"COHORT_SYNC_KAFKA__SASL_PASSWORD": "hunter2"})
    assert result.exit_code == 0, result.output
    assert '"event": "started"' in result.stderr
    assert "hunter2" not in result.stderr


def test_a_wrong_configuration_starts_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(exit_code=0)
    monkeypatch.setitem(sys.modules, "cohort_sync.worker.run", recorder)
    for flags in (["--set", "store.path=/nowhere/x.db"], ["--recovering", "--fresh-id"], ["--set", "kafka.ssl_cafile=/nowhere/ca.pem"]):
        result = CliRunner().invoke(cli, ["worker", "--config", str(config), *flags])
        assert result.exit_code == 2
        assert result.stderr.startswith("cohort-sync: wrong configuration")
    assert recorder.settings == []
