"""The log: one form for our events and the libraries', and no secrets in it."""

import io
import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.observe.logging import LIBRARIES, MASK, setup_logging


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_events_and_the_libraries_come_out_alike() -> None:
    stream = io.StringIO()
    setup_logging("info", "auto", stream=stream)
    structlog.get_logger("cohort_sync.stream").info("batch committed", flow="retail", records=3)
    logging.getLogger("kafka.client").warning("Heartbeat failed for group %s", "g")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["logger"], ours["flow"], ours["records"]) == ("batch committed", "info", "cohort_sync.stream", "retail", 3)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("Heartbeat failed for group g", "warning", "kafka.client")
    assert str(ours["timestamp"]).endswith("Z")
    assert list(ours) == ["timestamp", "level", "event", "logger", "flow", "records"]


def test_levels() -> None:
    stream = io.StringIO()
    setup_logging("info", "json", stream=stream)
    structlog.get_logger("cohort_sync.x").debug("hidden")
    logging.getLogger("uvicorn.error").info("hidden")
    logging.getLogger("cohort_sync.stream.shell").info("[^ShellApp]: Starting... is hidden")
    logging.getLogger("aiokafka.conn").error("hidden: it says so hundreds of times a second")
    assert stream.getvalue() == ""
    setup_logging("debug", "json", stream=stream)
    structlog.get_logger("cohort_sync.x").debug("shown")
    logging.getLogger("uvicorn.error").info("shown")
    logging.getLogger("kafka.client").debug("hidden")
    assert [line["event"] for line in lines(stream)] == ["shown", "shown"]
    setup_logging("error", "json", stream=stream)
    logging.getLogger("kafka.admin").warning("hidden")
    assert len(lines(stream)) == 2


def test_setting_up_again_replaces_the_stream() -> None:
    first, second = io.StringIO(), io.StringIO()
    setup_logging("info", "json", stream=first)
    setup_logging("info", "json", stream=second)
    structlog.get_logger("cohort_sync.x").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_an_exception_is_one_json_line_with_its_traceback() -> None:
    stream = io.StringIO()
    setup_logging("info", "json", stream=stream)
    try:
        raise ValueError("bad offset")
    except ValueError:
        structlog.get_logger("cohort_sync.x").exception("engine stopped")
    (line,) = lines(stream)
    assert "ValueError: bad offset" in str(line["exception"])


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_known_secret_is_masked_in_messages_keys_and_tracebacks(log_format: str) -> None:
    stream = io.StringIO()
    secret = 'hunter"2\\ä'
    setup_logging("info", "json" if log_format == "json" else "console", stream=stream, secrets=[secret, "hunter"])
    log = structlog.get_logger("cohort_sync.x")
    log.info("connecting", options={"nested": secret}, other=[secret])
    logging.getLogger("kafka.client").error("login of u:%s refused", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
    assert "hunter" not in stream.getvalue()
    assert stream.getvalue().count(MASK) >= 4


@given(
    secret=st.text(min_size=6).filter(lambda text: text.strip() == text and not set(text) & set("\r\n") and text not in MASK),
    log_format=st.sampled_from(["json", "console"]),
)
def test_no_secret_survives_in_any_line(secret: str, log_format: str) -> None:
    stream = io.StringIO()
    setup_logging("info", "json" if log_format == "json" else "console", stream=stream, secrets=[secret])
    logging.getLogger("kafka.client").error("refused: %s.", secret)
    structlog.get_logger("cohort_sync.x").info("trying", value=secret)
    assert secret not in stream.getvalue()
    assert json.dumps(secret)[1:-1] not in stream.getvalue()


def test_a_key_that_is_called_like_a_secret_is_masked_without_being_known() -> None:
    stream = io.StringIO()
    setup_logging("info", "json", stream=stream)
    structlog.get_logger("cohort_sync.x").info("client", options={"sasl_plain_password": "a", "client_id": "b"}, api_key="c", password="")
    (line,) = lines(stream)
    assert line["options"] == {"sasl_plain_password": MASK, "client_id": "b"}
    assert line["api_key"] == MASK
    assert line["password"] == ""


SCRIPT = """
import sys, structlog
from cohort_sync.observe.logging import setup_logging
setup_logging("info", "auto", stream=sys.stderr)
structlog.get_logger("cohort_sync.x").info("hello", n=1)
"""


def test_a_terminal_gets_lines_for_people() -> None:
    terminal, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", SCRIPT], stderr=theirs, check=True, timeout=60)
        text = os.read(terminal, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(theirs)
    assert "hello" in text
    assert not text.lstrip().startswith("{")
    piped = subprocess.run([sys.executable, "-c", SCRIPT], stderr=subprocess.PIPE, check=True, timeout=60, text=True)
    assert json.loads(piped.stderr)["event"] == "hello"
