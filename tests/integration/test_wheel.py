"""The wheel is the whole program: built, installed into a fresh environment and run there, away from the checkout."""

import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cohort_sync import __version__

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the build tools that are installed: no index is asked."""
    target = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A fresh environment with the wheel; its dependencies are taken from the environment of the tests, after everything of its own."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", str(wheel)],
        check=True,
        timeout=200,
    )
    site = next((home / "lib").glob("python*/site-packages"))
    (site / "dependencies-of-the-tests.pth").write_text(f"{_site_packages()}\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(home / "bin" / arguments[0]), *arguments[1:]], cwd=home, env={"PATH": ""}, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def _site_packages() -> Path:
    import click

    return Path(click.__file__).parents[1]


def test_the_wheel_carries_packages_mappers_and_schemas(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {path.relative_to(ROOT) for package in ("cohort_sync", "mappers", "schemas") for path in (ROOT / package).rglob("*") if path.is_file()}
    assert names >= {str(path) for path in files if "__pycache__" not in path.parts}
    assert names >= {
        "cohort_sync/py.typed",
        "mappers/debezium/__init__.py",
        "schemas/open-metadata-types-6.1.json",
        "schemas/open-metadata-types-4.2.json",
        "schemas/translation-6.1-4.2.json",
        "schemas/config.schema.json",
    }
    assert not [name for name in names if name.startswith(("tests/", "bench/", "deploy/", "typings/"))]


def test_the_program_runs_from_the_wheel(installed: Run) -> None:
    where = installed("python", "-c", "import cohort_sync, mappers, schemas; print(cohort_sync.__file__, mappers.__file__, schemas.__file__, sep='\\n')")
    assert where.returncode == 0, where.stderr
    assert all("/venv" in line and str(ROOT) not in line for line in where.stdout.split())
    version = installed("cohort-sync", "--version")
    assert (version.returncode, version.stdout) == (0, f"cohort-sync {__version__}\n"), version.stderr
    types = installed("cohort-sync", "types", "check", "--json")
    assert types.returncode == 0, types.stderr
    assert {release: one["problems"] for release, one in json.loads(types.stdout).items()} == {"6.1": [], "4.2": []}
    assert installed("cohort-sync", "config", "schema").stdout == (ROOT / "schemas" / "config.schema.json").read_text()


def test_mappers_are_found_by_their_entry_points(installed: Run) -> None:
    code = "from importlib.metadata import entry_points; print(*sorted(p.name for p in entry_points(group='cohort_sync.mappers')))"
    names = installed("python", "-c", code).stdout.split()
    assert "debezium" in names
