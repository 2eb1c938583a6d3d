"""What is understood of a statement, and above all what is not taken for a rename."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.debezium.ddl import DatabaseCreated, DatabaseDropped, Fact, Renamed, facts, opening


def told(fact: Fact) -> object:
    match fact:
        case Renamed(old, new):
            return ".".join(old.spoken()), ".".join(new.spoken())
        case DatabaseCreated(name):
            return f"+{name}"
        case DatabaseDropped(name):
            return f"-{name}"


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("RENAME TABLE `coupons` TO `promotions`", [("coupons", "promotions")]),
        ("rename table a to x, `b` TO a, x to `b`", [("a", "x"), ("b", "a"), ("x", "b")]),
        ("RENAME TABLE IF EXISTS a WAIT 10 TO b", [("a", "b")]),
        ("rename table a nowait to b", [("a", "b")]),
        ("RENAME TABLE shop.a TO `other db`.`b`", [("shop.a", "other db.b")]),
        ("RENAME emp TO staff", [("emp", "staff")]),
        ("rename tables a to b;", [("a", "b")]),
        ("ALTER TABLE inventory RENAME TO stock", [("inventory", "stock")]),
        ("alter table inventory rename stock", [("inventory", "stock")]),
        ("ALTER TABLE a RENAME AS b", [("a", "b")]),
        ("ALTER TABLE a RENAME = b", [("a", "b")]),
        ("alter online ignore table if exists a add x int default (1,2), rename to `b ``c`", [("a", "b `c")]),
        ("ALTER TABLE a ADD COLUMN (x DECIMAL(10,2), y INT), RENAME TO b", [("a", "b")]),
        ('ALTER TABLE "HR"."EMP" RENAME TO "ST""AFF"', [("HR.EMP", 'ST"AFF')]),
        ("/* c */ -- d\n# e\nALTER /*!40101 TABLE */ a RENAME TO b", [("a", "b")]),
        ("CREATE DATABASE `shop` CHARSET utf8mb4", ["+shop"]),
        ("create schema if not exists größe", ["+größe"]),
        ("CREATE OR REPLACE DATABASE x", ["+x"]),
        ("DROP DATABASE IF EXISTS `a.b`", ["-a.b"]),
        ("drop schema x; create schema x;", ["-x", "+x"]),
    ],
)
def test_what_is_understood(ddl: str, expected: list[object]) -> None:
    assert [told(fact) for fact in facts(ddl)] == expected


@pytest.mark.parametrize(
    "ddl",
    [
        "ALTER TABLE a RENAME COLUMN b TO c",
        "ALTER TABLE a RENAME INDEX b TO c",
        "ALTER TABLE a RENAME KEY b TO c",
        "ALTER TABLE a CHANGE b c INT",
        "ALTER TABLE a COMMENT = 'x, RENAME TO b'",
        "ALTER TABLE a COMMENT 'it''s \\', RENAME TO b'",
        "ALTER TABLE a ADD `RENAME` INT, ADD `, RENAME TO b` INT",
        "ALTER TABLE a ADD x INT /* , RENAME TO b */",
        "ALTER TABLE a ADD x INT -- , RENAME TO b",
        "ALTER TABLE a ADD x VARCHAR(9) CHECK (x IN ('a', RENAME TO b))",
        "ALTER TABLE a RENAME",
        "ALTER VIEW a RENAME TO b",
        "ALTER DATABASE a CHARSET utf8",
        "RENAME USER a TO b",
        "RENAME TABLE a TO",
        "RENAME TABLE a TO b c",
        "RENAME TABLE a, b TO c",
        "CREATE TABLE database (a INT)",
        "CREATE VIEW v AS SELECT 'DROP DATABASE x'",
        "DROP TABLE database",
        "SET x = 'DROP DATABASE shop'",
        "INSERT INTO t VALUES ('; DROP DATABASE shop')",
        "",
        ";",
    ],
)
def test_what_is_no_fact(ddl: str) -> None:
    assert facts(ddl) == []


def test_names_without_quotes_are_folded_where_the_database_does_it() -> None:
    (fact,) = facts('alter table hr."Emp" rename to staff')
    assert isinstance(fact, Renamed)
    assert fact.old.spoken(fold=True) == ("HR", "Emp")
    assert fact.new.spoken(fold=True) == ("STAFF",)


def test_the_opening_of_a_statement_tells_no_names_and_no_literals() -> None:
    assert opening("truncate table `secret`") == "TRUNCATE TABLE"
    assert opening("CREATE OR REPLACE TABLE secret (x INT)") == "CREATE OR REPLACE TABLE"
    assert opening("GRANT ALL ON secret TO me IDENTIFIED BY 'pw'") == "GRANT"
    assert opening("WEIRD 'pw'") == "another statement"
    assert opening(None) == "a statement without text"
    assert opening("x" * 300_000) == "a very long statement"


@given(st.text(alphabet=st.sampled_from(list("RENAMETOALB ,`'\"/*-#();.\n\\[]")), max_size=80))
def test_any_statement_is_read_to_its_end(text: str) -> None:
    for ddl in (text, f"ALTER TABLE a {text}", f"RENAME TABLE {text}"):
        assert all(fact for fact in facts(ddl))
        assert opening(ddl)
