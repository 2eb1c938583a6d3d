"""Regular expressions of finds: RE2, which matches in time that grows with the text only. The one place that knows the library."""

from collections.abc import Callable
from functools import lru_cache

import re2

from cohort_sync.omrs.search_text import Expression, Literal, TextPattern, UnsupportedExpression

_MAX_MEMORY = 8 << 20
"""Bytes that one compiled expression may take."""


def text_matcher(pattern: TextPattern) -> Callable[[str], bool]:
    """A function that says whether a text matches. Raises UnsupportedExpression when RE2 does not take the expression."""
    if isinstance(pattern, Literal):
        return pattern.matches
    return _full_match(pattern)


@lru_cache(maxsize=256)
def _full_match(expression: Expression) -> Callable[[str], bool]:
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(expression.re2, options)
    except re2.error as problem:
        reason = problem.args[0] if problem.args else problem
        raise UnsupportedExpression(f"RE2 does not take {expression.re2!r}: {reason.decode() if isinstance(reason, bytes) else reason}") from None
    return lambda text: compiled.fullmatch(text) is not None
