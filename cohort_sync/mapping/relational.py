"""The relational shape that every source of databases shares (spec mappers 1.8 and 2.5).

    DatabaseManager -CapabilityAssetUse(OWNS)-> RelationalDatabase <-DataSetContent- DeployedDatabaseSchema
    owner -Schema-> RelationalDBSchemaType -AttributeForSchema-> RelationalTable -NestedSchemaAttribute(position)-> RelationalColumn

The owner is the DeployedDatabaseSchema where the database has schemas, else the RelationalDatabase itself. The manager, the database, the schema and each
table are objects of their own, so that a table that changes does not touch what stands above it; put them in that order.
"""

from collections.abc import Iterable

import msgspec

from cohort_sync.mapping.desired import (
    DesiredClassification,
    DesiredEntity,
    DesiredObject,
    DesiredRelationship,
    GuidOf,
    PlainValue,
    Symbol,
    identity_of,
    name_part,
)
from cohort_sync.mapping.spi import Put

EMITS = frozenset(
    {
        "DatabaseManager",
        "RelationalDatabase",
        "DeployedDatabaseSchema",
        "RelationalDBSchemaType",
        "RelationalTable",
        "RelationalColumn",
        "CapabilityAssetUse",
        "DataSetContent",
        "Schema",
        "AttributeForSchema",
        "NestedSchemaAttribute",
        "Anchors",
        "TypeEmbeddedAttribute",
        "PrimaryKey",
    }
)
"""The types that this shape uses."""

MAX_INT = 2**31 - 1
"""The greatest value of an OMRS int. Sources also write it for "no limit"."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column as its source describes it. None and "" mean that the source does not say."""

    name: str
    data_type: str = ""
    nullable: bool | None = None
    length: int | None = None
    """Of a character or binary type."""
    precision: int | None = None
    """Total digits of a number."""
    default: str | None = None
    comment: str = ""
    type_details: dict[str, str] = {}
    """What describes the type and has no attribute of its own (scale): TypeEmbeddedAttribute.additionalProperties."""
    flags: dict[str, str] = {}
    """What describes the column and has no attribute of its own (generated, autoIncremented): additionalProperties."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The complete state of a table; columns in their order."""

    name: str
    columns: tuple[Column, ...]
    primary_key: frozenset[str] = frozenset()
    comment: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a table lives, and how that is named: label (`MySQL`), server, database, schema (None where the database has no schemas).

    `prefix` stands before every qualified name, for collections that hold the same source twice.
    """

    label: str
    server: str
    database: str
    schema: str | None = None
    prefix: str = ""

    @property
    def manager_name(self) -> str:
        """The qualified name of the DatabaseManager."""
        return f"{self.prefix}DatabaseManager::{self.label}::{name_part(self.server)}"

    @property
    def database_name(self) -> str:
        """The qualified name of the RelationalDatabase."""
        return f"{self.prefix}{self.label} Relational Database::{name_part(self.server)}::{name_part(self.database)}"

    @property
    def schema_name(self) -> str:
        """The qualified name of the DeployedDatabaseSchema: database and schema are joined by a dot there, so a dot in either is escaped."""
        inside = f"{_dotless(name_part(self.database))}.{_dotless(name_part(self.schema or ''))}"
        return f"{self.prefix}{self.label} Relational Database Schema::{name_part(self.server)}::{inside}"

    @property
    def owner_type(self) -> str:
        """The type of the asset that tables belong to."""
        return "RelationalDatabase" if self.schema is None else "DeployedDatabaseSchema"

    @property
    def owner_name(self) -> str:
        """The qualified name of the asset that tables belong to: their anchor."""
        return self.database_name if self.schema is None else self.schema_name

    @property
    def root_name(self) -> str:
        """The qualified name of the RelationalDBSchemaType."""
        return self.owner_name + "_rootSchemaType"

    def table_name(self, table: str) -> str:
        """The qualified name of a table."""
        return f"{self.owner_name}::{name_part(table)}"

    @property
    def server_key(self) -> str:
        """The object key of the DatabaseManager."""
        return "server:" + self.manager_name

    @property
    def database_key(self) -> str:
        """The object key of the RelationalDatabase."""
        return "database:" + self.database_name

    @property
    def schema_key(self) -> str:
        """The object key of the DeployedDatabaseSchema."""
        return "schema:" + self.schema_name

    def table_key(self, table: str) -> str:
        """The object key of a table."""
        return "table:" + self.table_name(table)

    @property
    def tables_prefix(self) -> str:
        """What the object keys of all tables of this owner begin with."""
        return f"table:{self.owner_name}::"

    @property
    def server_tables_prefixes(self) -> tuple[str, str]:
        """What the object keys of all tables of this server begin with: of databases without and with schemas."""
        server = name_part(self.server)
        return f"table:{self.prefix}{self.label} Relational Database::{server}::", f"table:{self.prefix}{self.label} Relational Database Schema::{server}::"


def _dotless(part: str) -> str:
    """A part of a name that stands beside a dot, escaped so that no two pairs share a name."""
    return part.replace("%", "%25").replace(".", "%2E") if "." in part or "%2E" in part or "%25" in part else part


def put_owner(place: Place) -> tuple[Put, ...]:
    """Everything above a table, outermost first. Equal every time, so putting it before each table costs next to nothing."""
    database = put_database(place)
    return database if place.schema is None else (*database, Put(_schema(place)))


def put_database(place: Place) -> tuple[Put, Put]:
    """The manager and the database."""
    return Put(_manager(place)), Put(_database(place))


def table_object(place: Place, table: Table) -> DesiredObject:
    """A table with its columns, anchored to its owner."""
    qualified_name = place.table_name(table.name)
    entities = [_table_entity(place, qualified_name, table)]
    relationships = [DesiredRelationship(type_name="AttributeForSchema", end1=identity_of(place.root_name), end2=identity_of(qualified_name))]
    for position, column in enumerate(table.columns, 1):
        entity = _column_entity(place, qualified_name, column, key=column.name in table.primary_key)
        entities.append(entity)
        relationships.append(
            DesiredRelationship(
                type_name="NestedSchemaAttribute", end1=identity_of(qualified_name), end2=identity_of(entity.qualified_name), properties={"position": position}
            )
        )
    return DesiredObject(key="table:" + qualified_name, entities=tuple(entities), relationships=tuple(relationships))


def repeated_name(names: Iterable[str]) -> str | None:
    """A name that stands twice in a list of columns, None when each is there once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


