"""What a measurement says: values with their targets, as a table for people and as JSON."""

import statistics
from collections.abc import Sequence

import msgspec
from rich.table import Table


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One number. `at_least` and `at_most` are what the project has set itself; neither: it is reported only."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    samples: tuple[float, ...] = ()
    """What `value` is the median of, in the order of the runs."""
    note: str = ""

    @property
    def target(self) -> str:
        """In words; empty when there is none."""
        if self.at_least is not None:
            return f"≥ {shown(self.at_least)} {self.unit}".rstrip()
        return f"≤ {shown(self.at_most)} {self.unit}".rstrip() if self.at_most is not None else ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None when there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


def median(name: str, samples: Sequence[float], unit: str, *, at_least: float | None = None, at_most: float | None = None, note: str = "") -> Measurement:
    """The median of several runs."""
    rounded = tuple(round(sample, 4) for sample in samples)
    return Measurement(name=name, value=round(statistics.median(samples), 4), unit=unit, at_least=at_least, at_most=at_most, samples=rounded, note=note)


def shown(value: float) -> str:
    """With as many digits as say something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The measurements of one part, and how long they took in seconds."""

    name: str
    seconds: float
    measurements: tuple[Measurement, ...]


def table(parts: Sequence[Part], *, wide: bool) -> Table:
    """The page for people; `wide` has the single runs and what they were made of too."""
    page = Table(title="Measurements of this run (medians where there are several)")
    for title, right in (("part", False), ("what", False), ("measured", True), ("target", True), ("", False)):
        page.add_column(title, justify="right" if right else "left", no_wrap=title != "what")  # on a narrow page words are wrapped, figures stay whole
    if wide:
        page.add_column("runs")
    for part in parts:
        for number, one in enumerate(part.measurements):
            verdict = {True: "[green]met[/]", False: "[bold red]missed[/]", None: ""}[one.met]
            runs = [", ".join(map(shown, one.samples[:5])) or one.note] if wide else []
            page.add_row(part.name if number == 0 else "", one.name, f"{shown(one.value)} {one.unit}".rstrip(), one.target, verdict, *runs)
        page.add_section()
    return page


def missed(parts: Sequence[Part]) -> list[str]:
    """A sentence for each target that was not reached."""
    return [
        f"{part.name}: {one.name} is {shown(one.value)} {one.unit}, the target is {one.target}".replace("  ", " ")
        for part in parts
        for one in part.measurements
        if one.met is False
    ]
