"""A SQLite store that a test drives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("cohort_sync.testing.store_contract")

from cohort_sync.store.sqlite import SqliteStore  # noqa: E402 - asserts are rewritten at import
from cohort_sync.testing.store_contract import Driver, driven  # noqa: E402


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Driver]:
    with driven(lambda path, clock: SqliteStore(path, clock=clock), tmp_path / "store.db") as driver:
        yield driver