# ---------------------------------------------------------------- the parts


def _manager(place: Place) -> DesiredObject:
    entity = DesiredEntity(
        type_name="DatabaseManager",
        properties={
            "qualifiedName": place.manager_name,
            "displayName": place.server,
            "deployedImplementationType": f"{place.label} Database Manager",
        },
    )
    return DesiredObject(key=place.server_key, entities=(entity,))


def _database(place: Place) -> DesiredObject:
    entity = DesiredEntity(
        type_name="RelationalDatabase",
        properties={
            "qualifiedName": place.database_name,
            "displayName": place.database,
            "resourceName": place.database,
            "deployedImplementationType": f"{place.label} Relational Database",
        },
    )
    owns = DesiredRelationship(
        type_name="CapabilityAssetUse",
        end1=identity_of(place.manager_name),
        end2=entity.identity,
        properties={"useType": Symbol("OWNS")},
    )
    if place.schema is not None:
        return DesiredObject(key=place.database_key, entities=(entity,), relationships=(owns,))
    return DesiredObject(key=place.database_key, entities=(entity, _root(place)), relationships=(owns, _described_by(place)))


def _schema(place: Place) -> DesiredObject:
    entity = DesiredEntity(
        type_name="DeployedDatabaseSchema",
        properties={
            "qualifiedName": place.schema_name,
            "displayName": place.schema or "",
            "resourceName": f"{place.database}.{place.schema}",
            "deployedImplementationType": f"{place.label} Relational Database Schema",
        },
    )
    content = DesiredRelationship(type_name="DataSetContent", end1=entity.identity, end2=identity_of(place.database_name))
    return DesiredObject(key=place.schema_key, entities=(entity, _root(place)), relationships=(content, _described_by(place)))


def _root(place: Place) -> DesiredEntity:
    return DesiredEntity(
        type_name="RelationalDBSchemaType",
        properties={"qualifiedName": place.root_name, "displayName": place.database if place.schema is None else place.schema},
        classifications=(_anchors(place),),
    )


def _described_by(place: Place) -> DesiredRelationship:
    return DesiredRelationship(type_name="Schema", end1=identity_of(place.owner_name), end2=identity_of(place.root_name))


def _anchors(place: Place) -> DesiredClassification:
    return DesiredClassification(
        "Anchors",
        {"anchorGUID": GuidOf(identity_of(place.owner_name)), "anchorTypeName": place.owner_type, "anchorDomainName": "Asset"},
    )


def _table_entity(place: Place, qualified_name: str, table: Table) -> DesiredEntity:
    properties: dict[str, PlainValue] = {"qualifiedName": qualified_name, "displayName": table.name}
    if table.comment:
        properties["description"] = table.comment
    embedded = DesiredClassification("TypeEmbeddedAttribute", {"schemaTypeName": "RelationalTableType"})
    return DesiredEntity(type_name="RelationalTable", properties=properties, classifications=(_anchors(place), embedded))


def _column_entity(place: Place, table_name: str, column: Column, *, key: bool) -> DesiredEntity:
    properties: dict[str, PlainValue] = {"qualifiedName": f"{table_name}::{name_part(column.name)}", "displayName": column.name}
    if column.comment:
        properties["description"] = column.comment
    if column.nullable is not None:
        properties["isNullable"] = column.nullable
    sizes = {"length": column.length, "precision": column.precision}
    properties.update({name: size for name, size in sizes.items() if size is not None and 0 <= size < MAX_INT})
    if column.flags:
        properties["additionalProperties"] = column.flags
    embedded: dict[str, PlainValue] = {"schemaTypeName": "PrimitiveSchemaType"}
    if column.data_type:
        embedded["dataType"] = column.data_type
    if column.default is not None:
        embedded["defaultValue"] = column.default
    if column.type_details:
        embedded["additionalProperties"] = column.type_details
    classifications = [_anchors(place), DesiredClassification("TypeEmbeddedAttribute", embedded)]
    if key:
        classifications.append(DesiredClassification("PrimaryKey", {"keyPattern": Symbol("LOCAL_KEY")}))
    return DesiredEntity(type_name="RelationalColumn", properties=properties, classifications=tuple(classifications))
