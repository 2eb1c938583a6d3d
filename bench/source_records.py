"""Made source records: rows of a PostgreSQL table whose shape changes now and then, and CREATE TABLE records of MySQL. From the Debezium samples."""

import json
from importlib import resources

_SHIPMENTS, _CUSTOMERS = 38, 12
"""Lines of the sample file (from 0): the first row of wh.public.shipments, the CREATE of shop.customers."""
ROWS_TOPIC = "wh.public.shipments"
TABLES_TOPIC = "retail"
_LSN = 33_554_432
_PLACE = "@LSN@"


def _value(line: int) -> dict[str, object]:
    text = (resources.files("mappers.debezium") / "golden" / "debezium-schema-changes.jsonl").read_text()
    value: dict[str, object] = json.loads(text.splitlines()[line])["value"]
    return value


def rows(number: int, every: int) -> list[bytes]:
    """Rows in the order of their lsn; with each row whose number is a multiple of `every` the table has another extra column."""
    made: list[bytes] = []
    template = b""
    for row in range(number):
        if row % every == 0:
            template = _row_template(row // every)
        made.append(template.replace(_PLACE.encode(), b"%d" % (_LSN + row)))
    return made


def _row_template(shape: int) -> bytes:
    value = json.loads(json.dumps(_value(_SHIPMENTS)))
    for part in value["schema"]["fields"]:
        if part["field"] in ("before", "after"):
            part["fields"].append({"type": "string", "optional": True, "field": f"extra_{shape}"})
    value["payload"]["source"].update(snapshot="false", lsn=_PLACE)
    value["payload"]["op"] = "u"
    return json.dumps(value).replace(f'"{_PLACE}"', _PLACE).encode()


def tables(number: int) -> list[bytes]:
    """CREATE records of as many tables, all of the shape of shop.customers."""
    made = []
    text = json.dumps(_value(_CUSTOMERS)).replace('"snapshot": "true"', '"snapshot": "false"')
    for table in range(number):
        name = f"customers_{table}"
        renamed = text.replace("customers", name).replace('"pos": 157', f'"pos": {1000 + table}')
        made.append(renamed.encode())
    return made
