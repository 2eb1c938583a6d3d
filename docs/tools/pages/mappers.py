"""The mappers that come with the program, and what becomes of a record."""

import inspect

from cohort_sync.mapping import spi
from cohort_sync.mapping.registry import GROUP, installed, mapper_class
from pages.markdown import code, complete, first_paragraph, table, value, words_given_to

OUTCOMES = (
    ("applied", spi.Changes, "Something was announced."),
    ("noop", spi.Noop, "Understood, and nothing to change; also a `Changes` that is not newer than what was applied, or that changes nothing."),
    ("ignored", spi.Ignored, ""),
    ("unknown", spi.Unknown, ""),
    ("pending", spi.Pending, ""),
    ("buffered", spi.Buffered, ""),
    ("malformed", spi.Malformed, "A [dead letter](dead-letters.md)."),
)


def page() -> str:
    """Those of the entry points that this distribution brings."""
    complete("outcomes of a record", [word for word, _, _ in OUTCOMES], words_given_to("Outcome"))
    parts = [
        f"# Mappers\n\nA mapper reads the records of one kind of source. It is found by its entry point (group `{GROUP}`), so other packages may bring more: "
        "[write a mapper](../how-to/write-a-mapper.md).\n\n## Outcomes of a record\n\n",
        table(
            ("outcome", "the mapper's meaning", "what it says"),
            ((code(word), code(kind.__name__), told or first_paragraph(kind.__doc__)) for word, kind, told in OUTCOMES),
        ),
    ]
    for name, entry in installed().items():
        if entry.value.startswith("mappers."):
            parts.append(_mapper(name, entry.module))
    return "".join(parts)


def _mapper(name: str, module: str) -> str:
    mapper = mapper_class(name)
    module_doc = first_paragraph(inspect.getdoc(inspect.getmodule(mapper)))
    options = table(("option", "default", "what it is"), ((code(option.name), value(option.default), option.description) for option in mapper.options))
    emits = ", ".join(map(code, sorted(mapper.emits)))
    readme = f"../../{module.rpartition('.')[0].replace('.', '/')}/README.md"
    about = f"{module_doc} [What it reads and what it makes of it]({readme})."
    return f"\n## {name}\n\n{about}\n\nOptions, under `[sources.options]`, all of them text:\n\n{options}\nTypes that it uses: {emits}.\n"
