"""A Java member that keeps no copies, and ours: everything of ours that it answers it has asked us for, at the address of our registration.

A recorder stands at that address and passes each call on to our worker.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .egeria import EgeriaMember
from .jars import Jars
from .kafka import KafkaBroker
from .member import OurMember
from .omrs_json import Enumerated, JsonObject, Value, plain
from .recorder import Recorder, recording
from .rest import EgeriaClient
from .shop import Shop
from .waiting import eventually

COHORT = "federated"
OURS = "federated-proxy"
STATUS = Enumerated("c8fe36ac-369f-4799-af75-46b9c1343ab3", "TermAssignmentStatus", 3, "Validated")
"""Of both meanings of tables that ours has."""
_SMALL = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True, slots=True)
class Federation:
    """A Java member without copies and ours; `java` is its own repository, `mine` our repository services as anybody may call them."""

    member: EgeriaMember
    ours: OurMember
    shop: Shop
    kafka: KafkaBroker
    recorder: Recorder
    java: EgeriaClient
    mine: EgeriaClient

    @property
    def enterprise(self) -> EgeriaClient:
        """The Java member's view of all members together."""
        return self.java.enterprise

    def entity(self, type_name: str, name: str) -> JsonObject:
        """One of our home entities, by its type and display name."""
        (found,) = [each for each in self.entities() if each["type"]["typeDefName"] == type_name and value_of(each, "displayName") == name]
        return found

    def entities(self) -> list[JsonObject]:
        """All our home entities."""
        return [each for each in self.ours.homed().values() if each["class"] == "EntityDetail"]

    def relationships(self) -> list[JsonObject]:
        """All our home relationships."""
        return [each for each in self.ours.homed().values() if each["class"] == "Relationship"]


@contextmanager
def running_federation(directory: Path, egeria: Jars, kafka: KafkaBroker) -> Iterator[Federation]:
    """Two tables of a source, a term and two relationships made by our own REST API; the Java member has built its connector to us."""
    shop = Shop(kafka, "federated-shop")
    shop.open()
    with recording() as recorder:
        member = EgeriaMember(directory / "federated", egeria, name="federated", cohort=COHORT, kafka=kafka.bootstrap, keeps_copies=False, java_options=_SMALL)
        ours = OurMember(
            directory / OURS,
            name=OURS,
            collection_id="3f5b9c1e-8d27-4c60-9b1a-6e2d7f80a4c5",
            cohort=COHORT,
            kafka=kafka.bootstrap,
            sources=[shop.source],
            more=f'[registration]\nconnection = "auto"\naddress = "{recorder.url}/servers/{OURS}"\n',
        )
        recorder.target = ours.url
        member.begin()
        ours.start()
        shop.create("orders", "items")
        member.wait_ready()
        used = f"A new remote connector from server {OURS} with metadata collection id {ours.collection_id} has been deployed"
        eventually(lambda: used in member.process.output(), timeout=10, what="the Java member has a connector to our address")
        with member.client() as java, EgeriaClient(ours.url, OURS, "peterprofile") as mine:
            federation = Federation(member, ours, shop, kafka, recorder, java, mine)
            tables = eventually(lambda: _both_tables(federation), timeout=10, what="both tables are home instances of ours")
            term = mine.add_entity("GlossaryTerm", {"qualifiedName": "federated::term", "displayName": "order"})
            for number, table in enumerate(tables):
                values: dict[str, Value] = {"description": f"meaning {number}", "confidence": 50 + number, "status": STATUS}
                mine.add_relationship("SemanticAssignment", table["guid"], term["guid"], values)
            yield federation
        ours.stop()
        member.stop()
    assert ours.process.exit_code == 0, ours.process.describe("did not stop in good order")


def _both_tables(federation: Federation) -> list[JsonObject]:
    tables = [each for each in federation.entities() if each["type"]["typeDefName"] == "RelationalTable"]
    columns = [each for each in federation.entities() if each["type"]["typeDefName"] == "RelationalColumn"]
    return sorted(tables, key=lambda each: str(value_of(each, "displayName"))) if (len(tables), len(columns)) == (2, 4) else []


def value_of(instance: JsonObject, name: str) -> object:
    """A property's plain value, None when it is not there."""
    return plain(instance.get("properties")).get(name)


def of_type(type_name: str) -> Callable[[JsonObject], bool]:
    """Is an instance of this very type?"""
    return lambda each: each["type"]["typeDefName"] == type_name


def marked(name: str, **values: object) -> Callable[[JsonObject], bool]:
    """Has an entity this classification, with these values?"""

    def has(each: JsonObject) -> bool:
        found = [plain(one.get("properties")) for one in each.get("classifications") or () if one["name"] == name]
        return any(values.items() <= one.items() for one in found)

    return has
