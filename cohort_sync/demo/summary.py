"""What went through, as values (`--json`) and as a page for people."""

import msgspec
from rich.console import Console
from rich.table import Table

from cohort_sync.demo.watch import Content


class DeadLetter(msgspec.Struct, frozen=True):
    """A sample that could not be used."""

    topic: str
    offset: int
    reason: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the demonstration."""

    records: int
    proxy: Content
    receiver: Content
    members: dict[str, list[str]]
    """Which members each of the two has in its list."""
    example: str
    """The qualified name of a table as the receiver has it."""
    dead_letters: list[DeadLetter]
    lag: int
    outbox: int
    seconds: float

    @property
    def differences(self) -> list[str]:
        """Why this is not a success; empty when it is one."""
        found = []
        for what in ("entities", "relationships", "classifications"):
            here, there = getattr(self.proxy, what), getattr(self.receiver, what)
            if here != there:
                found.append(f"{what} differ: the proxy has {here}, the receiver has {there}")
        if not self.proxy.entities:
            found.append("the proxy has no entities")
        if self.proxy.fingerprint != self.receiver.fingerprint:
            found.append(f"fingerprints differ: {self.proxy.fingerprint} at the proxy, {self.receiver.fingerprint} at the receiver")
        if self.lag or self.outbox:
            found.append(f"not everything went through: lag {self.lag}, outbox {self.outbox}")
        for name, listed in self.members.items():
            if len(listed) != len(self.members) - 1:
                found.append(f"{name} lists the members {listed}")
        return found

    def as_json(self) -> bytes:
        """One object: the fields, `equal` and `differences`."""
        found = self.differences
        return msgspec.json.encode({**msgspec.structs.asdict(self), "equal": not found, "differences": found})

    def print(self, console: Console) -> None:
        """The page for people."""
        table = Table(title="What the proxy announced and what the other member keeps")
        for title, justify in (("", "left"), ("type", "left"), ("at the proxy", "right"), ("at the receiver", "right")):
            table.add_column(title, justify="right" if justify == "right" else "left")
        for what in ("entities", "relationships", "classifications"):
            here, there = getattr(self.proxy, what), getattr(self.receiver, what)
            for number, name in enumerate(sorted(here.keys() | there.keys())):
                table.add_row(what if number == 0 else "", name, str(here.get(name, 0)), str(there.get(name, 0)))
            table.add_section()
        console.print(table)
        found = self.differences
        same = self.proxy.fingerprint == self.receiver.fingerprint
        console.print(f"for example  RelationalTable '{self.example}'", soft_wrap=True)
        console.print(f"fingerprint  {self.proxy.fingerprint[:16]}…  {'equal at both members' if same else 'NOT equal'}")
        console.print(f"records      {self.records} read, lag {self.lag}, outbox {self.outbox}")
        console.print(f"dead letters {len(self.dead_letters)}: samples that are broken on purpose; they held nothing up")
        for letter in self.dead_letters:
            console.print(f"             {letter.topic} offset {letter.offset}: {letter.reason}", soft_wrap=True)
        sights = [f"{name} sees {' '.join(listed) or 'nobody'}" for name, listed in self.members.items()]
        console.print(f"members      {', '.join(sights)}")
        console.print(f"seconds      {self.seconds:.1f}")
        for difference in found:
            console.print(f"[bold red]difference[/]   {difference}")
