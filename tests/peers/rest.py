"""The OMRS repository services of a running Egeria 4.2 server, as a client for the scenarios.

Reads are GET here (6.x made every call a POST). Answers are plain JSON objects; an answer with an exception in it becomes
`EgeriaError`, whatever the transport status says (a Java server answers 200 to every call that it handled).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from .omrs_json import JsonObject, Value, properties

_PAGE = 500


class EgeriaError(Exception):
    """The server answered with an exception; `code` is its HTTP code, `message_id` such as OMRS-REPOSITORY-404-002."""

    def __init__(self, call: str, answer: JsonObject) -> None:
        self.code = int(answer.get("relatedHTTPCode") or 0)
        self.exception = str(answer.get("exceptionClassName")).rpartition(".")[2]
        self.message_id = str(answer.get("exceptionErrorMessageId"))
        super().__init__(f"{call}: {self.exception}: {answer.get('exceptionErrorMessage')}")


class EgeriaClient:
    """One user's view of one server: its own repository, or with `enterprise` all members of its cohorts together."""

    def __init__(self, url: str, server: str, user: str, *, http: httpx2.Client | None = None, scope: str = "") -> None:
        self._root = f"{url}/servers/{server}/open-metadata/repository-services/users/{user}"
        self._scope = scope
        self._http = http or httpx2.Client(timeout=30.0)
        self._whole = (url, server, user)
        self._types: dict[str, JsonObject] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections, those of the enterprise view as well."""
        self._http.close()

    @property
    def enterprise(self) -> "EgeriaClient":
        """The same server's federated view: it asks the other members too. It shares the connections of this client."""
        return EgeriaClient(*self._whole, http=self._http, scope="/enterprise")

    # the cohort

    def metadata_collection_id(self) -> str:
        """The server's own metadata collection id."""
        return str(self._get("/metadata-collection-id")["metadataCollectionId"])

    def cohorts(self) -> list[JsonObject]:
        """CohortDescriptions: name, connection status, topic connections."""
        return self._highway("/cohort-descriptions").get("cohorts") or []

    def local_registration(self, cohort: str) -> JsonObject | None:
        """The server's own MemberRegistration in this cohort."""
        return self._highway(f"/cohorts/{cohort}/local-registration").get("cohortMember")

    def remote_members(self, cohort: str) -> list[JsonObject]:
        """MemberRegistrations of the other members that the server knows."""
        return self._highway(f"/cohorts/{cohort}/remote-members").get("cohortMembers") or []

    def connect(self, cohort: str) -> bool:
        """Joins the cohort again (registers, asks the others to register)."""
        return bool(self._highway(f"/cohorts/{cohort}/connect")["flag"])

    def disconnect(self, cohort: str) -> bool:
        """Leaves the topics and keeps the registration."""
        return bool(self._highway(f"/cohorts/{cohort}/disconnect")["flag"])

    def unregister(self, cohort: str) -> bool:
        """Announces that it leaves the cohort for good, and leaves the topics."""
        return bool(self._highway(f"/cohorts/{cohort}/unregister")["flag"])

    # types

    def all_types(self) -> tuple[list[JsonObject], list[JsonObject]]:
        """(attribute type definitions, type definitions), all that the server knows."""
        gallery = self._get("/types/all")
        return gallery.get("attributeTypeDefs") or [], gallery.get("typeDefs") or []

    def type_def(self, name: str) -> JsonObject:
        """One type definition, by name; asked once."""
        if name not in self._types:
            self._types[name] = self._get(f"/types/typedef/name/{name}")["typeDef"]
        return self._types[name]

    def add_type_def(self, type_def: JsonObject) -> None:
        """Adds a type to the server, which announces it to the cohort."""
        self._post("/types/typedef", type_def)

    def patch_type_def(self, patch: JsonObject) -> JsonObject:
        """updateTypeDef: the type as it is after the TypeDefPatch, which the server announces to the cohort."""
        self._types.pop(patch["typeDefName"], None)
        return self._post("/types/typedef/update", patch)["typeDef"]

    # entities: reads

    def entity_if_known(self, guid: str) -> JsonObject | None:
        """isEntityKnown: the entity, or None. A soft-deleted entity is known (status DELETED)."""
        return self._get(f"/instances/entity/{guid}/existence").get("entity")

    def entity_if_active(self, guid: str) -> JsonObject | None:
        """getEntityDetail, None where it is unknown or soft-deleted."""
        try:
            return self.entity(guid)
        except EgeriaError as error:
            if error.exception == "EntityNotKnownException":
                return None
            raise

    def entity_summary(self, guid: str) -> JsonObject:
        """getEntitySummary."""
        return self._get(f"/instances/entity/{guid}/summary")["entity"]

    def entity(self, guid: str, *, as_of: datetime | None = None) -> JsonObject:
        """getEntityDetail, now or as it was; EgeriaError when it is unknown, deleted, or only a proxy."""
        if as_of is None:
            return self._get(f"/instances/entity/{guid}")["entity"]
        return self._post(f"/instances/entity/{guid}/history", {"class": "HistoryRequest", **_when(as_of)})["entity"]

    def entity_history(self, guid: str) -> list[JsonObject]:
        """getEntityDetailHistory: every version, the newest first."""
        body = {"class": "HistoryRangeRequest", "pageSize": _PAGE}
        return self._post(f"/instances/entity/{guid}/history/all", body).get("entities") or []

    def relationships_of(self, guid: str, *, type_name: str | None = None) -> list[JsonObject]:
        """getRelationshipsForEntity."""
        body = {"class": "TypeLimitedFindRequest", "pageSize": _PAGE, **self._type_guid(type_name)}
        return self._post(f"/instances/entity/{guid}/relationships", body).get("relationships") or []

    def find_entities(
        self,
        *,
        type_name: str | None = None,
        subtypes: Sequence[str] = (),
        match: JsonObject | None = None,
        classified: JsonObject | None = None,
        statuses: Sequence[str] = (),
        as_of: datetime | None = None,
    ) -> list[JsonObject]:
        """findEntities, now or as it was; `match` is a SearchProperties, `classified` a SearchClassifications, `subtypes` are names of types.

        In memory 4.2 fails with a NullPointerException on `classified` when it meets an entity without classifications.
        """
        guids = [self.type_def(each)["guid"] for each in subtypes]
        body = {**self._type_guid(type_name), **_given(subtypeGUIDs=guids or None, limitResultsByStatus=list(statuses) or None)}
        body |= _given(matchProperties=match, matchClassifications=classified)
        if as_of is None:
            return self._paged("/instances/entities", body | {"class": "EntityFindRequest"})
        return self._paged("/instances/entities/history", body | {"class": "EntityHistoricalFindRequest", **_when(as_of)})

    def find_entities_by_property(self, values: Mapping[str, Value], *, type_name: str | None = None, criteria: str = "ALL") -> list[JsonObject]:
        """findEntitiesByProperty; criteria: ALL, ANY, NONE. A text value is a regular expression, a whole match."""
        body = {"class": "EntityPropertyFindRequest", "matchProperties": properties(values), "matchCriteria": criteria}
        return self._paged("/instances/entities/by-property", body | self._type_guid(type_name))

    def find_entities_by_property_value(self, search: str, *, type_name: str | None = None) -> list[JsonObject]:
        """findEntitiesByPropertyValue; `search` is a regular expression, a whole match of any text property."""
        body = {"class": "EntityPropertyFindRequest", **self._type_guid(type_name)}
        return self._paged("/instances/entities/by-property-value", body, searchCriteria=search)

    def find_entities_by_classification(
        self, classification: str, values: Mapping[str, Value] | None = None, *, type_name: str | None = None
    ) -> list[JsonObject]:
        """findEntitiesByClassification; `values`: what all of its properties have to be, texts as regular expressions."""
        wanted = {} if values is None else {"matchProperties": properties(values), "matchCriteria": "ALL"}
        body = {"class": "PropertyMatchFindRequest", **self._type_guid(type_name), **wanted}
        return self._paged(f"/instances/entities/by-classification/{classification}", body)

    # graphs: each answers with (entities, relationships)

    def neighborhood(self, guid: str, *, level: int = 1) -> tuple[list[JsonObject], list[JsonObject]]:
        """getEntityNeighborhood."""
        path = f"/instances/entities/from-entity/{guid}/by-neighborhood"
        return _graph(self._post(path, {"class": "EntityNeighborhoodFindRequest"}, level=str(level)))

    def linking(self, start: str, end: str) -> tuple[list[JsonObject], list[JsonObject]]:
        """getLinkingEntities: everything on the ways from one entity to the other. Not in memory at a 4.2 server."""
        return _graph(self._post(f"/instances/entities/from-entity/{start}/by-linkage", {"class": "OMRSAPIFindRequest"}, endEntityGUID=end))

    def related(self, start: str) -> tuple[list[JsonObject], list[JsonObject]]:
        """getRelatedEntities: what is connected, however far away; it answers without relationships. Not in memory at a 4.2 server."""
        body = {"class": "RelatedEntitiesFindRequest", "pageSize": _PAGE}
        return self._post(f"/instances/entities/from-entity/{start}/by-relationship", body).get("entities") or [], []

    # entities: changes

    def add_entity(self, type_name: str, values: Mapping[str, Value], *, classifications: Sequence[JsonObject] = (), status: str | None = None) -> JsonObject:
        """addEntity: homed at this server."""
        return self._post("/instances/entity", self._new_entity(type_name, values, classifications, status))["entity"]

    def add_external_entity(self, type_name: str, values: Mapping[str, Value], *, source_id: str, source_name: str) -> JsonObject:
        """addExternalEntity: homed at an external source, replicated by this server."""
        body = self._new_entity(type_name, values, (), None) | _collection(source_id, source_name)
        return self._post("/instances/entity/external", body)["entity"]

    def add_entity_proxy(self, proxy: JsonObject) -> None:
        """addEntityProxy."""
        self._post("/instances/entity-proxy", proxy)

    def set_entity_status(self, guid: str, status: str) -> JsonObject:
        """updateEntityStatus (4.x only)."""
        return self._post(f"/instances/entity/{guid}/status", status)["entity"]

    def update_entity(self, guid: str, values: Mapping[str, Value]) -> JsonObject:
        """updateEntityProperties: the values become all of its properties."""
        return self._post(f"/instances/entity/{guid}/properties", _properties_request(values))["entity"]

    def undo_entity(self, guid: str) -> JsonObject:
        """undoEntityUpdate."""
        return self._get(f"/instances/entity/{guid}/previous")["entity"]

    def delete_entity(self, entity: JsonObject) -> JsonObject:
        """deleteEntity: a soft delete, with its relationships."""
        return self._post(f"/instances/entity/{entity['guid']}/delete", _validation(entity))["entity"]

    def purge_entity(self, entity: JsonObject) -> None:
        """purgeEntity; in memory it has to be deleted before."""
        self._post(f"/instances/entity/{entity['guid']}/purge", _validation(entity))

    def restore_entity(self, guid: str) -> JsonObject:
        """restoreEntity."""
        return self._get(f"/instances/entity/{guid}/restore")["entity"]

    def classify(self, guid: str, name: str, values: Mapping[str, Value] | None = None) -> JsonObject:
        """classifyEntity by GUID; answers with the entity."""
        return self._post(f"/instances/entity/{guid}/classification/{name}", _properties_request(values))["entity"]

    def reclassify(self, guid: str, name: str, values: Mapping[str, Value]) -> JsonObject:
        """updateEntityClassification by GUID."""
        path = f"/instances/entity/{guid}/classification/{name}/properties"
        return self._post(path, _properties_request(values))["entity"]

    def declassify(self, guid: str, name: str) -> JsonObject:
        """declassifyEntity by GUID."""
        body = {"class": "OMRSAPIRequest"}
        return self._post(f"/instances/entity/{guid}/classification/{name}/delete", body)["entity"]

    def classify_proxy(self, proxy: JsonObject, name: str, values: Mapping[str, Value] | None = None) -> JsonObject:
        """classifyEntity of an entity that is homed elsewhere; answers with the classification."""
        body = {**_properties_request(values), "class": "ProxyClassificationRequest", "entityProxy": proxy}
        return self._post(f"/instances/entity/classification/{name}", body)["classification"]

    def reclassify_proxy(self, proxy: JsonObject, name: str, values: Mapping[str, Value]) -> JsonObject:
        """updateEntityClassification of an entity that is homed elsewhere; the proxy has to carry the classification."""
        body = {**_properties_request(values), "class": "ProxyClassificationRequest", "entityProxy": proxy}
        return self._post(f"/instances/entity/classification/{name}/properties", body)["classification"]

    def declassify_proxy(self, proxy: JsonObject, name: str) -> JsonObject:
        """declassifyEntity of an entity that is homed elsewhere."""
        return self._post(f"/instances/entity/classification/{name}/delete", proxy)["classification"]

    def re_identify_entity(self, entity: JsonObject, new_guid: str) -> JsonObject:
        """reIdentifyEntity."""
        return self._post(f"/instances/entity/{entity['guid']}/identity", _validation(entity), newEntityGUID=new_guid)["entity"]

    def re_type_entity(self, entity: JsonObject, new_type: str) -> JsonObject:
        """reTypeEntity."""
        return self._post(f"/instances/entity/{entity['guid']}/type", self._type_change(entity, new_type))["entity"]

    def re_home_entity(self, entity: JsonObject, new_home: str, new_name: str) -> JsonObject:
        """reHomeEntity: the new home has to be this server; an external source's instance is refused."""
        path = f"/instances/entity/{entity['guid']}/home/{entity['metadataCollectionId']}"
        return self._post(path, _validation(entity), **_new_home(new_home, new_name))["entity"]

    def refresh_entity_copy(self, entity: JsonObject) -> None:
        """refreshEntityReferenceCopy: asks the cohort, and so the entity's home, to send it again."""
        path = f"/instances/entities/reference-copy/{entity['guid']}/refresh"
        self._post(path, _validation(entity), homeMetadataCollectionId=entity["metadataCollectionId"])

    # relationships: reads

    def relationship_if_known(self, guid: str) -> JsonObject | None:
        """isRelationshipKnown: the relationship, or None. A soft-deleted relationship is known (status DELETED)."""
        return self._get(f"/instances/relationship/{guid}/existence").get("relationship")

    def relationship_if_active(self, guid: str) -> JsonObject | None:
        """getRelationship, None where it is unknown or soft-deleted."""
        try:
            return self.relationship(guid)
        except EgeriaError as error:
            if error.exception == "RelationshipNotKnownException":
                return None
            raise

    def relationship(self, guid: str, *, as_of: datetime | None = None) -> JsonObject:
        """getRelationship, now or as it was; EgeriaError when it is unknown or deleted."""
        if as_of is None:
            return self._get(f"/instances/relationship/{guid}")["relationship"]
        body = {"class": "HistoryRequest", **_when(as_of)}
        return self._post(f"/instances/relationship/{guid}/history", body)["relationship"]

    def relationship_history(self, guid: str) -> list[JsonObject]:
        """getRelationshipHistory: every version, the newest first."""
        body = {"class": "HistoryRangeRequest", "pageSize": _PAGE}
        return self._post(f"/instances/relationship/{guid}/history/all", body).get("relationships") or []

    def find_relationships(self, *, type_name: str | None = None, match: JsonObject | None = None) -> list[JsonObject]:
        """findRelationships; `match` is a SearchProperties."""
        body = {"class": "InstanceFindRequest", **self._type_guid(type_name), **_given(matchProperties=match)}
        return self._paged("/instances/relationships", body)

    def find_relationships_by_property(self, values: Mapping[str, Value], *, type_name: str | None = None, criteria: str = "ALL") -> list[JsonObject]:
        """findRelationshipsByProperty; as find_entities_by_property."""
        body = {"class": "PropertyMatchFindRequest", "matchProperties": properties(values), "matchCriteria": criteria}
        return self._paged("/instances/relationships/by-property", body | self._type_guid(type_name))

    def find_relationships_by_property_value(self, search: str, *, type_name: str | None = None) -> list[JsonObject]:
        """findRelationshipsByPropertyValue; as find_entities_by_property_value."""
        body = {"class": "TypeLimitedFindRequest", **self._type_guid(type_name)}
        return self._paged("/instances/relationships/by-property-value", body, searchCriteria=search)

    # relationships: changes

    def add_relationship(self, type_name: str, end1: str, end2: str, values: Mapping[str, Value] | None = None, *, status: str | None = None) -> JsonObject:
        """addRelationship between two entities that the server knows."""
        return self._post("/instances/relationship", self._new_relationship(type_name, end1, end2, values, status))["relationship"]

    def add_external_relationship(
        self, type_name: str, end1: str, end2: str, values: Mapping[str, Value] | None = None, *, source_id: str, source_name: str
    ) -> JsonObject:
        """addExternalRelationship: homed at an external source, replicated by this server."""
        body = self._new_relationship(type_name, end1, end2, values, None) | _collection(source_id, source_name)
        return self._post("/instances/relationship/external", body)["relationship"]

    def set_relationship_status(self, guid: str, status: str) -> JsonObject:
        """updateRelationshipStatus (4.x only)."""
        return self._post(f"/instances/relationship/{guid}/status", status)["relationship"]

    def update_relationship(self, guid: str, values: Mapping[str, Value]) -> JsonObject:
        """updateRelationshipProperties: the values become all of its properties."""
        return self._post(f"/instances/relationship/{guid}/properties", _properties_request(values))["relationship"]

    def undo_relationship(self, guid: str) -> JsonObject:
        """undoRelationshipUpdate."""
        return self._get(f"/instances/relationship/{guid}/previous")["relationship"]

    def delete_relationship(self, relationship: JsonObject) -> JsonObject:
        """deleteRelationship: a soft delete."""
        return self._post(f"/instances/relationship/{relationship['guid']}/delete", _validation(relationship))["relationship"]

    def purge_relationship(self, relationship: JsonObject) -> None:
        """purgeRelationship; in memory it has to be deleted before."""
        self._post(f"/instances/relationship/{relationship['guid']}/purge", _validation(relationship))

    def restore_relationship(self, guid: str) -> JsonObject:
        """restoreRelationship."""
        return self._get(f"/instances/relationship/{guid}/restore")["relationship"]

    def re_identify_relationship(self, relationship: JsonObject, new_guid: str) -> JsonObject:
        """reIdentifyRelationship."""
        path = f"/instances/relationship/{relationship['guid']}/identity"
        return self._post(path, _validation(relationship), newRelationshipGUID=new_guid)["relationship"]

    def re_type_relationship(self, relationship: JsonObject, new_type: str) -> JsonObject:
        """reTypeRelationship."""
        path = f"/instances/relationship/{relationship['guid']}/type"
        return self._post(path, self._type_change(relationship, new_type))["relationship"]

    def re_home_relationship(self, relationship: JsonObject, new_home: str, new_name: str) -> JsonObject:
        """reHomeRelationship; as re_home_entity."""
        path = f"/instances/relationship/{relationship['guid']}/home/{relationship['metadataCollectionId']}"
        return self._post(path, _validation(relationship), **_new_home(new_home, new_name))["relationship"]

    def refresh_relationship_copy(self, relationship: JsonObject) -> None:
        """refreshRelationshipReferenceCopy; as refresh_entity_copy."""
        path = f"/instances/relationships/reference-copy/{relationship['guid']}/refresh"
        self._post(path, _validation(relationship), homeMetadataCollectionId=relationship["metadataCollectionId"])

    # the wire

    def _get(self, path: str) -> JsonObject:
        return self._call("GET", f"{self._scope}{path}")

    def _post(self, path: str, body: object, **query: str) -> JsonObject:
        return self._call("POST", f"{self._scope}{path}", body, query)

    def _highway(self, path: str) -> JsonObject:
        return self._call("GET", f"/metadata-highway{path}")

    def _call(self, verb: str, path: str, body: object = None, query: Mapping[str, str] | None = None) -> JsonObject:
        answer = self._http.request(verb, f"{self._root}{path}", json=body, params=query)
        call = f"{verb} {path}"
        if answer.status_code != httpx2.codes.OK:
            raise EgeriaError(call, {"relatedHTTPCode": answer.status_code, "exceptionErrorMessage": answer.text[:500]})
        content: JsonObject = answer.json()
        if content.get("exceptionClassName"):
            raise EgeriaError(call, content)
        return content

    def _paged(self, path: str, body: JsonObject, **query: str) -> list[JsonObject]:
        kind = "relationships" if path.startswith("/instances/relationships") else "entities"
        found: list[JsonObject] = []
        while True:
            page = {"offset": len(found), "pageSize": _PAGE, "sequencingOrder": "GUID"}
            answer = self._post(path, body | page, **query).get(kind) or []
            found += answer
            if len(answer) < _PAGE:
                return found

    def _type_guid(self, type_name: str | None) -> JsonObject:
        return {} if type_name is None else {"typeGUID": self.type_def(type_name)["guid"]}

    def _new_entity(self, type_name: str, values: Mapping[str, Value], classifications: Sequence[JsonObject], status: str | None) -> JsonObject:
        return {
            "class": "EntityCreateRequest",
            "entityTypeGUID": self.type_def(type_name)["guid"],
            "initialProperties": properties(values),
            **_given(initialClassifications=list(classifications) or None, initialStatus=status),
        }

    def _new_relationship(self, type_name: str, end1: str, end2: str, values: Mapping[str, Value] | None, status: str | None) -> JsonObject:
        return {
            "class": "RelationshipCreateRequest",
            "relationshipTypeGUID": self.type_def(type_name)["guid"],
            "entityOneGUID": end1,
            "entityTwoGUID": end2,
            **_given(initialProperties=properties(values) if values else None, initialStatus=status),
        }

    def _type_change(self, instance: JsonObject, new_type: str) -> JsonObject:
        current = self.type_def(instance["type"]["typeDefName"])
        return {"class": "TypeDefChangeRequest", "currentTypeDef": _summary(current), "newTypeDef": _summary(self.type_def(new_type))}


