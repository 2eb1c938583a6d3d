"""The log: our own events and those of the libraries through one formatter, as JSON lines or for people, and without secrets.

Our modules use `structlog.get_logger(...)`: a short constant message and key=value pairs. The libraries (aiokafka, kafka, faust, mode, uvicorn, asyncio)
use the standard library's logging and come out in the same form; below a warning they are heard only at level debug.
"""

import json
import logging
import re
from collections.abc import Collection, MutableMapping
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console"]

MASK: Final = "********"
_QUIET: Final = {"aiokafka": logging.CRITICAL}
"""aiokafka writes hundreds of lines a second while a broker is away; what it meets reaches the log through our own words. All of it with level debug."""
LIBRARIES: Final = ("aiokafka", "kafka", "faust", "mode", "uvicorn", "asyncio", "cohort_sync.stream.shell")
"""The last one is Faust too: it logs the start and stop of our app under the module of the app's class."""

_SECRET_KEY = re.compile(r"password|passwd|secret|token|credential|authorization|api[-_.]?key", re.IGNORECASE)


def setup_logging(level: Level, log_format: Format, *, stream: TextIO, secrets: Collection[str] = ()) -> None:
    """Send everything that is logged in this process to `stream`; calling it again replaces what was set up before.

    `auto` is console on a terminal and json elsewhere. A value in `secrets` is masked wherever it turns up in a line (message, key, traceback of a library);
    the value of a key that is called like a secret is masked always.
    """
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _mask_keys,
    ]
    render: list[Processor] = (
        [structlog.processors.format_exc_info, _in_order, structlog.processors.JSONRenderer(default=str)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render])
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Masking(formatter, secrets))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.INFO if level == "debug" else max(_QUIET.get(name, logging.WARNING), logging.getLevelName(level.upper())))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Masking(logging.Formatter):
    """The last step before the stream: known secrets are replaced in the finished line, whoever wrote it."""

    def __init__(self, inner: logging.Formatter, secrets: Collection[str]) -> None:
        super().__init__()
        self._inner = inner
        # A secret may stand there as it is, or escaped as a JSON text or a Python repr. Longest first: one may be a part of another.
        forms = {form for secret in secrets if secret for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])}
        self._secrets = sorted(forms, key=lambda form: (-len(form), form))

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line


def _in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What every line has comes first, for whoever reads the lines as they are."""
    first = {key: event[key] for key in ("timestamp", "level", "event", "logger") if key in event}
    return {**first, **event}


def _mask_keys(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in event:
        event[key] = _masked(key, event[key])
    return event


def _masked(key: str, value: object) -> object:
    if _SECRET_KEY.search(key) and value:
        return MASK
    if isinstance(value, MutableMapping):
        return {inner: _masked(str(inner), item) for inner, item in value.items()}
    return value
