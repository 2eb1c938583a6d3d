"""The packs of the exam: closed, and together the whole release."""

import pytest

from cohort_sync.omrs.type_part import closed_part

from .packs import PACK_OF_33, RELEASE, category_counts, closed_packs, release_types


def test_the_pack_of_33() -> None:
    assert release_types().release == RELEASE
    assert len(set(PACK_OF_33)) == 33
    assert category_counts(PACK_OF_33) == {"EntityDef": 17, "RelationshipDef": 10, "ClassificationDef": 6}
    assert sum(1 for _ in closed_part(release_types(), PACK_OF_33).types()) == 33


@pytest.mark.parametrize("size", [30, 60])
def test_closed_packs_have_every_type_between_them(size: int) -> None:
    packs = closed_packs(size)
    for pack in packs:
        closed_part(release_types(), pack)
    assert all(len(pack) <= size for pack in packs)
    assert set().union(*packs) == {one.name for one in release_types().types()}
    assert packs == closed_packs(size)
