"""What was logged, counted by Egeria's severities (spec configuration-and-security 7.1). Texts are not kept: they may hold what must not be shown."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping

INFORMATION, ACTION, ERROR, EXCEPTION, TRACE = 1, 4, 5, 6, 13
_MOST_COMPONENTS = 100


class SeverityCounts(logging.Handler):
    """A handler for the root logger."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[int] = Counter()
        self._components: dict[int, dict[str, None]] = defaultdict(dict)

    def emit(self, record: logging.LogRecord) -> None:
        severity = _severity(record)
        self._counts[severity] += 1
        if len(self._components[severity]) < _MOST_COMPONENTS:
            self._components[severity][record.name] = None

    def counts(self) -> Mapping[int, int]:
        """How many records since the start, by the ordinal of the severity."""
        return dict(self._counts)

    def components(self) -> Mapping[int, list[str]]:
        """Names of the loggers that wrote them, by the ordinal of the severity."""
        return {severity: sorted(names) for severity, names in self._components.items()}


def _severity(record: logging.LogRecord) -> int:
    """A warning says what somebody should look at; a record with a traceback, or worse than an error, is an exception."""
    if record.levelno > logging.ERROR or (record.levelno >= logging.ERROR and record.exc_info):
        return EXCEPTION
    if record.levelno >= logging.ERROR:
        return ERROR
    if record.levelno >= logging.WARNING:
        return ACTION
    return INFORMATION if record.levelno >= logging.INFO else TRACE
