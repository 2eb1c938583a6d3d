"""How a caller speaks to the repository services, and how tests put instances into a store."""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Raw
from starlette.testclient import TestClient

from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.omrs.enums import InstancePropertyCategory, InstanceProvenanceType, InstanceStatus, PrimitiveDefCategory
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.properties import InstanceProperties, PrimitivePropertyValue
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.store.rows import MemberRow
from cohort_sync.store.stored import classification_row, entity_rows, proxy_rows, relationship_row

T = TypeVar("T")
BASE = "/servers/retail-proxy/open-metadata/repository-services/users/peter"
Json = dict[str, object]


class Holder:
    """Who holds the types."""

    def __init__(self, registry: TypeRegistry) -> None:
        self.registry = registry


class Client:
    """A caller of one member."""

    def __init__(self, http: TestClient, store: Store, collection: MetadataCollection) -> None:
        self.http = http
        self.store = store
        self.collection = collection

    @property
    def registry(self) -> TypeRegistry:
        """The types that are known now."""
        return self.collection.context.types.registry

    def post(self, path: str, body: object = None, **query: str) -> Json:
        """A call as 6.x makes it; the answer's body, whose transport status has to be 200."""
        content = b"" if body is None else msgspec.json.encode(body)
        response = self.http.post(BASE + path, content=content, params=query, headers={"content-type": "application/json"})
        assert response.status_code == 200, (response.status_code, response.text)
        answer: Json = response.json()
        return answer

    def get(self, path: str, **query: str) -> Json:
        """A read as releases up to 5.x make it."""
        response = self.http.get(BASE + path, params=query)
        assert response.status_code == 200, (response.status_code, response.text)
        answer: Json = response.json()
        return answer

    def transact(self, plan: Callable[[Reader], tuple[WriteSet, T]]) -> T:
        assert self.http.portal is not None
        return self.http.portal.call(self.store.transact, plan)

    def read(self, query: Callable[[Reader], T]) -> T:
        assert self.http.portal is not None
        return self.http.portal.call(self.store.read, query)

    def put(self, *instances: EntityDetail | EntityProxy | Relationship) -> None:
        """Into the store, one transaction each."""
        for one in instances:
            writes = WriteSet()
            if isinstance(one, Relationship):
                writes.instances[one.guid or ""] = relationship_row(one)
            else:
                row, classified = entity_rows(one) if isinstance(one, EntityDetail) else proxy_rows(one)
                writes.instances[row.guid] = row
                writes.classifications = {(row.guid, each.name): each for each in classified}
            self.transact(lambda _, writes=writes: (writes, None))

    def classify(self, guid: str, classification: Classification) -> None:
        row = classification_row(guid, classification)
        self.transact(lambda _: (WriteSet(classifications={(guid, row.name): row}), None))

    def join(self, collection_id: str) -> None:
        """Another member registers."""
        row = MemberRow(collection_id, "peer", "peer", None, None, 1, None, 1, 1, None)
        self.transact(lambda _: (WriteSet(members={collection_id: row}), None))

    # ------------------------------------------------------------ instances

    def table(self, guid: str, name: str, *, home: str = "mc-local", **fields: object) -> EntityDetail:
        kind = self.registry.instance_type("RelationalTable")
        base = {"version": 1, "create_time": 1000, "created_by": "peter", "status": InstanceStatus.ACTIVE}
        return EntityDetail(
            guid=guid,
            type=kind,
            metadata_collection_id=home,
            metadata_collection_name="retail" if home == "mc-local" else "other",
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            properties=strings(qualifiedName=name),
            **{**base, **fields},
        )

    def link(self, guid: str, one: EntityDetail, two: EntityDetail, type_name: str = "DataFlow") -> Relationship:
        return Relationship(
            guid=guid,
            type=self.registry.instance_type(type_name),
            metadata_collection_id="mc-local",
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            version=1,
            create_time=1000,
            status=InstanceStatus.ACTIVE,
            entity_one_proxy=EntityProxy(guid=one.guid, type=one.type),
            entity_two_proxy=EntityProxy(guid=two.guid, type=two.type),
        )

    def classification(self, name: str, home: str = "mc-local", **fields: object) -> Classification:
        return Classification(
            name=name,
            type=self.registry.instance_type(name),
            metadata_collection_id=home,
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            **{"version": 1, "create_time": 1000, "status": InstanceStatus.ACTIVE, **fields},
        )


def string(value: str) -> PrimitivePropertyValue:
    return PrimitivePropertyValue(
        instance_property_category=InstancePropertyCategory.PRIMITIVE,
        type_guid="b34a64b9-554a-42b1-8f8a-7d5c2339f9c4",
        type_name="string",
        primitive_def_category=PrimitiveDefCategory.STRING,
        primitive_value=Raw(msgspec.json.encode(value)),
    )


def strings(**values: str) -> InstanceProperties:
    return InstanceProperties(instance_properties={name: string(value) for name, value in values.items()})


def guids(answer: Json, key: str) -> list[str]:
    """The GUIDs of a list in an answer; empty when the list is absent."""
    return [one["guid"] for one in answer.get(key, [])]
