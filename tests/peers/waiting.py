"""Waiting for what another process will do, with a limit and with the reason when it does not."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def eventually(look: Callable[[], Answer], *, timeout: float, what: str, interval: float = 0.1) -> Answer:
    """The first truthy answer of `look`, which is asked every `interval` seconds.

    After `timeout` seconds: AssertionError that says `what` was waited for and what the last answer was. `look` may assert by
    itself; its AssertionError counts as "not yet" and its text is in the final one.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = look()
        except AssertionError as error:
            last = str(error)
        else:
            if answer:
                return answer
            last = f"the last answer was {answer!r}"
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}; {last}")
        time.sleep(interval)
