"""Search strings: the regular expressions that Java callers send, as what a store can answer (spec metadata-collection-semantics 5.3 and 5.4).

Nearly all of them are literals in disguise: Egeria's helpers quote a text (`\\Q..\\E`, with `.*` before or after and `(?i)` in front), and people write plain
words. Those become a `Literal`, which is a comparison. What is left is translated to the syntax of RE2, which matches in linear time; look-around,
back-references, possessive quantifiers and intersections of character classes have no counterpart there and are refused.

Literals match across line ends, and "ignore case" means Unicode case folding (Java's `.` stops at line ends and `(?i)` folds ASCII only; nobody wants that).
"""

from enum import Enum
from typing import NamedTuple, TypeAlias

MAX_PATTERN = 10_000
"""Longest expression that is taken."""


class Anchor(Enum):
    """Where in a value a literal has to stand."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"


class Literal(NamedTuple):
    """A text as it stands."""

    text: str
    anchor: Anchor = Anchor.EXACT
    ignore_case: bool = False

    def matches(self, value: str) -> bool:
        """Does a value have the text where it has to be?"""
        text = self.text
        if self.ignore_case:
            text, value = fold(text), fold(value)
        match self.anchor:
            case Anchor.EXACT:
                return text == value
            case Anchor.PREFIX:
                return value.startswith(text)
            case Anchor.SUFFIX:
                return value.endswith(text)
            case Anchor.CONTAINS:
                return text in value


class Expression(NamedTuple):
    """A regular expression that has to match a whole value."""

    re2: str
    """In the syntax of RE2."""
    required: tuple[str, ...] = ()
    """Texts that every match contains, case folded: what an index can look for."""


TextPattern: TypeAlias = Literal | Expression


class UnsupportedExpression(ValueError):
    """An expression that is not taken; the message says which part and why."""


def fold(text: str) -> str:
    """Unicode case folding. It has no context: a part of a text folds to a part of the folded text."""
    return text.casefold()


def java_pattern(text: str) -> TextPattern:
    """What a Java regular expression asks of a whole value. Raises UnsupportedExpression."""
    if len(text) > MAX_PATTERN:
        raise UnsupportedExpression(f"the expression has {len(text)} characters; at most {MAX_PATTERN} are taken")
    return _Translation(text).pattern()


def looks_like_expression(text: str) -> bool:
    """Has the text an operator that nobody writes by accident? A dot alone is one of every qualified name."""
    return any(one in text for one in ("*", "+", "?", "[", "(", "{", "|", "\\", "^", "$"))


_SPACES = "\\t\\n\\x0B\\f\\r "
_SIMPLE_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_REFUSED_ESCAPES = {
    "h": "horizontal space",
    "H": "horizontal space",
    "v": "vertical space",
    "V": "vertical space",
    "R": "line break",
    "X": "grapheme cluster",
    "N": "named character",
    "k": "back-reference",
    "G": "end of the last match",
    "Z": "end before a line end",
    "c": "control character",
}
_POSIX = {
    "Lower": "[:lower:]",
    "Upper": "[:upper:]",
    "ASCII": "[:ascii:]",
    "Alpha": "[:alpha:]",
    "Digit": "[:digit:]",
    "Alnum": "[:alnum:]",
    "Punct": "[:punct:]",
    "Graph": "[:graph:]",
    "Print": "[:print:]",
    "Blank": "[:blank:]",
    "Cntrl": "[:cntrl:]",
    "XDigit": "[:xdigit:]",
    "Space": "[:space:]",
}


class _Translation:
    """One expression, read once from left to right.

    `_out` is the expression for RE2. `_runs` are the literal texts of the outermost level that every match contains; an alternative at that level makes them
    void. `_shape` is the literal with its anchors as long as nothing but literal characters and `.*` at the ends was seen, None after that.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._out: list[str] = []
        self._run: list[str] = []
        self._runs: list[str] = []
        self._shape: list[str] | None = []
        self._star_before = self._star_after = False
        self._ignore_case = False
        self._alternatives = False

    def pattern(self) -> TextPattern:
        while self._at < len(self._text):
            self._atom()
        if self._depth:
            raise UnsupportedExpression("a group is opened and not closed")
        self._end_run()
        if self._shape is not None:
            anchor = (Anchor.CONTAINS if self._star_after else Anchor.SUFFIX) if self._star_before else Anchor.PREFIX if self._star_after else Anchor.EXACT
            return Literal("".join(self._shape), anchor, self._ignore_case)
        required = () if self._alternatives else tuple(dict.fromkeys(fold(run) for run in self._runs))
        return Expression("".join(self._out), required)

    def _take(self, size: int = 1) -> str:
        taken = self._text[self._at : self._at + size]
        self._at += size
        return taken

    def _next_is(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _atom(self) -> None:
        one = self._take()
        if one == "\\":
            self._escape()
        elif one == "(":
            self._group()
        elif one == ")":
            if self._depth == 0:
                raise UnsupportedExpression("a group is closed that was not opened")
            self._depth -= 1
            self._other(")")
        elif one == "[":
            self._other(self._character_class())
        elif one == "." and self._next_is("*") and self._text[self._at + 1 : self._at + 2] not in ("+", "?"):
            self._take()
            self._any_text()
        elif one in "*+?{":
            raise UnsupportedExpression(f"the quantifier {one!r} at {self._at - 1} has nothing before it")
        elif one == "|":
            self._alternatives = self._alternatives or self._depth == 0
            self._other("|", quantified=False)
        elif one in "^$":
            self._other(one, quantified=False)
        elif one == ".":
            self._other(".")
        else:
            self._literal(one)

    # ------------------------------------------------------------ what atoms do

    def _literal(self, one: str) -> None:
        quantifier = self._quantifier()
        self._out.append(_quoted(one) + quantifier)
        if quantifier:
            self._shape = None
            self._end_run() if quantifier[0] in "*?" or quantifier.startswith("{0") else self._run.append(one)
            self._end_run()
            return
        if self._depth == 0:
            self._run.append(one)
        if self._shape is not None:
            if self._star_after or self._depth:
                self._shape = None
            else:
                self._shape.append(one)

    def _any_text(self) -> None:
        """`.*`: any text, line ends included."""
        self._out.append("(?s:.*)")
        self._end_run()
        if self._shape is None or self._depth:
            self._shape = None
        elif not self._shape:
            self._star_before = True
        elif not self._star_after:
            self._star_after = True

    def _other(self, text: str, *, quantified: bool = True) -> None:
        self._end_run()
        self._shape = None
        self._out.append(text + (self._quantifier() if quantified else ""))

    def _end_run(self) -> None:
        if self._run and self._depth == 0:
            self._runs.append("".join(self._run))
        self._run.clear()

    def _quantifier(self) -> str:
        """The quantifier that follows, "" when there is none."""
        if self._at >= len(self._text) or self._text[self._at] not in "*+?{":
            return ""
        if self._text[self._at] == "{":
            end = self._text.find("}", self._at)
            bounds = self._text[self._at + 1 : end].split(",") if end > 0 else [""]
            if len(bounds) > 2 or not bounds[0].isdigit() or not all(bound.isdigit() or not bound for bound in bounds):
                raise UnsupportedExpression(f"no repetition counts after the brace at {self._at}")
            text = self._take(end + 1 - self._at)
        else:
            text = self._take()
        if self._next_is("+"):
            raise UnsupportedExpression(f"possessive quantifier at {self._at}")
        return text + (self._take() if self._next_is("?") else "")

    # ------------------------------------------------------------ escapes, groups, classes

    def _escape(self) -> None:
        if self._next_is("Q"):
            self._take()
            end = self._text.find("\\E", self._at)
            quoted = self._take((len(self._text) if end < 0 else end) - self._at)
            self._take(2)
            for one in quoted[:-1]:
                self._plain(one)
            if quoted:
                self._literal(quoted[-1])
            return
        if self._next_is("E"):
            raise UnsupportedExpression(f"\\E at {self._at - 1} ends a quotation that did not begin")
        kind, text = self._escaped()
        if kind == "literal":
            self._literal(text)
        else:
            self._other(text, quantified=text not in ("\\b", "\\B", "\\A", "\\z"))

    def _plain(self, one: str) -> None:
        """A literal character that no quantifier can follow."""
        self._out.append(_quoted(one))
        if self._depth == 0:
            self._run.append(one)
        if self._shape is not None:
            if self._star_after or self._depth:
                self._shape = None
            else:
                self._shape.append(one)

    def _escaped(self, *, in_class: bool = False) -> tuple[str, str]:
        """What follows a backslash: ("literal", the character) or ("class", what RE2 writes for it)."""
        one = self._take()
        if not one:
            raise UnsupportedExpression("a backslash at the end")
        if not (one.isascii() and one.isalnum()):
            return "literal", one
        if one in _SIMPLE_ESCAPES:
            return "literal", _SIMPLE_ESCAPES[one]
        if one in "0xu":
            return "literal", self._code_point(one)
        if one in "pP":
            return "class", self._property(one, in_class=in_class)
        if one in "sS" and not (in_class and one == "S"):
            return "class", _SPACES if in_class else f"[{'^' if one == 'S' else ''}{_SPACES}]"
        if one in "dDwWS" or (one in "bBAz" and not in_class):
            return "class", "\\" + one
        raise UnsupportedExpression(f"\\{one} ({'back-reference' if one.isdigit() else _REFUSED_ESCAPES.get(one, 'unknown escape')}) is not taken")

    def _code_point(self, form: str) -> str:
        if form == "x" and self._next_is("{"):
            digits = self._text[self._at + 1 : self._text.find("}", self._at)]
            self._take(len(digits) + 2)
        elif form == "0":
            digits = ""
            while len(digits) < 3 and self._text[self._at : self._at + 1] in tuple("01234567"):
                digits += self._take()
        else:
            digits = self._take(2 if form == "x" else 4)
        try:
            number = int(digits, 8 if form == "0" else 16)
            if 0xD800 <= number < 0xE000:
                raise UnsupportedExpression(f"half of a surrogate pair: \\{form}{digits}")
            return chr(number)
        except (ValueError, OverflowError) as problem:
            raise UnsupportedExpression(f"no character has the code {digits!r}: {problem}") from None

    def _property(self, letter: str, *, in_class: bool) -> str:
        if not self._next_is("{"):
            return f"\\{letter}{self._take()}"
        end = self._text.find("}", self._at)
        name = self._take(end + 1 - self._at)[1:-1] if end > 0 else ""
        posix = _POSIX.get(name)
        if posix is not None:
            posix = posix if letter == "p" else f"[:^{posix[2:]}"
            return posix if in_class else f"[{posix}]"
        name = name.removeprefix("Is").removeprefix("script=")
        if not name.isidentifier():
            raise UnsupportedExpression(f"no character property is called {name!r}")
        return f"\\{letter}{{{name}}}"

    def _group(self) -> None:
        opening = "("
        if self._next_is("?"):
            self._take()
            if self._next_is(":"):
                self._take()
                opening = "(?:"
            elif self._next_is("<") and self._text[self._at + 1 : self._at + 2] not in ("=", "!"):
                end = self._text.find(">", self._at)
                if end < 0:
                    raise UnsupportedExpression("the name of a group does not end")
                self._take(end + 1 - self._at)
            elif self._text[self._at : self._at + 1] in ("=", "!", "<", ">"):
                raise UnsupportedExpression(f"look-around or atomic group at {self._at - 2}")
            else:
                flags = self._flags()
                if self._take() == ")":
                    self._flag_group(flags)
                    return
                opening = f"(?{flags}:"
        self._end_run()
        self._depth += 1
        self._shape = None
        self._out.append(opening)

    def _flags(self) -> str:
        """The flags of `(?flags)` or `(?flags:`, up to the character that ends them."""
        flags = ""
        while (one := self._text[self._at : self._at + 1]) not in (")", ":"):
            if one not in tuple("imsu-"):
                raise UnsupportedExpression(f"the flag {one!r} is not taken (i, m, s and u are)")
            flags += self._take().replace("u", "")
        return flags

    def _flag_group(self, flags: str) -> None:
        if flags in ("i", "") and not self._out:
            if flags:
                self._ignore_case = True
                self._out.append("(?i)")
        elif flags:
            self._other(f"(?{flags})", quantified=False)

    def _character_class(self) -> str:
        out = ["["]
        if self._next_is("^"):
            out.append(self._take())
        first = True
        while True:
            one = self._take()
            if not one:
                raise UnsupportedExpression("a character class is opened and not closed")
            if one == "]" and not first:
                return "".join([*out, "]"])
            if one == "[" or (one == "&" and self._next_is("&")):
                raise UnsupportedExpression(f"union or intersection of character classes at {self._at - 1}")
            if one == "\\" and self._next_is("Q"):
                raise UnsupportedExpression("quoted text in a character class")
            if one == "\\":
                kind, text = self._escaped(in_class=True)
                out.append(_quoted(text) if kind == "literal" else text)
            else:
                out.append("-" if one == "-" else _quoted(one))
            first = False


def _quoted(one: str) -> str:
    """A literal character for RE2."""
    if one.isalnum() or one == "_" or ord(one) > 127:
        return one
    return f"\\x{ord(one):02x}" if ord(one) < 32 or ord(one) == 127 else f"\\{one}" if one != " " else " "
