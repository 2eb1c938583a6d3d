"""A member of the cohort played by hand: it writes events in the form that a 4.2 server sends.

It proves the peers before our own member is there, and it sends what no well-behaved server would: an older version, a
broken event, the registration of somebody else.
"""

import copy
import json
import time
import uuid

from .egeria import cohort_topic
from .kafka import KafkaBroker
from .omrs_json import JsonObject, Value, properties
from .records import Record


class HandMember:
    """The events of one metadata collection. Nothing is remembered and nothing is read: the caller keeps the instances."""

    def __init__(self, kafka: KafkaBroker, cohort: str, name: str, collection_id: str | None = None) -> None:
        self.name = name
        self.collection_id = collection_id or str(uuid.uuid4())
        self._kafka = kafka
        self._cohort = cohort

    def register(self, connection: JsonObject | None = None) -> None:
        """REGISTRATION_EVENT; without a connection nobody can call us."""
        section = {
            "registryEventType": "REGISTRATION_EVENT",
            "registrationTimestamp": _now(),
            "metadataCollectionName": self.name,
        }
        self.send("REGISTRY", section | ({"remoteConnection": connection} if connection else {}))

    def unregister(self) -> None:
        """UN_REGISTRATION_EVENT."""
        self.send("REGISTRY", {"registryEventType": "UN_REGISTRATION_EVENT"})

    def announce(self, event_type: str, *instances: JsonObject) -> None:
        """One instance event for each: NEW_ENTITY_EVENT, UPDATED_RELATIONSHIP_EVENT, ..."""
        self._send_all([("INSTANCE", _instance_section(event_type, instance)) for instance in instances])

    def send(self, category: str, section: JsonObject, **more: object) -> None:
        """One event of any kind; category: REGISTRY, TYPEDEF or INSTANCE. `more`: further fields of the event, or others in their place."""
        self._send_all([(category, section)], **more)

    def entity(
        self,
        type_def: JsonObject,
        values: dict[str, Value],
        *,
        guid: str | None = None,
        version: int = 1,
        classifications: list[JsonObject] | None = None,
    ) -> JsonObject:
        """An EntityDetail homed here; `type_def` as a server's REST API answers it."""
        header = self._header("EntityDetail", type_def, version) | {"guid": guid or str(uuid.uuid4())}
        return header | {"classifications": classifications or [], "properties": properties(values)}

    def relationship(self, type_def: JsonObject, end1: JsonObject, end2: JsonObject, values: dict[str, Value], *, version: int = 1) -> JsonObject:
        """A Relationship homed here, between two entities."""
        header = self._header("Relationship", type_def, version) | {"guid": str(uuid.uuid4())}
        return header | {
            "entityOneProxy": proxy(end1),
            "entityTwoProxy": proxy(end2),
            "properties": properties(values) if values else None,
        }

    def classification(self, type_def: JsonObject, values: dict[str, Value], *, version: int = 1) -> JsonObject:
        """A Classification homed here."""
        header = self._header("Classification", type_def, version)
        return header | {"name": type_def["name"], "classificationOrigin": "ASSIGNED", "properties": properties(values)}

    def _header(self, kind: str, type_def: JsonObject, version: int) -> JsonObject:
        now = _now()
        return {
            "class": kind,
            "headerVersion": 1,
            "type": {
                "class": "InstanceType",
                "headerVersion": 1,
                "typeDefCategory": type_def["category"],
                "typeDefGUID": type_def["guid"],
                "typeDefName": type_def["name"],
                "typeDefVersion": type_def["version"],
            },
            "instanceProvenanceType": "LOCAL_COHORT",
            "metadataCollectionId": self.collection_id,
            "metadataCollectionName": self.name,
            "createdBy": "hand",
            "createTime": now,
            "version": version,
            "status": "ACTIVE",
        }

    def _send_all(self, sections: list[tuple[str, JsonObject]], **more: object) -> None:
        self._kafka.produce([self._record(category, section, more) for category, section in sections])

    def _record(self, category: str, section: JsonObject, more: JsonObject) -> Record:
        topic, section_name = {
            "REGISTRY": ("registration", "registryEventSection"),
            "TYPEDEF": ("types", "typeDefEventSection"),
            "INSTANCE": ("instances", "instanceEventSection"),
        }[category]
        event = {
            "class": "OMRSEventV1",
            "protocolVersionId": "OMRS V1.0",
            "timestamp": _now(),
            "originator": {
                "metadataCollectionId": self.collection_id,
                "serverName": self.name,
                "serverType": "Played by hand",
                "organizationName": "peers",
            },
            "eventCategory": category,
            section_name: section,
            **more,
        }
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        return Record(cohort_topic(self._cohort, topic), f"{self.name}-id".encode(), text.encode("utf-8"))


def proxy(entity: JsonObject) -> JsonObject:
    """The EntityProxy of an entity: its header, its classifications, of its properties the qualified name."""
    kept = copy.deepcopy(entity)
    values = (kept.pop("properties", None) or {}).get("instanceProperties") or {}
    unique = {name: value for name, value in values.items() if name == "qualifiedName"}
    kept["uniqueProperties"] = {"class": "InstanceProperties", "headerVersion": 1, "instanceProperties": unique}
    return kept | {"class": "EntityProxy"}


def _instance_section(event_type: str, instance: JsonObject) -> JsonObject:
    kind = instance["type"]
    return {
        "eventType": event_type,
        "typeDefGUID": kind["typeDefGUID"],
        "typeDefName": kind["typeDefName"],
        "instanceGUID": instance["guid"],
        "relationship" if instance["class"] == "Relationship" else "entity": instance,
    }


def _now() -> int:
    return time.time_ns() // 1_000_000
