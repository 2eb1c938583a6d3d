"""The OpenAPI document: served, complete, and closed in itself."""

import re
from collections.abc import Iterator

from omrs_client import Client

from cohort_sync.api.omrs.openapi import openapi_document
from cohort_sync.api.omrs.operations import OPERATIONS

METHODS = ("get", "post", "delete")


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_document_is_served_to_everybody(guarded: Client) -> None:
    answer = guarded.http.get("/v3/api-docs")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"bearer": []}]


def test_every_operation_is_there_with_its_verbs() -> None:
    document = openapi_document("1.0")
    told = {(path, verb) for path, item in document["paths"].items() for verb in METHODS if verb in item}
    assert told == {(path, verb.lower()) for operation in OPERATIONS for path in operation.paths for verb in operation.verbs}


def test_names_of_operations_are_unique() -> None:
    names = [item[verb]["operationId"] for item in openapi_document("1.0")["paths"].values() for verb in METHODS if verb in item]
    assert len(names) == len(set(names))


def test_path_variables_are_declared() -> None:
    for path, item in openapi_document("1.0")["paths"].items():
        assert [parameter["name"] for parameter in item["parameters"]] == re.findall(r"{(\w+)}", path)


def test_everything_that_is_referred_to_exists() -> None:
    document = openapi_document("1.0")
    found = set(references(document))
    assert len(found) > 80
    for reference in found:
        place: object = document
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(place, dict), reference
            place = place[step]


def test_beans_of_a_family_are_told_by_their_class() -> None:
    schemas = openapi_document("1.0")["components"]["schemas"]
    values = schemas["InstanceProperties"]["properties"]["instanceProperties"]["anyOf"][0]["additionalProperties"]
    assert values["discriminator"]["propertyName"] == "class"
    assert values["required"] == ["class"]
    assert values["discriminator"]["mapping"]["EnumPropertyValue"] == "#/components/schemas/EnumPropertyValue"
    assert schemas["EnumPropertyValue"]["properties"]["class"] == {"const": "EnumPropertyValue"}
