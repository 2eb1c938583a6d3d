"""Several members in one process: each has its repository services, one of them has the enterprise view of all, and they call each other without a network."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import httpx2
import msgspec
from omrs_client import Holder, Json, string
from starlette.applications import Starlette
from starlette.types import ASGIApp

from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.service import omrs_routes
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import CollectionContext, is_before_6
from cohort_sync.enterprise.enterprise import Enterprise
from cohort_sync.enterprise.members import RemoteMembers
from cohort_sync.enterprise.refresher import Refresher
from cohort_sync.ocf.connections_out import ConnectionMode, registration_connection
from cohort_sync.omrs.enums import InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.exceptions import WireRelease
from cohort_sync.omrs.exchange import ExchangeFilter
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import MemberRow
from cohort_sync.store.stored import entity_rows, proxy_rows, relationship_row


class Site:
    """One member: its store and its services, reached at http://<name>/servers/<name>."""

    def __init__(self, name: str, registry: TypeRegistry) -> None:
        self.name = name
        self.id = f"mc-{name}"
        self.registry = registry
        self.store = MemoryStore()
        member = LocalMember(metadata_collection_id=self.id, metadata_collection_name=name, server_name=name)
        self.collection = MetadataCollection(self.store, CollectionContext(member=member, types=Holder(registry)))
        self.app: ASGIApp = Starlette(routes=omrs_routes(self.collection))
        self.calls: list[str] = []

    @property
    def address(self) -> str:
        return f"http://{self.name}/servers/{self.name}"

    def row(self, number: int) -> MemberRow:
        """Its registration."""
        connection = registration_connection(ConnectionMode.PLAIN, release="4.2", address=self.address)
        return MemberRow(self.id, self.name, self.name, None, None, number, msgspec.json.encode(connection), number, number, None)

    async def put(self, *entities: EntityDetail) -> None:
        for entity in entities:
            row, classified = entity_rows(entity)
            writes = WriteSet(instances={row.guid: row}, classifications={(row.guid, one.name): one for one in classified})
            await self.store.transact(lambda _, writes=writes: (writes, None))

    async def put_relationship(self, *relationships: Relationship) -> None:
        for relationship in relationships:
            row = relationship_row(relationship)
            await self.store.transact(lambda _, row=row: (WriteSet(instances={row.guid: row}), None))

    async def put_proxy(self, proxy: EntityProxy) -> None:
        row, classified = proxy_rows(proxy)
        writes = WriteSet(instances={row.guid: row}, classifications={(row.guid, one.name): one for one in classified})
        await self.store.transact(lambda _: (writes, None))

    def flow(self, guid: str, one: EntityDetail, two: EntityDetail, *, home: str = "", version: int = 1) -> Relationship:
        """A DataFlow between two tables."""
        return Relationship(
            guid=guid,
            type=self.registry.instance_type("DataFlow"),
            metadata_collection_id=home or self.id,
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            version=version,
            create_time=1000 + version,
            status=InstanceStatus.ACTIVE,
            entity_one_proxy=proxy_of_entity(self.registry, one),
            entity_two_proxy=proxy_of_entity(self.registry, two),
        )

    def table(self, guid: str, *, home: str = "", version: int = 1, classifications: list[Classification] | None = None, **texts: str) -> EntityDetail:
        """A table; homed here if nothing else is said."""
        return EntityDetail(
            guid=guid,
            type=self.registry.instance_type("RelationalTable"),
            metadata_collection_id=home or self.id,
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            version=version,
            create_time=1000 + version,
            created_by="peter",
            status=InstanceStatus.ACTIVE,
            classifications=classifications,
            properties=InstanceProperties(instance_properties={"qualifiedName": string(guid), **{name: string(text) for name, text in texts.items()}}),
        )

    def classification(self, name: str, *, home: str = "", version: int = 1) -> Classification:
        return Classification(
            name=name,
            type=self.registry.instance_type(name),
            metadata_collection_id=home or self.id,
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            version=version,
            create_time=1000,
            status=InstanceStatus.ACTIVE,
        )


class _Counted(httpx2.AsyncBaseTransport):
    """The way to a site; what is called there is written down, `in_the_way` may answer in its place."""

    def __init__(self, site: Site, in_the_way: Callable[[httpx2.Request], Awaitable[httpx2.Response | None]] | None) -> None:
        self._site = site
        self._in_the_way = in_the_way
        self._inner = httpx2.ASGITransport(site.app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._site.calls.append(f"{request.method} {request.url.path.partition('/users/')[2].partition('/')[2]}")
        answer = await self._in_the_way(request) if self._in_the_way is not None else None
        return answer if answer is not None else await self._inner.handle_async_request(request)


class Federated:
    """The first site asks; the others are registered with it. A context of one event loop."""

    def __init__(
        self,
        sites: list[Site],
        *,
        limits: Limits | None = None,
        seconds: float = 20.0,
        **in_the_way: Callable[[httpx2.Request], Awaitable[httpx2.Response | None]],
    ) -> None:
        """`seconds`: what a member has for an answer."""
        self.sites = sites
        self._limits = limits
        self._seconds = seconds
        self._in_the_way = in_the_way

    async def __aenter__(self) -> Self:
        asker, *others = self.sites
        for site in self.sites:
            await site.store.open()
        rows = {site.id: site.row(number) for number, site in enumerate(others, 1)}
        await asker.store.transact(lambda _: (WriteSet(members={**rows}), None))
        mounts = {f"http://{site.name}": _Counted(site, self._in_the_way.get(site.name)) for site in others}
        self._client = httpx2.AsyncClient(mounts=mounts)
        before_6 = is_before_6(asker.registry.release)
        remote = RemoteMembers(asker.store, self._client, release=lambda: WireRelease.UP_TO_5 if before_6 else WireRelease.FROM_6, seconds=self._seconds)
        self.refresher = Refresher(asker.store, asker.collection, ExchangeFilter())
        routes = omrs_routes(asker.collection, limits=self._limits, enterprise=Enterprise(remote, self.refresher).handle)
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(Starlette(routes=routes)), base_url="http://asker")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refresher.close()
        await self._http.aclose()
        await self._client.aclose()
        for site in self.sites:
            await site.store.close()

    async def post(self, path: str, body: object = None, **query: str) -> Json:
        """A call of the enterprise view."""
        url = f"/servers/{self.sites[0].name}/open-metadata/repository-services/users/peter/enterprise{path}"
        answer = await self._http.post(url, content=msgspec.json.encode(body or {}), params=query)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        return told


def run(story: Awaitable[None]) -> None:
    """A story in an event loop of its own, which has to end in time."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    asyncio.run(bounded())


def of_generation(release: WireRelease) -> Callable[[httpx2.Request], Awaitable[httpx2.Response | None]]:
    """Refuses the verbs of the other generation, as a Java platform does."""
    reads = ("/metadata-collection-id", "/existence", "/summary", "/home-classifications", "/previous", "/restore")

    async def answer(request: httpx2.Request) -> httpx2.Response | None:
        path = request.url.path
        is_read = path.endswith(reads) or path.rpartition("/")[0].endswith(("/instances/entity", "/instances/relationship"))
        wrong = request.method == "GET" if release is WireRelease.FROM_6 else is_read and request.method == "POST"
        return httpx2.Response(405) if wrong else None

    return answer
