"""The little of a DDL statement that the structured part of a record does not say: which table was renamed, which database was created or dropped.

Narrow on purpose: the words of a statement are cut without a grammar, and only a few openings are understood. What does not fit is no rename, never a guess.
Text in quotes and comments is never taken for a keyword. DDL text itself goes nowhere: it may hold literals.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec


class Part(msgspec.Struct, frozen=True):
    """A part of a name, and whether it stood in quotes."""

    text: str
    quoted: bool = False


class Name(msgspec.Struct, frozen=True):
    """A name as the statement has it: the table (or database), and what qualifies it, outermost first."""

    parts: tuple[Part, ...]

    def spoken(self, *, fold: bool = False) -> tuple[str, ...]:
        """The parts as the database knows them; with `fold` it makes capitals of what is not quoted (Oracle, Db2)."""
        return tuple(part.text.upper() if fold and not part.quoted else part.text for part in self.parts)


class Renamed(msgspec.Struct, frozen=True, tag=True):
    """A table has another name."""

    old: Name
    new: Name


class DatabaseCreated(msgspec.Struct, frozen=True, tag=True):
    """CREATE DATABASE or CREATE SCHEMA (one thing in MySQL)."""

    name: str


class DatabaseDropped(msgspec.Struct, frozen=True, tag=True):
    """DROP DATABASE or DROP SCHEMA."""

    name: str


Fact = Renamed | DatabaseCreated | DatabaseDropped

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+ | --(?:[ \t][^\n]*)?(?:\n|$) | \#[^\n]*(?:\n|$) | /\*(?!M?!).*?(?:\*/|$) | /\*M?!\d* | \*/)
  | `(?P<tick>(?:[^`]|``)*)`
  | "(?P<double>(?:[^"]|"")*)"
  | \[(?P<square>[^\]]*)\]
  | '(?:[^'\\]|''|\\.)*'
  | (?P<word>[\w$]+)
  | .
    """,
    re.VERBOSE | re.DOTALL,
)
_MAX_LENGTH = 200_000
"""A longer statement is a CREATE TABLE of another world; it renames nothing."""


class _Token(msgspec.Struct, frozen=True):
    text: str
    name: str | None = None
    """The identifier that it can be: a quoted one without its quotes, or a word."""

    @property
    def keyword(self) -> str:
        return self.text.upper()


def facts(ddl: str | None) -> list[Fact]:
    """What the statements say, in their order. Empty when they say nothing that matters here."""
    if not ddl or len(ddl) > _MAX_LENGTH:
        return []
    return [fact for statement in _statements(ddl) for fact in _facts_of(statement)]


def opening(ddl: str | None) -> str:
    """The first words of a statement, to tell people what it was: keywords only, no names and no literals."""
    if not ddl or len(ddl) > _MAX_LENGTH:
        return "a statement without text" if not ddl else "a very long statement"
    words = []
    for token in next(_statements(ddl), [])[:4]:
        if token.keyword not in _OPENINGS:
            break
        words.append(token.keyword)
    return " ".join(words) or "another statement"


_OPENINGS = frozenset(
    {
        "ALTER", "ANALYZE", "CREATE", "DATABASE", "DROP", "EVENT", "FLUSH", "FUNCTION", "GRANT", "INDEX", "OPTIMIZE", "OR", "PROCEDURE", "RENAME",
        "REPLACE", "REVOKE", "ROLE", "SCHEMA", "SEQUENCE", "SET", "TABLE", "TABLES", "TRIGGER", "TRUNCATE", "UNIQUE", "USE", "USER", "VIEW",
    }
)  # fmt: skip


def _tokens(ddl: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(ddl):
        kind = found.lastgroup
        if kind == "skip":
            continue
        if kind == "tick":
            yield _Token("", found["tick"].replace("``", "`"))
        elif kind == "double":
            yield _Token("", found["double"].replace('""', '"'))
        elif kind == "square":
            yield _Token("", found["square"])
        elif kind == "word":
            yield _Token(found["word"], found["word"])
        else:
            yield _Token(found[0])


def _statements(ddl: str) -> Iterator[list[_Token]]:
    statement: list[_Token] = []
    for token in _tokens(ddl):
        if token.text == ";":
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


class _Words:
    """A statement that is read from its beginning."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def take(self, *keywords: str) -> bool:
        """Step over these keywords, if they come next."""
        ahead = self._tokens[self._at : self._at + len(keywords)]
        if [token.keyword for token in ahead] != list(keywords):
            return False
        self._at += len(keywords)
        return True

    def any_of(self, *keywords: str) -> bool:
        """Step over one of these keywords, if one comes next."""
        return any(self.take(keyword) for keyword in keywords)

    def name(self) -> Name | None:
        """Step over a name: parts joined by dots."""
        parts: list[Part] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.name is None:
                return None
            parts.append(Part(token.name, quoted=not token.text))
            self._at += 1
            if not self.take("."):
                return Name(tuple(parts))
        return None

    def skip(self) -> bool:
        """Step over one token; False at the end."""
        self._at += 1
        return self._at <= len(self._tokens)

    @property
    def ended(self) -> bool:
        return self._at >= len(self._tokens)


def _facts_of(tokens: Sequence[_Token]) -> list[Fact]:
    words = _Words(tokens)
    if words.take("RENAME"):
        words.any_of("TABLE", "TABLES")
        return _renames(words)
    if words.take("ALTER"):
        return _alter(words)
    if words.take("CREATE"):
        words.take("OR", "REPLACE")
        if words.any_of("DATABASE", "SCHEMA"):
            words.take("IF", "NOT", "EXISTS")
            name = words.name()
            return [DatabaseCreated(name.parts[-1].text)] if name else []
    if words.take("DROP") and words.any_of("DATABASE", "SCHEMA"):
        words.take("IF", "EXISTS")
        name = words.name()
        return [DatabaseDropped(name.parts[-1].text)] if name else []
    return []


def _renames(words: _Words) -> list[Fact]:
    """`RENAME TABLE a TO b, c TO d`; MariaDB has IF EXISTS, WAIT n and NOWAIT as well."""
    words.take("IF", "EXISTS")
    pairs: list[Fact] = []
    while True:
        old = words.name()
        if words.take("WAIT"):
            words.skip()
        words.take("NOWAIT")
        if old is None or not words.take("TO"):
            return []
        new = words.name()
        if new is None:
            return []
        pairs.append(Renamed(old, new))
        if words.ended:
            return pairs
        if not words.take(","):
            return []


def _alter(words: _Words) -> list[Fact]:
    """`ALTER TABLE a ..., RENAME [TO | AS | =] b`: the clause begins the list or follows a comma outside of brackets."""
    while words.any_of("ONLINE", "OFFLINE", "IGNORE"):
        continue
    if not words.take("TABLE"):
        return []
    words.take("IF", "EXISTS")
    old = words.name()
    if old is None:
        return []
    if words.take("WAIT"):
        words.skip()
    words.take("NOWAIT")
    depth, clause_begins = 0, True
    while not words.ended:
        if clause_begins and words.take("RENAME"):
            if words.any_of("COLUMN", "INDEX", "KEY", "CONSTRAINT", "PARTITION"):
                clause_begins = False
                continue
            words.any_of("TO", "AS", "=")
            new = words.name()
            return [Renamed(old, new)] if new else []
        if words.take("("):
            depth += 1
        elif words.take(")"):
            depth -= 1
        elif words.take(","):
            clause_begins = depth == 0
            continue
        else:
            words.skip()
        clause_begins = False
    return []
