"""Verdicts over header fields: who may, and what is newer."""

import pytest

from cohort_sync.omrs.precedence import (
    DELETED,
    Claim,
    ClassificationClaim,
    Sender,
    Verdict,
    judge_classification,
    judge_declassification,
    judge_instance,
    judge_proxy,
    judge_purge,
)
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind, Tombstone

V = Verdict
HOME = Sender("home", "ours")


def claim(
    version: int = 2,
    *,
    created: int = 100,
    home: str = "home",
    replicated_by: str | None = None,
    provenance: str = "LOCAL_COHORT",
    kind: int = Kind.ENTITY,
    status: str = "ACTIVE",
    type_name: str = "Asset",
    type_version: int = 1,
) -> Claim:
    return Claim(kind, type_name, home, replicated_by, provenance, version, created, status, type_version)


def stored(
    version: int = 1,
    *,
    created: int = 100,
    home: str = "home",
    replicated_by: str | None = None,
    provenance: str = "LOCAL_COHORT",
    kind: int = Kind.ENTITY,
    status: str = "ACTIVE",
    type_version: int = 1,
) -> InstanceRow:
    return InstanceRow("g", kind, "Asset", home, replicated_by, provenance, version, created, None, status, type_version, None, None, None, b"")


def buried(version: int, created: int = 100) -> Tombstone:
    return Tombstone("g", Kind.ENTITY, "Asset", "home", created, version)


@pytest.mark.parametrize(
    ("sender", "incoming", "before", "tombstone", "expected"),
    [
        (HOME, claim(1), None, None, V.STORED),
        (HOME, claim(2), stored(1), None, V.STORED),
        (HOME, claim(1), stored(1), None, V.DUPLICATE),
        (HOME, claim(1), stored(2), None, V.STALE),
        (HOME, claim(2, status=DELETED), stored(2), None, V.STORED),
        (HOME, claim(2), stored(2, status=DELETED), None, V.DUPLICATE),
        (HOME, claim(2, status=DELETED), stored(2, status=DELETED), None, V.DUPLICATE),
        # identity
        (HOME, claim(9, created=101), stored(1), None, V.CONFLICT),
        (HOME, claim(9, created=99), stored(1), None, V.CONFLICT),
        (HOME, claim(9, kind=Kind.RELATIONSHIP), stored(1), None, V.CONFLICT),
        (HOME, claim(9, type_version=1), stored(1, type_version=2), None, V.CONFLICT),
        (HOME, claim(9, type_name="Process", type_version=1), stored(1, type_version=2), None, V.STORED),
        (HOME, claim(9, home="elsewhere"), stored(1), None, V.CONFLICT),
        # who may
        (Sender("stranger", "ours"), claim(9), stored(1), None, V.NOT_HOME),
        (Sender("stranger", "ours"), claim(1), None, None, V.NOT_HOME),
        (Sender(None, "ours"), claim(1), None, None, V.NOT_HOME),
        (Sender("stranger", "ours"), claim(9, replicated_by="stranger"), stored(1), None, V.NOT_HOME),
        (Sender("loader", "ours"), claim(1, replicated_by="loader"), None, None, V.STORED),
        (Sender("loader", "ours"), claim(2), stored(1, replicated_by="loader"), None, V.STORED),
        (Sender("anybody", "ours"), claim(1, provenance="EXPORT_ARCHIVE"), None, None, V.STORED),
        (Sender("anybody", "ours"), claim(2, provenance="EXPORT_ARCHIVE"), stored(1, provenance="EXPORT_ARCHIVE"), None, V.STORED),
        (Sender("anybody", "ours"), claim(2, provenance="EXPORT_ARCHIVE"), stored(1), None, V.NOT_HOME),
        # ours
        (HOME, claim(9, home="ours"), None, None, V.NOT_HOME),
        (HOME, claim(9), stored(1, home="ours"), None, V.NOT_HOME),
        # after a purge
        (HOME, claim(2), None, buried(2), V.STALE),
        (HOME, claim(3), None, buried(2), V.STORED),
        (HOME, claim(3, status="DELETED"), None, buried(2), V.STALE),
        (HOME, claim(1, created=101), None, buried(2), V.STORED),
        (HOME, claim(9, created=99), None, buried(2), V.STALE),
        (HOME, claim(9, created=100), stored(1, created=200), buried(9), V.STALE),
        # a new life over a soft-deleted one whose purge was lost
        (HOME, claim(1, created=101), stored(5, status="DELETED"), None, V.STORED),
    ],
)
def test_an_instance(sender: Sender, incoming: Claim, before: InstanceRow | None, tombstone: Tombstone | None, expected: Verdict) -> None:
    assert judge_instance(sender, incoming, before, tombstone).verdict is expected


@pytest.mark.parametrize(
    ("sender", "incoming", "before", "expected"),
    [
        (Sender("new", "ours"), claim(2, home="new"), stored(1), V.STORED),
        (Sender("new", "ours"), claim(1, home="new"), stored(1), V.DUPLICATE),
        (Sender("new", "ours"), claim(2, home="third"), stored(1), V.NOT_HOME),
        (Sender("new", "ours"), claim(2, home="third", replicated_by="new"), stored(1), V.NOT_HOME),
        (Sender("new", "ours"), claim(2, replicated_by="new"), stored(1), V.NOT_HOME),
        (Sender("new", "ours"), claim(2, home="new"), stored(1, home="ours"), V.NOT_HOME),
        (Sender("new", "ours"), claim(2, home="ours"), stored(1), V.NOT_HOME),
        (Sender("new", "ours"), claim(2, home="new"), None, V.STORED),
    ],
)
def test_a_new_home_speaks_for_itself_in_a_re_home_event(sender: Sender, incoming: Claim, before: InstanceRow | None, expected: Verdict) -> None:
    assert judge_instance(sender, incoming, before, None, re_homed=True).verdict is expected


