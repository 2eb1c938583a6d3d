"""The enterprise view of several members: who carries out a change (spec metadata-collection-semantics 13.2)."""

import httpx2
import msgspec
from federated import Federated, Site, run
from omrs_client import Json, strings

from cohort_sync.omrs.instances import EntityDetail
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.type_registry import TypeRegistry

E = "org.odpi.openmetadata.repositoryservices.ffdc.exception."


def sites(packs: dict[str, TypeRegistry], *names: str) -> list[Site]:
    return [Site(name, packs["6.1"]) for name in names]


def raw(bean: InstanceProperties) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(bean))


def create(site: Site, **texts: str) -> Json:
    return {
        "class": "EntityCreateRequest",
        "entityTypeGUID": site.registry.instance_type("RelationalTable").type_def_guid,
        "initialProperties": raw(strings(**texts)),
    }


def ids(entity: EntityDetail) -> Json:
    kind = entity.type
    assert kind is not None
    return {"class": "TypeDefValidationForRequest", "typeDefGUID": kind.type_def_guid, "typeDefName": kind.type_def_name}


async def versions(site: Site, guid: str) -> list[int]:
    """Version of what this site has under the GUID."""
    return await site.store.read(lambda reader: [row.version for row in reader.instances((guid,)).values()])


def test_what_is_new_is_ours(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            made = (await view.post("/instances/entity", create(ours, qualifiedName="a")))["entity"]
            assert made["metadataCollectionId"] == "mc-ours"
            assert await versions(theirs, made["guid"]) == []
            refused = await view.post("/instances/entity", create(ours, noSuchProperty="a"))
            assert refused["exceptionClassName"] == E + "PropertyErrorException"

    run(story())


def test_a_change_goes_to_the_home(packs: dict[str, TypeRegistry]) -> None:
    ours, one, two = sites(packs, "ours", "one", "two")

    async def story() -> None:
        async with Federated([ours, one, two]) as view:
            table = two.table("g1")
            await two.put(table)
            await ours.put(ours.table("g1", home="mc-two"))
            body = {"class": "InstancePropertiesRequest", "instanceProperties": raw(strings(qualifiedName="g1", displayName="new"))}
            changed = (await view.post("/instances/entity/g1/properties", body))["entity"]
            assert (changed["version"], changed["updatedBy"]) == (2, "peter")
            assert (await view.post("/instances/entity/g1/previous"))["entity"]["version"] == 3
            assert (await view.post("/instances/entity/g1/delete", ids(table)))["entity"]["status"] == "DELETED"
            assert (await view.post("/instances/entity/g1/restore"))["entity"]["status"] == "ACTIVE"
            await view.post("/instances/entity/g1/delete", ids(table))
            assert (await view.post("/instances/entity/g1/purge", ids(table)))["relatedHTTPCode"] == 200
            assert (await versions(ours, "g1"), await versions(one, "g1"), await versions(two, "g1")) == ([1], [], [])

    run(story())


def test_a_change_of_what_nobody_here_is_the_home_of(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            await theirs.put(theirs.table("g1", home="mc-gone"))
            refused = await view.post("/instances/entity/g1/properties", {"class": "InstancePropertiesRequest"})
            assert (refused["exceptionClassName"], refused["exceptionErrorMessageId"]) == (E + "RepositoryErrorException", "OMRS-REPOSITORY-400-056")
            assert refused["exceptionErrorMessageParameters"] == ["updateEntityProperties", "g1", "mc-gone"]
            unknown = await view.post("/instances/entity/no/properties", {"class": "InstancePropertiesRequest"})
            assert unknown["exceptionClassName"] == E + "EntityNotKnownException"
            assert await versions(theirs, "g1") == [1]

    run(story())


def test_a_relationship_between_what_two_members_have(packs: dict[str, TypeRegistry]) -> None:
    """Ours is the home, and is given a proxy of the end that it does not know."""
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            await ours.put(ours.table("g1"))
            await theirs.put(theirs.table("g2"))
            kind = ours.registry.instance_type("DataFlow").type_def_guid
            body = {"class": "RelationshipCreateRequest", "relationshipTypeGUID": kind, "entityOneGUID": "g1", "entityTwoGUID": "g2"}
            made = (await view.post("/instances/relationship", body))["relationship"]
            assert made["metadataCollectionId"] == "mc-ours"
            assert (made["entityOneProxy"]["guid"], made["entityTwoProxy"]["guid"]) == ("g1", "g2")
            for path in ("", "/existence"):
                assert (await view.post(f"/instances/relationship/{made['guid']}{path}"))["relationship"]["guid"] == made["guid"]
            around = await view.post("/instances/entity/g2/relationships", {"class": "TypeLimitedFindRequest"})
            assert [each["guid"] for each in around["relationships"]] == [made["guid"]]
            missing = await view.post("/instances/relationship", {**body, "entityTwoGUID": "no"})
            assert missing["exceptionClassName"] == E + "EntityNotKnownException"
            gone = await view.post(f"/instances/relationship/{made['guid']}/delete", {"typeDefGUID": kind, "typeDefName": "DataFlow"})
            assert gone["relationship"]["status"] == "DELETED"
            assert (await view.post(f"/instances/relationship/{made['guid']}"))["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-012"
            nothing = await view.post("/instances/entity/no/relationships", {"class": "TypeLimitedFindRequest"})
            assert (nothing["relatedHTTPCode"], nothing.get("relationships")) == (200, None)

    run(story())


def test_classifications(packs: dict[str, TypeRegistry]) -> None:
    """A new one goes to the home of the entity, a change to the home of the classification."""
    ours, one, two = sites(packs, "ours", "one", "two")

    async def story() -> None:
        async with Federated([ours, one, two]) as view:
            await one.put(one.table("g1"))
            await two.put(two.table("g1", home="mc-one", classifications=[two.classification("Retention")]))
            path = "/instances/entity/g1/classification/Confidentiality"
            body = {"class": "InstancePropertiesRequest", "instanceProperties": raw(strings(notes="a"))}
            (made,) = [each for each in (await view.post(path, body))["entity"]["classifications"] if each["name"] == "Confidentiality"]
            assert made["metadataCollectionId"] == "mc-one"
            again = await view.post(path, body)
            assert again["relatedHTTPCode"] == 200
            other = await view.post(path, {**body, "instanceProperties": raw(strings(notes="b"))})
            assert other["exceptionClassName"] == E + "ClassificationErrorException"
            changed = await view.post("/instances/entity/g1/classification/Retention/properties", {**body, "instanceProperties": raw(strings(notes="b"))})
            assert [each["version"] for each in changed["entity"]["classifications"] if each["name"] == "Retention"] == [2]
            await view.post("/instances/entity/g1/classification/Retention/delete")
            left = (await view.post("/instances/entity/g1"))["entity"]["classifications"]
            assert [each["name"] for each in left] == ["Confidentiality"]
            nothing = await view.post("/instances/entity/g1/classification/Retention/delete")
            assert nothing["exceptionClassName"] == E + "ClassificationErrorException"

    run(story())


def test_what_the_view_does_not_have(packs: dict[str, TypeRegistry]) -> None:
    ours, theirs = sites(packs, "ours", "theirs")

    async def story() -> None:
        async with Federated([ours, theirs]) as view:
            proxy = await view.post("/instances/entity-proxy", {"class": "EntityProxyRequest", "entity": {"class": "EntityProxy", "guid": "g"}})
            assert (proxy["exceptionClassName"], proxy["relatedHTTPCode"]) == (E + "FunctionNotSupportedException", 405)
            assert theirs.calls == ["POST metadata-collection-id"]

    run(story())


def test_the_home_is_down(packs: dict[str, TypeRegistry]) -> None:
    """What is known of the entity here says who could change it; it is not changed elsewhere."""
    ours, theirs = sites(packs, "ours", "theirs")

    async def refuse(request: httpx2.Request) -> None:
        raise httpx2.ConnectError("nobody listens there", request=request)

    async def story() -> None:
        async with Federated([ours, theirs], theirs=refuse) as view:
            await ours.put(ours.table("g1", home="mc-theirs"))
            refused = await view.post("/instances/entity/g1/properties", {"class": "InstancePropertiesRequest"})
            assert refused["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-056"
            assert await versions(ours, "g1") == [1]

    run(story())
