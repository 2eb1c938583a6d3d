"""What all pages need: tables, links, and what the source of a module says."""

import ast
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parents[3]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a line end after it."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cell(value) for value in line)} |\n" for line in lines)


def cell(value: object) -> str:
    """One line without a bar of the table in it."""
    return " ".join(str(value).split()).replace("|", "\\|")


def link_list(links: Iterable[tuple[str, str]]) -> str:
    """Bullets of titles and targets."""
    return "".join(f"- [{title}]({target})\n" for title, target in links)


def code(text: object) -> str:
    """As code."""
    return f"`{text}`"


def value(of: object) -> str:
    """A value as TOML and JSON write it."""
    return code(json.dumps(of if not isinstance(of, tuple) else list(of)))


def prose(docstring: str | None) -> str:
    """A docstring as paragraphs of one line each, with the references to specifications left out: they are for whoever works on the code."""
    text = re.sub(r"\s*\((?:spec|design)[^()]*\)", "", inspect.cleandoc(docstring or ""))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def first_paragraph(docstring: str | None) -> str:
    """The first paragraph of a docstring."""
    return prose(docstring).split("\n\n")[0]


def attribute_docs(owner: type) -> dict[str, str]:
    """The docstrings under the attributes of a class (Python itself does not keep them)."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    found = {}
    for statement, following in itertools.pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
        match statement, following:
            case ((ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name))), ast.Expr(value=ast.Constant(value=str(text)))):
                found[name] = prose(text)
    return found


def enum_docs(enum: type[Enum]) -> Iterator[tuple[str, str]]:
    """Each value of an enumeration with its docstring. KeyError when one has none."""
    docs = attribute_docs(enum)
    return ((member.value, docs[member.name]) for member in enum)


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the program, parsed."""
    for package in ("cohort_sync", "mappers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def words_given_to(function: str, *, argument: int = 0, keyword: str = "") -> set[str]:
    """The literal texts with which the program calls a function or method of this name (`.name`: a method), as this argument; or, with `keyword`, any."""
    found: set[str] = set()
    for _, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and (keyword or _name(node.func).endswith(function)):
                arguments = [each.value for each in node.keywords if each.arg == keyword] if keyword else node.args[argument : argument + 1]
                found |= {each.value for each in arguments if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return found


def _name(function: ast.expr) -> str:
    """The name that is called, a method's with its dot."""
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return "." + name
        case _:
            return ""


def complete(what: str, told: Iterable[str], there: Iterable[str]) -> None:
    """The words that a page explains are those that the program uses. ValueError names what is missing or gone."""
    missing, gone = sorted(set(there) - set(told)), sorted(set(told) - set(there))
    if missing or gone:
        raise ValueError(f"{what}: not explained: {', '.join(missing) or 'none'}; explained but gone: {', '.join(gone) or 'none'}")
