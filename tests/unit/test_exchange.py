"""Exchange rules: what is let through by type and by governance zone."""

import pytest

from cohort_sync.omrs.exchange import ExchangeFilter, ExchangeRule, zones_of
from cohort_sync.testing.cohort import Peer

R = ExchangeRule
PEER = Peer()


@pytest.mark.parametrize(
    ("rule", "types", "types_pass", "listed", "unlisted"),
    [
        (R.ALL, (), True, True, True),
        (R.REGISTRATION_ONLY, (), False, False, False),
        (R.JUST_TYPEDEFS, (), True, False, False),
        (R.SELECTED_TYPES, ("g1",), True, True, False),
        (R.SELECTED_TYPES, ("Listed",), True, True, False),
        (R.DESELECTED_TYPES, ("g1",), True, False, True),
        (R.LEARNED_TYPES, (), True, True, True),
        (R.GOVERNANCE_ZONES, (), True, True, True),
    ],
)
def test_a_rule_by_type(rule: ExchangeRule, types: tuple[str, ...], types_pass: bool, listed: bool, unlisted: bool) -> None:
    one = ExchangeFilter(rule=rule, types=frozenset(types))
    assert (one.types_pass, one.type_passes("g1", "Listed"), one.type_passes("g2", "Unlisted")) == (types_pass, listed, unlisted)


@pytest.mark.parametrize("rule", list(R))
def test_an_instance_without_guid_or_name_of_its_type_never_passes(rule: ExchangeRule) -> None:
    one = ExchangeFilter(rule=rule)
    assert not one.type_passes(None, "Listed")
    assert not one.type_passes("g1", None)


@pytest.mark.parametrize(
    ("included", "excluded", "zones", "passes"),
    [
        (None, (), None, True),
        (None, ("hidden",), None, True),
        (None, ("hidden",), ("hidden", "open"), False),
        (None, ("hidden",), ("open",), True),
        (("open",), (), ("open", "hidden"), True),
        (("open",), ("hidden",), ("open", "hidden"), True),
        (("open",), (), ("other",), False),
        (("open",), (), None, False),
    ],
)
def test_governance_zones(included: tuple[str, ...] | None, excluded: tuple[str, ...], zones: tuple[str, ...] | None, passes: bool) -> None:
    one = ExchangeFilter(rule=R.GOVERNANCE_ZONES, included_zones=None if included is None else frozenset(included), excluded_zones=frozenset(excluded))
    assert one.zones_pass(None if zones is None else frozenset(zones)) is passes


def test_zone_lists_are_ignored_under_other_rules_unless_asked_for() -> None:
    hidden = frozenset({"hidden"})
    assert ExchangeFilter(excluded_zones=hidden).zones_pass(hidden)
    assert not ExchangeFilter(excluded_zones=hidden, zones_always=True).zones_pass(hidden)


def test_the_zones_of_an_entity_are_those_of_its_zone_membership() -> None:
    zoned = PEER.classification("ZoneMembership", zoneMembership=["a", "b ü"])
    assert zones_of([PEER.classification(), zoned]) == frozenset({"a", "b ü"})
    assert zones_of([PEER.classification("ZoneMembership")]) is None
    assert zones_of(None) is None
