"""An open metadata archive for Egeria 4.2: a content pack of clinical trials with an enum and a type of its own.

It holds 20 entities, 20 relationships and classifications, with property values of every kind that the 4.2 types use, and is the same at every run:

    python -m tests.peers.make_archive clinical-trials.omarchive

A member that loads it (`EgeriaMember(archives=...)`) makes the archive the home of everything in it: provenance CONTENT_PACK, `replicatedBy` = that member.
"""

import json
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from schemas import read_pack

from .hand import proxy
from .omrs_json import Enumerated, JsonObject, Value, properties

ARCHIVE_GUID = "6f1c7a52-4d0e-4b7e-9d29-0f6d5a6f3e11"
ARCHIVE_NAME = "Clinical trials"
CUSTOM_TYPE = "ClinicalTrial"
CUSTOM_ENUM = "TrialPhase"
CREATED = 1_735_689_600_123
"""Epoch milliseconds of everything in it."""

_NAMESPACE = uuid.UUID(ARCHIVE_GUID)
_PHASES = ("Planned", "FirstInHuman", "Efficacy", "Approval")
_AUTHOR = "erinoverview"


def write_archive(path: Path) -> Path:
    """Writes the archive; answers with its path."""
    path.write_text(json.dumps(archive(), ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def archive() -> JsonObject:
    """The archive as one OpenMetadataArchive object."""
    entities = _entities()
    relationships = _relationships(entities)
    return {
        "class": "OpenMetadataArchive",
        "archiveProperties": {
            "class": "OpenMetadataArchiveProperties",
            "archiveGUID": ARCHIVE_GUID,
            "archiveName": ARCHIVE_NAME,
            "archiveDescription": "Clinical trials, their databases and their vocabulary.",
            "archiveType": "CONTENT_PACK",
            "archiveVersion": "1.0",
            "originatorName": "peers",
            "originatorLicense": "Apache-2.0",
            "creationDate": CREATED,
        },
        "archiveTypeStore": {"class": "OpenMetadataArchiveTypeStore", "attributeTypeDefs": [custom_enum()], "newTypeDefs": [custom_type()]},
        "archiveInstanceStore": {
            "class": "OpenMetadataArchiveInstanceStore",
            "entities": list(entities.values()),
            "relationships": relationships,
        },
    }


def trial_values(name: str, phase: str = "Planned", **more: Value) -> dict[str, Value]:
    """The properties of an instance of the custom type."""
    chosen = Enumerated(type_guid(CUSTOM_ENUM), CUSTOM_ENUM, _PHASES.index(phase), phase)
    return {"qualifiedName": f"ClinicalTrial::{name}", "name": name, "trialPhase": chosen, **more}


# ------------------------------------------------------------ types


def type_guid(name: str) -> str:
    """The GUID of a type of the archive or of the 4.2 pack."""
    if name in (CUSTOM_TYPE, CUSTOM_ENUM):
        return str(uuid.uuid5(_NAMESPACE, name))
    return str(_pack()[name]["guid"])


@cache
def _pack() -> dict[str, JsonObject]:
    content = json.loads(read_pack("4.2"))
    return {one["name"]: one for one in (*content["attributeTypeDefs"], *content["typeDefs"])}


def custom_enum() -> JsonObject:
    """The archive's EnumDef."""
    elements = [{"headerVersion": 1, "ordinal": number, "value": phase, "description": f"Phase {number}."} for number, phase in enumerate(_PHASES)]
    return {
        "class": "EnumDef",
        "headerVersion": 1,
        "version": 1,
        "versionName": "1.0",
        "category": "ENUM_DEF",
        "guid": type_guid(CUSTOM_ENUM),
        "name": CUSTOM_ENUM,
        "description": "How far a clinical trial has come.",
        "elementDefs": elements,
        "defaultValue": elements[0],
    }


def custom_type() -> JsonObject:
    """The archive's EntityDef."""
    return {
        "class": "EntityDef",
        "headerVersion": 1,
        "guid": type_guid(CUSTOM_TYPE),
        "name": CUSTOM_TYPE,
        "status": "ACTIVE_TYPEDEF",
        "version": 1,
        "versionName": "1.0",
        "category": "ENTITY_DEF",
        "superType": {"headerVersion": 1, "guid": type_guid("Project"), "name": "Project", "status": "ACTIVE_TYPEDEF"},
        "description": "A clinical trial.",
        "origin": ARCHIVE_GUID,
        "createdBy": _AUTHOR,
        "createTime": CREATED,
        "validInstanceStatusList": ["ACTIVE", "DELETED"],
        "initialStatus": "ACTIVE",
        "propertiesDefinition": [
            attribute("trialPhase", custom_enum()),
            attribute("protocolNumber", _pack()["string"]),
            attribute("enrolled", _pack()["int"]),
            attribute("sites", _pack()["array<string>"]),
        ],
    }


def attribute(name: str, attribute_type: JsonObject) -> JsonObject:
    """A TypeDefAttribute that an instance may leave out."""
    return {
        "headerVersion": 1,
        "attributeName": name,
        "attributeType": attribute_type,
        "attributeStatus": "ACTIVE_ATTRIBUTE",
        "attributeDescription": f"The {name} of the trial.",
        "valuesMinCount": 0,
        "valuesMaxCount": 1,
        "indexable": True,
        "attributeCardinality": "AT_MOST_ONE",
        "unique": False,
    }


# ------------------------------------------------------------ instances


def _entities() -> dict[str, JsonObject]:
    """By a name that is used here only: 1 glossary, 2 categories, 8 terms, 4 trials, 4 databases, 1 collection."""
    found = {"glossary": _entity("Glossary", "glossary", {"displayName": "Versuche", "language": "Deutsch", "description": "Wörter der Prüfärzte."})}
    for number in range(2):
        found[f"category{number}"] = _entity("GlossaryCategory", f"category{number}", {"displayName": f"Bereich {number}"})
    for number in range(8):
        marks = [_classification("Anchors", {"anchorGUID": _guid("glossary")})] + ([_classification("SpineObject", {})] if number < 2 else [])
        more: dict[str, Value] = {"displayName": f"Begriff {number} £€", "abbreviation": f"B{number}"}
        found[f"term{number}"] = _entity("GlossaryTerm", f"term{number}", more, marks, version=3 if number == 7 else 1)
    for number, phase in enumerate(_PHASES):
        started = datetime(2025, 1 + number, 2, 3, 4, 5, 678_000, tzinfo=UTC)
        trial = trial_values(f"trial{number}", phase, protocolNumber=f"P-{number}", enrolled=10 * number, sites=["Wien", "Zürich"][:number], startDate=started)
        found[f"trial{number}"] = _entity(CUSTOM_TYPE, f"trial{number}", trial)
    for number in range(4):
        secret = _classification("Confidentiality", {"notes": "patients", "confidence": 90 + number, "levelIdentifier": number})
        values: dict[str, Value] = {"name": f"db{number}", "zoneMembership": ["clinical", f"zone{number}"], "additionalProperties": {"owner": "Müller"}}
        found[f"database{number}"] = _entity("Database", f"database{number}", values, [secret])
    memento = _classification("Memento", {"archiveUser": _AUTHOR, "archiveProperties": {"reason": "closed"}, "archiveDate": datetime(2025, 3, 1, tzinfo=UTC)})
    return found | {"collection": _entity("Collection", "collection", {"name": "All trials"}, [memento])}


def _relationships(entities: Mapping[str, JsonObject]) -> list[JsonObject]:
    """8 terms and 2 categories at the glossary, 4 meanings of databases, 4 trials in the collection, 2 between terms."""
    status = Enumerated(type_guid("TermAssignmentStatus"), "TermAssignmentStatus", 3, "Validated")
    links: list[tuple[str, str, str, dict[str, Value]]] = [
        *(("TermAnchor", "glossary", f"term{number}", {}) for number in range(8)),
        *(("CategoryAnchor", "glossary", f"category{number}", {}) for number in range(2)),
        *(("SemanticAssignment", f"database{number}", f"term{number}", {"confidence": number, "status": status}) for number in range(4)),
        *(("CollectionMembership", "collection", f"trial{number}", {"membershipRationale": "it is one"}) for number in range(4)),
        ("Synonym", "term0", "term1", {"expression": "≈"}),
        ("RelatedTerm", "term1", "term2", {"description": "see also"}),
    ]
    found = [_relationship(type_name, entities[one], entities[two], values) for type_name, one, two, values in links]
    found[-1]["properties"] |= {"effectiveFromTime": CREATED, "effectiveToTime": CREATED + 86_400_000}
    return found


def _entity(type_name: str, name: str, values: dict[str, Value], classifications: list[JsonObject] | None = None, *, version: int = 1) -> JsonObject:
    named: dict[str, Value] = {"qualifiedName": f"{type_name}::{name}"}
    header = _header("EntityDetail", type_name, version) | {"guid": _guid(name)}
    return header | ({"classifications": classifications} if classifications else {}) | {"properties": properties(named | values)}


def _relationship(type_name: str, one: JsonObject, two: JsonObject, values: dict[str, Value]) -> JsonObject:
    header = _header("Relationship", type_name, 1) | {"guid": _guid(f"{type_name} {one['guid']} {two['guid']}")}
    return header | {"entityOneProxy": proxy(one), "entityTwoProxy": proxy(two)} | ({"properties": properties(values)} if values else {})


def _classification(name: str, values: dict[str, Value]) -> JsonObject:
    header = _header("Classification", name, 1) | {"name": name, "classificationOrigin": "ASSIGNED"}
    return header | ({"properties": properties(values)} if values else {})


def _header(kind: str, type_name: str, version: int) -> JsonObject:
    type_def = custom_type() if type_name == CUSTOM_TYPE else _pack()[type_name]
    changed = {"updatedBy": _AUTHOR, "updateTime": CREATED + version} if version > 1 else {}
    return {
        "class": kind,
        "headerVersion": 1,
        "type": {
            "class": "InstanceType",
            "headerVersion": 1,
            "typeDefCategory": type_def["category"],
            "typeDefGUID": type_def["guid"],
            "typeDefName": type_name,
            "typeDefVersion": type_def["version"],
        },
        "instanceProvenanceType": "CONTENT_PACK",
        "metadataCollectionId": ARCHIVE_GUID,
        "metadataCollectionName": ARCHIVE_NAME,
        "createdBy": _AUTHOR,
        "createTime": CREATED,
        **changed,
        "version": version,
        "status": "ACTIVE",
    }


def _guid(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


if __name__ == "__main__":
    print(write_archive(Path(sys.argv[1])))
