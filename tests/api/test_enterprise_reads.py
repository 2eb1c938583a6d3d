"""The enterprise view of several members: reads and finds (spec metadata-collection-semantics 13.1)."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import httpx2
import msgspec
import pytest
from federated import Federated, Site, of_generation, run
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from omrs_client import Json, guids, strings

from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.operations import OPERATIONS
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.enterprise.enterprise import FEDERATED, enterprise_id
from cohort_sync.omrs.enums import InstanceStatus, TypeDefCategory
from cohort_sync.omrs.exceptions import WireRelease
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import EntityDef, TypeDefLink

E = "org.odpi.openmetadata.repositoryservices.ffdc.exception."
FIND = {"class": "EntityFindRequest"}


def sites(packs: dict[str, TypeRegistry], *names: str, release: str = "6.1") -> list[Site]:
    return [Site(name, packs[release]) for name in names]


def test_every_operation_of_the_view_is_federated() -> None:
    alone = {"getMetadataCollectionId", "getEnterpriseTopicConnection"}
    assert set(FEDERATED) | alone == {operation.name for operation in OPERATIONS if operation.enterprise}


@pytest.mark.parametrize("generation", list(WireRelease))
def test_what_only_another_member_has(packs: dict[str, TypeRegistry], generation: WireRelease) -> None:
    """Whatever generation it is of: which one shows when it refuses a verb."""
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs], theirs=of_generation(generation)) as view:
            await theirs.put(theirs.table("g1", displayName="orders"))
            for read in ("", "/existence", "/summary"):
                answer = await view.post(f"/instances/entity/g1{read}")
                assert answer["entity"]["properties"]["instanceProperties"]["displayName"]["primitiveValue"] == "orders"
            assert guids(await view.post("/instances/entities", FIND), "entities") == ["g1"]
            found = await view.post("/instances/entities/by-property-value", {"class": "EntityPropertyFindRequest"}, searchString="RDE", ignoreCase="true")
            assert guids(found, "entities") == ["g1"]
            unknown = await view.post("/instances/entity/no")
            assert (unknown["exceptionClassName"], unknown["relatedHTTPCode"]) == (E + "EntityNotKnownException", 404)

    run(story())


def test_the_view_has_an_id_of_its_own(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            answer = await view.post("/metadata-collection-id")
            assert answer["metadataCollectionId"] == enterprise_id("mc-ours") not in ("mc-ours", "mc-theirs")

    run(story())


def test_the_home_wins_over_newer_copies_and_the_newest_copy_over_the_others(packs: dict[str, TypeRegistry]) -> None:
    ours, one, two = sites(packs, "ours", "one", "two")

    async def story() -> None:
        async with Federated([ours, one, two]) as view:
            await ours.put(ours.table("g1", home="mc-two", version=7, displayName="a lie"), ours.table("g2", home="mc-gone", version=2))
            await one.put(one.table("g2", home="mc-gone", version=3))
            await two.put(two.table("g1", version=5, displayName="the truth"))
            assert (await view.post("/instances/entity/g1"))["entity"]["version"] == 5
            assert (await view.post("/instances/entity/g1/summary"))["entity"]["version"] == 5
            assert (await view.post("/instances/entity/g2"))["entity"]["version"] == 3
            found = await view.post("/instances/entities", FIND)
            assert {each["guid"]: each["version"] for each in found["entities"]} == {"g1": 5, "g2": 3}

    run(story())


def test_classifications_come_from_everywhere(packs: dict[str, TypeRegistry]) -> None:
    """One by the home, one by a member that has the entity, one by a member that has only a proxy of it: each in its newest version."""
    ours, one, two = sites(packs, "ours", "one", "two")

    async def story() -> None:
        async with Federated([ours, one, two]) as view:
            old, new = ours.classification("Confidentiality"), ours.classification("Confidentiality", version=2)
            await ours.put(ours.table("g1", home="mc-one", classifications=[new]))
            await one.put(one.table("g1", displayName="t", classifications=[old, one.classification("Retention")]))
            await two.put(two.table("g1", home="mc-one", version=0, classifications=[two.classification("Criticality")]))
            for answer in (await view.post("/instances/entity/g1"), await view.post("/instances/entity/g1/summary")):
                told = answer["entity"]["classifications"]
                assert [(each["name"], each["version"]) for each in told] == [("Confidentiality", 2), ("Criticality", 1), ("Retention", 1)]
            search = {
                "class": "EntityPropertyFindRequest",
                "matchCriteria": "ALL",
                "matchProperties": msgspec.Raw(msgspec.json.encode(strings(displayName="t"))),
            }
            (found,) = (await view.post("/instances/entities/by-property", search))["entities"]
            assert [each["name"] for each in found["classifications"]] == ["Confidentiality", "Criticality", "Retention"]

    run(story())


def test_who_has_the_home_answer_is_asked_no_more_than_for_classifications(packs: dict[str, TypeRegistry]) -> None:
    ours, one, two = sites(packs, "ours", "one", "two")

    async def story() -> None:
        async with Federated([ours, one, two]) as view:
            await one.put(one.table("g1"))
            await view.post("/instances/entity/g1")
            assert one.calls == ["POST metadata-collection-id", "POST instances/entity/g1/existence"]
            assert two.calls == ["POST metadata-collection-id", "POST instances/entity/g1/home-classifications"]

    run(story())


def test_a_soft_deleted_entity_is_known_and_not_there(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            await theirs.put(replace(theirs.table("g1"), status=InstanceStatus.DELETED))
            assert (await view.post("/instances/entity/g1/existence"))["entity"]["status"] == "DELETED"
            assert (await view.post("/instances/entity/g1"))["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-013"
            assert "entities" not in await view.post("/instances/entities", FIND)

    run(story())


def test_what_is_known_by_a_proxy_alone(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            await theirs.put_proxy(proxy_of_entity(theirs.registry, theirs.table("g1", home="mc-gone")))
            assert (await view.post("/instances/entity/g1/summary"))["entity"]["class"] == "EntityProxy"
            refused = await view.post("/instances/entity/g1")
            assert (refused["exceptionClassName"], refused["exceptionErrorMessageId"]) == (E + "EntityProxyOnlyException", "OMRS-REPOSITORY-400-051")
            assert "entity" not in await view.post("/instances/entity/g1/existence")

    run(story())


def test_the_past(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            for version in (1, 2):
                await theirs.put(theirs.table("g1", version=version), theirs.table("g2", version=version))
                await theirs.put_relationship(theirs.flow("r1", theirs.table("g1"), theirs.table("g2"), version=version))
            await ours.put(ours.table("g1", home="mc-theirs"))
            now = {"class": "HistoryRequest", "asOfTime": int(time.time() * 1000)}
            assert (await view.post("/instances/entity/g1/history", now))["entity"]["version"] == 2
            assert (await view.post("/instances/relationship/r1/history", now))["relationship"]["version"] == 2
            then = {"class": "HistoryRequest", "asOfTime": 1}
            assert (await view.post("/instances/entity/g1/history", then))["exceptionClassName"] == E + "EntityNotKnownException"
            assert (await view.post("/instances/relationship/r1/history", then))["exceptionClassName"] == E + "RelationshipNotKnownException"
            versions = await view.post("/instances/relationship/r1/history/all", {"sequencingOrder": "FORWARDS"})
            assert [each["version"] for each in versions["relationships"]] == [1, 2]
            found = await view.post("/instances/entities/history", {"class": "EntityHistoricalFindRequest", **then, "pageSize": 5})
            assert "entities" not in found

    run(story())


def test_relationships_of_several_members(packs: dict[str, TypeRegistry]) -> None:
    """An old copy is told as its home has it; what its home has deleted is not told."""
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            one, two = theirs.table("g1"), theirs.table("g2")
            await theirs.put(one, two)
            gone = replace(theirs.flow("r3", one, two, version=2), status=InstanceStatus.DELETED)
            await theirs.put_relationship(
                theirs.flow("r1", one, two, version=3),
                theirs.flow("r2", one, two),
                gone,
            )
            await ours.put_relationship(*(ours.flow(guid, one, two, home="mc-theirs") for guid in ("r1", "r3")), ours.flow("r4", one, two))
            find = {"class": "RelationshipFindRequest", "sequencingOrder": "GUID"}
            found = (await view.post("/instances/relationships", find))["relationships"]
            assert [(each["guid"], each["version"]) for each in found] == [("r1", 3), ("r2", 1), ("r4", 1)]
            page = (await view.post("/instances/relationships", {**find, "offset": 1, "pageSize": 1}))["relationships"]
            assert [each["guid"] for each in page] == ["r2"]
            around = await view.post("/instances/entity/g1/relationships", {"class": "TypeLimitedFindRequest", "sequencingOrder": "GUID"})
            assert [each["guid"] for each in around["relationships"]] == ["r1", "r2"], "ours does not know the entity: it has no relationships of it"
            graph = await view.post("/instances/entities/from-entity/g1/by-neighborhood", {"class": "EntityNeighborhoodFindRequest"}, level="1")
            assert sorted(guids(graph, "relationshipElementList")) == ["r1", "r2"]
            related = await view.post("/instances/entities/from-entity/g1/by-relationship", {"class": "RelatedEntitiesFindRequest"})
            assert "g2" in guids(related, "entities")

    run(story())


# ------------------------------------------------------------ paging

ORDERS = ("GUID", "CREATION_DATE_RECENT", "PROPERTY_DESCENDING", "ANY")
held_by_each = st.lists(st.sets(st.sampled_from([f"g{number}" for number in range(8)])), min_size=3, max_size=3)


@settings(max_examples=15, deadline=None)
@given(held=held_by_each, order=st.sampled_from(ORDERS), size=st.integers(1, 4))
def test_pages_neither_overlap_nor_leave_out(packs_of_6: TypeRegistry, held: list[set[str]], order: str, size: int) -> None:
    """Every instance once, in the order that is asked for, whoever has it."""
    members = [Site(name, packs_of_6) for name in ("ours", "one", "two")]

    async def story() -> None:
        async with Federated(members) as view:
            for site, there in zip(members, held, strict=True):
                await site.put(*(site.table(guid, home="mc-gone", version=int(guid[1:]) % 3 + 1, displayName=guid) for guid in sorted(there)))
            request = {"class": "EntityFindRequest", "sequencingOrder": order, "sequencingProperty": "displayName"}
            whole = (await view.post("/instances/entities", request)).get("entities", [])
            assert sorted(guids({"entities": whole}, "entities")) == sorted(set().union(*held))
            assert order == "ANY" or whole == sorted(whole, key=lambda each: _key(each, order))
            paged: list[Json] = []
            for offset in range(0, len(whole) + size, size):
                paged += (await view.post("/instances/entities", {**request, "offset": offset, "pageSize": size})).get("entities", [])
            assert paged == whole

    run(story())


def test_a_page_of_old_copies_is_told_as_their_home_has_them(packs: dict[str, TypeRegistry]) -> None:
    """The home has it further on than the page goes, or no longer among its results, or deleted."""
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            for guid, version, name in (("g1", 5, "z"), ("g2", 2, "other"), ("g3", 1, "y")):
                await theirs.put(theirs.table(guid, version=version, displayName=name))
            await theirs.put(replace(theirs.table("g4", version=3), status=InstanceStatus.DELETED))
            await ours.put(*(ours.table(guid, home="mc-theirs", displayName="a") for guid in ("g1", "g2", "g4")))
            request = {"class": "EntityFindRequest", "sequencingOrder": "PROPERTY_ASCENDING", "sequencingProperty": "displayName"}
            for size, expected in ((1, [("g1", 5)]), (3, [("g2", 2), ("g3", 1)])):
                page = (await view.post("/instances/entities", {**request, "pageSize": size}))["entities"]
                assert [(each["guid"], each["version"]) for each in page] == expected

    run(story())


def _key(entity: Json, order: str) -> tuple[object, ...]:
    if order == "GUID":
        return (entity["guid"],)
    if order == "CREATION_DATE_RECENT":
        return (-entity["createTime"], entity["guid"])
    return (-int(entity["guid"][1:]),)


@pytest.fixture(scope="session")
def packs_of_6(packs: dict[str, TypeRegistry]) -> TypeRegistry:
    return packs["6.1"]


def test_a_page_beyond_the_limit_is_refused(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs], limits=Limits(page_size=3)) as view:
            refused = await view.post("/instances/entities", {**FIND, "offset": 2, "pageSize": 2})
            assert refused["exceptionClassName"] == E + "PagingErrorException"
            await theirs.put(*(theirs.table(f"g{number}") for number in range(4)))
            assert (await view.post("/instances/entities", FIND))["exceptionClassName"] == E + "PagingErrorException"
            assert len((await view.post("/instances/entities", {**FIND, "pageSize": 3}))["entities"]) == 3
            assert (await view.post("/instances/entities", {**FIND, "pageSize": -1}))["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-050"

    run(story())


# ------------------------------------------------------------ members that are not well


Trouble = Callable[[httpx2.Request], Awaitable[httpx2.Response | None]]


async def _hang(_request: httpx2.Request) -> None:
    await asyncio.sleep(60)


async def _refuse(request: httpx2.Request) -> None:
    raise httpx2.ConnectError("nobody listens there", request=request)


async def _break(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(500, text="a traceback")


async def _babble(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, text="<html>no JSON</html>")


async def _forbid(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(401)


async def _other_id(request: httpx2.Request) -> httpx2.Response | None:
    return httpx2.Response(200, json={"class": "MetadataCollectionIdResponse", "relatedHTTPCode": 200, "metadataCollectionId": "mc-somebody"})


@pytest.mark.parametrize("trouble", [_hang, _refuse, _break, _babble, _forbid, _other_id])
def test_a_member_that_is_not_well_is_left_out_and_left_alone(packs: dict[str, TypeRegistry], trouble: Trouble) -> None:
    ours, ill, well = sites(packs, "ours", "ill", "well")

    async def story() -> None:
        async with Federated([ours, ill, well], seconds=2.0 if trouble is _hang else 20.0, ill=trouble) as view:
            await well.put(well.table("g1"))
            for _ in range(3):
                assert (await view.post("/instances/entity/g1"))["entity"]["guid"] == "g1"
                assert guids(await view.post("/instances/entities", FIND), "entities") == ["g1"]
            assert (await view.post("/instances/entity/no"))["exceptionClassName"] == E + "EntityNotKnownException"
            assert len(ill.calls) == 1, "it is asked who it is, once, and then rests"

    run(story())


def test_a_member_that_fails_in_the_middle_of_a_find(packs: dict[str, TypeRegistry]) -> None:
    """Who answers suppresses the errors of the others; when nobody answers there is an error and no empty list."""
    ours, theirs = sites(packs, "ours", "theirs")

    async def finds_fail(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(500) if request.url.path.endswith("/instances/entities") else None

    async def story() -> None:
        async with Federated([ours, theirs], theirs=finds_fail) as view:
            await ours.put(ours.table("g1"))
            assert guids(await view.post("/instances/entities", FIND), "entities") == ["g1"]
            both = await view.post("/instances/entities", {**FIND, "typeGUID": "no-such-type"})
            assert both["exceptionClassName"] == E + "RepositoryErrorException"
            assert "theirs" in both["exceptionErrorMessage"]

    run(story())


def test_what_a_member_cannot_do_it_is_not_asked_again(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def of_6(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(404) if "by-neighborhood" in request.url.path else None

    async def story() -> None:
        async with Federated([ours, theirs], theirs=of_6) as view:
            await ours.put(ours.table("g1"))
            body = {"class": "EntityNeighborhoodFindRequest"}
            for _ in range(2):
                graph = await view.post("/instances/entities/from-entity/g1/by-neighborhood", body, level="1")
                assert guids(graph, "entityElementList") == ["g1"]
            assert [call for call in theirs.calls if "by-neighborhood" in call] == ["POST instances/entities/from-entity/g1/by-neighborhood"]

    run(story())


def test_a_longer_answer_than_is_read(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def endless(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(200, content=b" " * 65_000_000) if request.url.path.endswith("/instances/entities") else None

    async def story() -> None:
        async with Federated([ours, theirs], theirs=endless) as view:
            await ours.put(ours.table("g1"))
            assert guids(await view.post("/instances/entities", FIND), "entities") == ["g1"]

    run(story())


# ------------------------------------------------------------ the rest


def test_types_and_histories_of_another_member(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")
    asset = TypeDefLink(guid="896d14c2-7522-4f6c-8519-757711943fe6", name="Asset")
    lake = EntityDef(guid="g-lake", name="Lakehouse", version=1, version_name="1.0", category=TypeDefCategory.ENTITY_DEF, super_type=asset)

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            holder = theirs.collection.context.types
            holder.registry = holder.registry.with_type(lake)
            for path in ("/types/typedef/name/Lakehouse", "/types/typedef/g-lake"):
                assert (await view.post(path))["typeDef"]["guid"] == "g-lake"
            gallery = (await view.post("/types/all"))["typeDefs"]
            assert len([each for each in gallery if each["name"] == "Asset"]) == 1
            assert [each["name"] for each in (await view.post("/types/by-name", name="Lakehouse"))["typeDefs"]] == ["Lakehouse"]
            assert (await view.post("/types/typedef/no"))["exceptionClassName"] == E + "TypeDefNotKnownException"
            verify = {"class": "TypeDefRequest", "typeDef": msgspec.to_builtins(lake)}
            assert (await view.post("/types/typedef/compatibility", verify))["flag"] is True
            await theirs.put(theirs.table("g1"))
            await theirs.put(theirs.table("g1", version=2))
            history = await view.post("/instances/entity/g1/history/all", {"class": "HistoryRangeRequest"})
            assert [each["version"] for each in history["entities"]] == [2, 1]
            page = await view.post("/instances/entity/g1/history/all", {"sequencingOrder": "FORWARDS", "offset": 1, "pageSize": 5})
            assert [each["version"] for each in page["entities"]] == [2]

    run(story())


def test_the_home_is_asked_for_what_we_have_no_copy_of(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            await theirs.put(theirs.table("g1"))
            await ours.put(ours.table("g2"), ours.table("g3", home="mc-theirs"))
            for _ in range(3):
                assert len((await view.post("/instances/entities", FIND))["entities"]) == 3
                await view.refresher.close()
            (row,) = await ours.store.read(lambda reader: reader.outbox(10))
            section = json.loads(row.value)["instanceEventSection"]
            assert (section["eventType"], section["instanceGUID"], section["homeMetadataCollectionId"]) == ("REFRESH_ENTITY_REQUEST", "g1", "mc-theirs")

    run(story())
