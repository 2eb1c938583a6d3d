"""The oracle of the real databases: it sees every difference, and it says in one line what a machine lacks."""

from dataclasses import replace
from pathlib import Path

import pytest

from .debezium import mariadb, postgres
from .debezium.catalogue import Column, Table, catalogue, differences, shown_in
from .jars import PeersUnavailableError
from .omrs_json import JsonObject, Value, properties

_ID = Column(name="id", data_type="INT", nullable=False, in_key=True)
_NAME = Column(name="name", data_type="VARCHAR", nullable=True, in_key=False, length=9, comment="why")
_TABLE = Table(owner=("shop",), name="orders", columns=(_ID, _NAME))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (_TABLE, []),
        (replace(_TABLE, guid="of an entity"), []),
        (replace(_TABLE, name="Orders"), ["is shown but is not in", "is in information_schema but is not shown"]),
        (replace(_TABLE, owner=("Shop",)), ["is shown but is not in", "is in information_schema but is not shown"]),
        (replace(_TABLE, comment="c"), ["the comment shown is ''"]),
        (replace(_TABLE, columns=(_NAME, _ID)), ["the columns shown are ['id', 'name'], in information_schema ['name', 'id']"]),
        (replace(_TABLE, columns=(_ID,)), ["the columns shown are"]),
        (replace(_TABLE, columns=(_ID, replace(_NAME, length=10, nullable=False))), ["name: nullable shown is True", "name: length shown is 9"]),
    ],
)
def test_every_difference_is_told(other: Table, told: list[str]) -> None:
    lines = differences(catalogue([_TABLE]), catalogue([other]))
    assert len(lines) == len(told)
    for part in told:
        assert any(part in line for line in lines)


def _entity(guid: str, type_name: str, values: dict[str, Value], **classifications: dict[str, Value]) -> JsonObject:
    marks = [{"name": name, "properties": properties(of)} for name, of in classifications.items()]
    return {"class": "EntityDetail", "guid": guid, "type": {"typeDefName": type_name}, "properties": properties(values), "classifications": marks}


def _link(type_name: str, one: str, two: str, **values: Value) -> JsonObject:
    ends = {"entityOneProxy": {"guid": one}, "entityTwoProxy": {"guid": two}}
    return {"class": "Relationship", "guid": f"{one}-{two}", "type": {"typeDefName": type_name}, "properties": properties(values), **ends}


def _instances() -> dict[str, JsonObject]:
    all_of_it = [
        _entity("d", "Database", {"name": "shop"}),
        _entity("r", "RelationalDBSchemaType", {}),
        _entity("t", "RelationalTable", {"displayName": "orders"}),
        _entity("n", "RelationalColumn", {"displayName": "name", "isNullable": True, "length": 9, "description": "why", "position": 2},
                TypeEmbeddedAttribute={"dataType": "VARCHAR"}),
        _entity("i", "RelationalColumn", {"displayName": "id", "isNullable": False, "position": 1}, TypeEmbeddedAttribute={"dataType": "INT"}, PrimaryKey={}),
        _link("AssetSchemaType", "d", "r"),
        _link("AttributeForSchema", "r", "t"),
        _link("NestedSchemaAttribute", "t", "n"),
        _link("NestedSchemaAttribute", "t", "i"),
    ]  # fmt: skip
    return {one["guid"]: one for one in all_of_it}


def test_a_catalogue_is_read_from_instances() -> None:
    shown = shown_in(_instances())
    assert differences(shown, catalogue([_TABLE])) == []
    assert shown["shop", "orders"].guid == "t"


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("t-i", "positions in t have gaps"),
        ("t-n", "2 entities are a RelationalColumn, 1 of them hang where they belong"),
        ("r-t", "1 entities are a RelationalTable, 0 of them"),
        ("t", "an end of the AttributeForSchema r-t is not there"),
    ],
)
def test_what_hangs_nowhere_is_told(lost: str, told: str) -> None:
    instances = _instances()
    del instances[lost]
    with pytest.raises(AssertionError, match=told):
        shown_in(instances)


def test_missing_databases_are_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb, "_PROGRAMS", ("mariadbd-that-is-not-there",) * 3)
    with pytest.raises(
        PeersUnavailableError, match=r"^the real databases need MariaDB \(Debian: .*install\.sh as root\): mariadbd-that-is-not-there was not found$"
    ):
        mariadb.MariaDb(tmp_path)
    monkeypatch.setattr(postgres, "_PACKAGE", "a_wheel_that_is_not_there")
    with pytest.raises(PeersUnavailableError, match=r"^the real databases need PostgreSQL from the wheel .*: it is not installed$"):
        postgres.PostgreSql(tmp_path, "depot")
