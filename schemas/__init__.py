"""The data that the package carries: the open metadata types of each release and the tables between releases."""

RELEASES = ("6.1", "4.2")
"""The releases of the open metadata types that can be chosen with `types.release`, newest first."""

TRANSLATIONS = (("6.1", "4.2"),)
"""The pairs of releases for which a translation of types exists: source, target."""


def read_pack(release: str) -> bytes:
    """The type pack of a release. Raises ValueError, naming the releases that there are, for any other."""
    if release not in RELEASES:
        raise ValueError(f"no open metadata types of release {release!r}; there are {', '.join(RELEASES)}")
    return _read(f"open-metadata-types-{release}.json")


def read_translation(source: str, target: str) -> bytes:
    """The table that translates types of release `source` to `target`. Raises ValueError when there is none."""
    if (source, target) not in TRANSLATIONS:
        known = ", ".join(f"{one} to {other}" for one, other in TRANSLATIONS)
        raise ValueError(f"no translation of types from release {source!r} to {target!r}; there is {known}")
    return _read(f"translation-{source}-{target}.json")


def _read(name: str) -> bytes:
    from importlib import resources  # costs more than the file that it reads: only who reads one pays

    return resources.files(__name__).joinpath(name).read_bytes()