def _properties_request(values: Mapping[str, Value] | None) -> JsonObject:
    given = None if values is None else properties(values)
    return {"class": "InstancePropertiesRequest", **_given(instanceProperties=given)}


def _validation(instance: JsonObject) -> JsonObject:
    kind = instance["type"]
    return {"class": "TypeDefValidationForRequest", "typeDefGUID": kind["typeDefGUID"], "typeDefName": kind["typeDefName"]}


def _summary(type_def: JsonObject) -> JsonObject:
    kept = ("guid", "name", "version", "versionName", "category", "status")
    return {"class": "TypeDefSummary", "headerVersion": 1, **{key: type_def[key] for key in kept if key in type_def}}


def _graph(answer: JsonObject) -> tuple[list[JsonObject], list[JsonObject]]:
    return answer.get("entityElementList") or [], answer.get("relationshipElementList") or []


def _collection(guid: str, name: str) -> JsonObject:
    return {"metadataCollectionId": guid, "metadataCollectionName": name}


def _new_home(guid: str, name: str) -> dict[str, str]:
    return {"newHomeMetadataCollectionId": guid, "newHomeMetadataCollectionName": name}


def _when(as_of: datetime) -> JsonObject:
    return {"asOfTime": round(as_of.timestamp() * 1_000)}


def _given(**fields: Any) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}
