"""A mapper whose records hang it on demand. Loaded by a worker process in `test_mapper_hangs.py`."""

import re
import time
from collections.abc import Callable, Sequence

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Mapper, MapperSettings, Meaning, Noop, OptionSpec, View


def sleep_for_ever() -> None:
    """Others may run."""
    while True:
        time.sleep(60)


def search_for_ever() -> None:
    """Python's regular expressions keep the interpreter to themselves until they have an answer: this one has none in our time."""
    re.match(r"(a+)+$", "a" * 60 + "b")


HANGS: dict[bytes, Callable[[], None]] = {b"sleep": sleep_for_ever, b"regex": search_for_ever}


class HangingMapper(Mapper[bytes]):
    """`decode sleep`, `interpret regex` and so on hang it there; anything else means nothing."""

    name = "hanging"
    options: Sequence[OptionSpec] = ()
    emits: frozenset[str] = frozenset()

    def __init__(self, settings: MapperSettings) -> None:
        self.settings = settings

    def decode(self, record: SourceRecord) -> bytes | Meaning:
        value = record.value or b""
        self._hang(b"decode ", value)
        return value

    def interpret(self, event: bytes, view: View) -> Meaning:
        self._hang(b"interpret ", event)
        return Noop(event.decode())

    def _hang(self, where: bytes, value: bytes) -> None:
        if value.startswith(where) and (self.settings.options.get("mended") != "yes"):
            HANGS[value.removeprefix(where)]()
