"""The seed of a run: drawn once, told in the header, the same in every process that runs tests. COHORT_SYNC_SEED repeats a run."""

import os
import random

import pytest

_SEED = "COHORT_SYNC_SEED"


def pytest_configure() -> None:
    """Processes of pytest-xdist begin after this and inherit it."""
    if not os.environ.get(_SEED):
        os.environ[_SEED] = str(random.SystemRandom().randrange(1 << 32))


def pytest_report_header() -> str:
    return f"{_SEED}={os.environ[_SEED]}"


@pytest.fixture
def seed_of_run() -> int:
    """What a test draws its chances from."""
    return int(os.environ[_SEED])
