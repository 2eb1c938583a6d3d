"""Does our copy follow what a Java member has, step by step?"""

from .compare import differences
from .hand import proxy
from .member import OurMember
from .omrs_json import JsonObject
from .rest import EgeriaClient
from .waiting import eventually

_ENDS = ("entityOneProxy", "entityTwoProxy")


class Follower:
    """Compares our copy with the answer of a Java member, soft-deleted instances included.

    A relationship is announced with its ends as they were then; a Java member answers with the ends as they are now. So ours is compared
    with the ends that our copies of the entities make.
    """

    def __init__(self, ours: OurMember, java: EgeriaClient, *, timeout: float = 5.0) -> None:
        self._ours = ours
        self._java = java
        self._timeout = timeout
        self._before: dict[str, JsonObject | None] = {}

    def step(self, instance: JsonObject) -> None:
        """The Java member has changed this instance (a step that changed nothing proves nothing), and our copy becomes what it is now."""
        guid = instance["guid"]
        theirs = self._answer(instance)
        if guid in self._before:
            assert differences(self._before[guid], theirs), f"the step changed nothing of {guid} at the Java member"
        self._before[guid] = theirs
        self.same(instance)

    def same(self, *instances: JsonObject) -> None:
        """Our copies become what the Java member has."""
        for instance in instances:
            theirs = self._answer(instance)
            self.equals(instance["guid"], theirs)

    def equals(self, guid: str, expected: JsonObject | None) -> None:
        """Our copy becomes this."""

        def same() -> bool:
            found = differences(copy_of(self._ours, guid), expected)
            assert not found, "; ".join(map(str, found[:5]))
            return True

        eventually(same, timeout=self._timeout, what=f"our copy of {guid} equals the Java member's")

    def _answer(self, instance: JsonObject) -> JsonObject | None:
        ask = self._java.relationship_if_known if instance["class"] == "Relationship" else self._java.entity_if_known
        return ask(instance["guid"])


def copy_of(ours: OurMember, guid: str) -> JsonObject | None:
    """What our store has under this GUID, a relationship with its ends as our entities are now."""
    instance = ours.instance(guid)
    if instance is None or instance["class"] != "Relationship":
        return instance
    ends = {name: ours.instance(instance[name]["guid"]) for name in _ENDS}
    return instance | {name: proxy(end) for name, end in ends.items() if end is not None and end["class"] == "EntityDetail"}
