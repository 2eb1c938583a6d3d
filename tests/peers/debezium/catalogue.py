"""Tables and columns as plain values, read from the instances of a member: what a database's own information_schema is compared with."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from ..omrs_json import JsonObject, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column, as far as open metadata holds it. None: not said, or nothing of the kind."""

    name: str
    data_type: str
    nullable: bool
    in_key: bool
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fraction: int | None = None
    """Digits of the fractions of a second."""
    default: str | None = None
    comment: str = ""
    auto_increment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; its columns in their order. `owner` is the path to it: (database,) or (database, schema)."""

    owner: tuple[str, ...]
    name: str
    columns: tuple[Column, ...]
    comment: str = ""
    guid: str = field(default="", compare=False)
    """Of the entity; a database has none."""


Catalogue = dict[tuple[str, ...], Table]
"""Tables by their owner and name."""


def catalogue(tables: Iterable[Table]) -> Catalogue:
    """The tables by owner and name."""
    found: Catalogue = {}
    for table in tables:
        key = (*table.owner, table.name)
        assert key not in found, f"the table {key} is there twice"
        found[key] = table
    return found


def differences(shown: Catalogue, expected: Catalogue) -> list[str]:
    """A line for everything in which the two differ."""
    lines = [f"{key} is shown but is not in information_schema" for key in sorted(shown.keys() - expected.keys())]
    lines += [f"{key} is in information_schema but is not shown" for key in sorted(expected.keys() - shown.keys())]
    for key in sorted(shown.keys() & expected.keys()):
        lines += [f"{key}: {line}" for line in _table_differences(shown[key], expected[key])]
    return lines


def _table_differences(shown: Table, expected: Table) -> Iterator[str]:
    if shown.comment != expected.comment:
        yield f"the comment shown is {shown.comment!r}, in information_schema {expected.comment!r}"
    names = [[column.name for column in table.columns] for table in (shown, expected)]
    if names[0] != names[1]:
        yield f"the columns shown are {names[0]}, in information_schema {names[1]}"
        return
    for one, other in zip(shown.columns, expected.columns, strict=True):
        for part in fields(Column):
            ours, theirs = getattr(one, part.name), getattr(other, part.name)
            if ours != theirs:
                yield f"{one.name}: {part.name} shown is {ours!r}, in information_schema {theirs!r}"


# ---------------------------------------------------------------- from the instances of a 4.2 member


def shown_in(instances: Mapping[str, JsonObject]) -> Catalogue:
    """The tables that these instances of one home, by GUID, show: found by walking down from the databases. AssertionError when one is out of reach."""
    return _Walk(instances).catalogue()


class _Walk:
    def __init__(self, instances: Mapping[str, JsonObject]) -> None:
        self._entities = {guid: one for guid, one in instances.items() if one["class"] != "Relationship"}
        self._links: dict[str, list[tuple[str, str, JsonObject]]] = {}
        for link in instances.values():
            if link["class"] != "Relationship":
                continue
            ends = link["entityOneProxy"]["guid"], link["entityTwoProxy"]["guid"]
            # Entities and relationships are asked for one after another: what came in between has its ends not here.
            assert self._entities.keys() >= set(ends), f"an end of the {link['type']['typeDefName']} {link['guid']} is not there"
            self._links.setdefault(link["type"]["typeDefName"], []).append((*ends, link))

    def catalogue(self) -> Catalogue:
        roots = {end1: end2 for end1, end2, _ in self._links.get("AssetSchemaType", [])}
        assert len(roots) == len(set(roots.values())), "a schema type describes two assets"
        tables = [table for asset, root in roots.items() for table in self._tables(self._owner(asset), root)]
        self._all_reached("RelationalTable", len(tables))
        self._all_reached("RelationalColumn", sum(len(table.columns) for table in tables))
        return catalogue(tables)

    def _owner(self, asset: str) -> tuple[str, ...]:
        name = self._named(asset, "name")
        if self._type(asset) == "Database":
            return (name,)
        # In 4.2 the data set (here: the schema) is end 2.
        (database,) = [end1 for end1, end2, _ in self._links["DataContentForDataSet"] if end2 == asset]
        return (self._named(database, "name"), name)

    def _tables(self, owner: tuple[str, ...], root: str) -> Iterator[Table]:
        for end1, table, _ in self._links.get("AttributeForSchema", []):
            if end1 == root:
                values = plain(self._entities[table].get("properties"))
                comment = values.get("description", "")
                yield Table(owner=owner, name=values["displayName"], columns=self._columns(table), comment=comment, guid=table)

    def _columns(self, table: str) -> tuple[Column, ...]:
        placed = [(self._position(column, link), column) for end1, column, link in self._links.get("NestedSchemaAttribute", []) if end1 == table]
        assert sorted(place for place, _ in placed) == list(range(1, len(placed) + 1)), f"the positions in {table} have gaps or doubles: {placed}"
        return tuple(_column(self._entities[column]) for _, column in sorted(placed))

    def _position(self, column: str, link: JsonObject) -> int:
        # 4.2 has the position at the column.
        values = plain(link.get("properties")) | plain(self._entities[column].get("properties"))
        return int(values["position"])

    def _type(self, guid: str) -> str:
        return str(self._entities[guid]["type"]["typeDefName"])

    def _named(self, guid: str, attribute: str) -> str:
        return str(plain(self._entities[guid].get("properties"))[attribute])

    def _all_reached(self, type_name: str, reached: int) -> None:
        there = sum(1 for guid in self._entities if self._type(guid) == type_name)
        assert there == reached, f"{there} entities are a {type_name}, {reached} of them hang where they belong"


def _column(entity: JsonObject) -> Column:
    values = plain(entity.get("properties"))
    flags = values.get("additionalProperties") or {}
    classifications = {one["name"]: plain(one.get("properties")) for one in entity.get("classifications") or ()}
    embedded = classifications["TypeEmbeddedAttribute"]
    details = embedded.get("additionalProperties") or {}
    return Column(
        name=values["displayName"],
        data_type=embedded.get("dataType", ""),
        nullable=values["isNullable"],
        in_key="PrimaryKey" in classifications,
        length=values.get("length"),
        precision=_number(values, "precision"),
        scale=_number(details, "scale"),
        fraction=_number(details, "fractionalSeconds"),
        default=embedded.get("defaultValue"),
        comment=values.get("description", ""),
        auto_increment=flags.get("autoIncremented") == "true",
    )


def _number(values: Mapping[str, str], name: str) -> int | None:
    return int(values[name]) if name in values else None