@pytest.mark.parametrize(
    ("sender", "incoming", "before", "tombstone", "expected"),
    [
        (HOME, None, stored(7), None, V.REMOVED),
        (HOME, claim(1), stored(7), None, V.REMOVED),
        (HOME, None, None, None, V.DUPLICATE),
        (HOME, claim(7, created=99), stored(7), None, V.STALE),
        (HOME, claim(7, created=101), stored(7), None, V.REMOVED),
        (HOME, None, stored(7, home="ours"), None, V.NOT_HOME),
        (HOME, claim(7, home="ours"), None, None, V.NOT_HOME),
        (Sender("stranger", "ours"), None, stored(7), None, V.NOT_HOME),
        (Sender("loader", "ours"), None, stored(7, replicated_by="loader"), None, V.REMOVED),
        (HOME, None, stored(7, kind=Kind.PROXY), None, V.REMOVED),
        # the purge of the life before, once more
        (HOME, None, stored(7), buried(5), V.STALE),
        (HOME, claim(5), stored(7), buried(5), V.STALE),
        (HOME, None, stored(7, status="DELETED"), buried(5), V.REMOVED),
        (HOME, claim(7), stored(7), buried(5), V.REMOVED),
    ],
)
def test_a_purge(sender: Sender, incoming: Claim | None, before: InstanceRow | None, tombstone: Tombstone | None, expected: Verdict) -> None:
    assert judge_purge(sender, incoming, before, tombstone).verdict is expected


@pytest.mark.parametrize(
    ("incoming", "before", "tombstone", "expected"),
    [
        (claim(1, kind=Kind.PROXY), None, None, V.STORED),
        (claim(2, kind=Kind.PROXY), stored(1, kind=Kind.PROXY), None, V.STORED),
        (claim(1, kind=Kind.PROXY), stored(1, kind=Kind.PROXY), None, V.DUPLICATE),
        (claim(9, kind=Kind.PROXY), stored(1), None, V.DUPLICATE),
        (claim(9, kind=Kind.PROXY, home="third"), stored(1, kind=Kind.PROXY), None, V.DUPLICATE),
        (claim(1, kind=Kind.PROXY), None, buried(2), V.STALE),
        (claim(1, kind=Kind.PROXY, home="ours"), None, None, V.NOT_HOME),
    ],
)
def test_a_proxy(incoming: Claim, before: InstanceRow | None, tombstone: Tombstone | None, expected: Verdict) -> None:
    assert judge_proxy(Sender("anybody", "ours"), incoming, before, tombstone).verdict is expected


def label(version: int, created: int = 100, home: str = "home") -> ClassificationClaim:
    return ClassificationClaim(home, None, version, created)


def row(version: int, created: int = 100, home: str = "home") -> ClassificationRow:
    return ClassificationRow("g", "Confidentiality", home, version, created, b"")


@pytest.mark.parametrize(
    ("incoming", "before", "tombstone", "expected"),
    [
        (label(1), None, None, V.STORED),
        (label(2), row(1), None, V.STORED),
        (label(1), row(1), None, V.DUPLICATE),
        (label(1), row(2), None, V.STALE),
        (label(1, created=101), row(7), None, V.STORED),
        (label(9, created=99), row(1), None, V.STALE),
        (label(1), None, buried(1), V.STALE),
        (label(2), None, buried(1), V.STORED),
        (label(1, created=101), None, buried(7), V.STORED),
        (label(2, home="third"), row(1), None, V.CONFLICT),
        (label(1, created=101, home="third"), row(7), None, V.STORED),
        (label(9), row(1, home="ours"), None, V.NOT_HOME),
        (label(9, home="ours"), None, None, V.NOT_HOME),
    ],
)
def test_a_classification_is_judged_by_its_own_home_and_version(
    incoming: ClassificationClaim, before: ClassificationRow | None, tombstone: Tombstone | None, expected: Verdict
) -> None:
    assert judge_classification(HOME, incoming, before, tombstone).verdict is expected


@pytest.mark.parametrize(
    ("sender", "incoming", "before", "tombstone", "older", "expected"),
    [
        (HOME, label(1), row(1), None, False, V.REMOVED),
        (HOME, label(1), row(2), None, False, V.STALE),
        (HOME, label(3), row(2), None, False, V.REMOVED),
        (HOME, label(1), None, None, False, V.DUPLICATE),
        (HOME, label(1), row(1, home="third"), None, False, V.STALE),
        (HOME, label(1), row(1, home="ours"), None, False, V.NOT_HOME),
        (Sender("stranger", "ours"), label(1), row(1), None, False, V.NOT_HOME),
        # an undo brought it back at the version at which it was removed
        (HOME, label(2), row(2), buried(2), True, V.STALE),
        (HOME, label(2), row(2), buried(2), False, V.REMOVED),
    ],
)
def test_a_declassification(
    sender: Sender, incoming: ClassificationClaim, before: ClassificationRow | None, tombstone: Tombstone | None, older: bool, expected: Verdict
) -> None:
    assert judge_declassification(sender, incoming, before, tombstone, entity_is_older=older).verdict is expected


def test_every_verdict_that_is_not_plain_says_why() -> None:
    judged = judge_instance(Sender("stranger", "ours"), claim(9), stored(1), None)
    assert judged.reason == "stranger is not its home home and does not replicate it"
