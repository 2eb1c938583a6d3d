"""The send rule: which of our events leave."""

import pytest
from msgspec.structs import replace

from cohort_sync.cohort.sending import may_be_sent
from cohort_sync.omrs.enums import RegistryEventType
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.exchange import ExchangeFilter, ExchangeRule
from cohort_sync.testing.cohort import Peer, types_of

R = ExchangeRule
US = Peer()
OPEN, SECRET = (US.entity(name, classifications=[US.classification("ZoneMembership", zoneMembership=[name])]) for name in ("open", "secret"))
LINK = US.relationship("link", OPEN, SECRET)
ZONES = {"open": frozenset({"open"}), "secret": frozenset({"secret"})}
TYPE = types_of().type_def("GlossaryTerm")
EVENTS = {
    "new": US.new(OPEN),
    "secret": US.new(SECRET),
    "classified": US.classified(SECRET, US.classification()),
    "link": US.new(LINK),
    "purged": US.purged(SECRET),
    "request": US.asks_for("copy", "theirs"),
    "type": US.teaches(TYPE),
    "registration": US.registers(RegistryEventType.REGISTRATION_EVENT),
}
ALWAYS = {"request", "registration"}


def sent(rule: ExchangeFilter) -> set[str]:
    def asked(guid: str) -> frozenset[str] | None:
        assert rule.zones_matter, "zones are read only where they matter"
        return ZONES[guid]

    return {name for name, event in EVENTS.items() if may_be_sent(rule, event, asked)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ExchangeFilter(), set(EVENTS)),
        (ExchangeFilter(rule=R.REGISTRATION_ONLY), ALWAYS),
        (ExchangeFilter(rule=R.JUST_TYPEDEFS), ALWAYS | {"type"}),
        (ExchangeFilter(rule=R.SELECTED_TYPES, types=frozenset({"GlossaryTerm"})), set(EVENTS) - {"link"}),
        (ExchangeFilter(rule=R.DESELECTED_TYPES, types=frozenset({"GlossaryTerm"})), ALWAYS | {"type", "link"}),
        (ExchangeFilter(rule=R.GOVERNANCE_ZONES, excluded_zones=frozenset({"secret"})), set(EVENTS) - {"secret", "classified", "link"}),
        (ExchangeFilter(rule=R.GOVERNANCE_ZONES, included_zones=frozenset({"secret"})), set(EVENTS) - {"new", "link"}),
        (ExchangeFilter(zones_always=True, excluded_zones=frozenset({"nothing"})), set(EVENTS)),
    ],
)
def test_what_leaves(rule: ExchangeFilter, expected: set[str]) -> None:
    assert sent(rule) == expected


def test_an_end_that_is_only_a_proxy_is_asked_for_by_its_guid() -> None:
    rule = ExchangeFilter(rule=R.GOVERNANCE_ZONES, included_zones=frozenset({"open"}))
    event: OMRSEvent = US.new(replace(LINK, entity_two_proxy=LINK.entity_one_proxy))
    assert may_be_sent(rule, event, ZONES.get)
    assert not may_be_sent(rule, event, lambda _guid: None)
