"""What `cohort-sync types diff` prints."""

from collections.abc import Iterable
from difflib import get_close_matches

from cohort_sync.cli.output import print_json, print_pairs, print_table
from cohort_sync.omrs.errors import FatalFault
from cohort_sync.omrs.type_diff import Change, ReleaseDifference, TypeDifference, diff_releases, find_type
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.type_translation import TypeTranslation
from schemas import TRANSLATIONS, read_translation


def print_differences(source: TypeRegistry, target: TypeRegistry, name: str | None, *, as_json: bool) -> None:
    """Of one type, or of everything. Raises FatalFault for a type that neither release has."""
    pair = (source.release, target.release)
    translation = TypeTranslation(read_translation(*pair), source, target) if pair in TRANSLATIONS else None
    found = diff_releases(source, target, translation)
    if name is not None:
        one = find_type(found, name)
        if one is None:
            raise FatalFault(_nearest(found, name))
        if as_json:
            print_json(one)
        else:
            _print_type(found, one)
    elif as_json:
        print_json({"source": found.source, "target": found.target, "types": _grouped(found.types), "attributeTypes": _grouped(found.attribute_types)})
    else:
        _print_all(found, translated=translation is not None)


def _grouped(differences: Iterable[TypeDifference]) -> dict[str, list[TypeDifference] | int]:
    """A renamed type may be among the changed ones too."""
    listed = list(differences)
    return {
        "onlyInSource": [one for one in listed if one.after is None],
        "onlyInTarget": [one for one in listed if one.before is None],
        "renamed": [one for one in listed if one.renamed],
        "changed": [one for one in listed if one.changes],
        "same": sum(1 for one in listed if one.before == one.after and not one.changes),
    }


def _print_all(found: ReleaseDifference, *, translated: bool) -> None:
    for what, differences in (("Types", found.types), ("Attribute types", found.attribute_types)):
        gone = sorted((one for one in differences if one.after is None), key=_name)
        new = sorted((one for one in differences if one.before is None), key=_name)
        renamed = sorted((one for one in differences if one.renamed), key=_name)
        changed = sorted((one for one in differences if one.own_changes), key=_name)
        becomes = translated and what == "Types"
        print_table(
            f"{what} only in {found.source}: {len(gone)}",
            ("name", "category", *(("becomes",) if becomes else ())),
            [(one.before, one.category, *((one.translation.to if one.translation is not None else None,) if becomes else ())) for one in gone],
        )
        print_table(f"{what} only in {found.target}: {len(new)}", ("name", "category"), [(one.after, one.category) for one in new])
        print_table(f"{what} with another name: {len(renamed)}", (found.source, found.target, "guid"), [(one.before, one.after, one.guid) for one in renamed])
        print_table(
            f"{what} that changed (what a type only inherits is left out): {len(changed)}",
            ("name", "changes"),
            [(one.before, "; ".join(map(_brief, one.own_changes))) for one in changed],
        )


def _print_type(found: ReleaseDifference, one: TypeDifference) -> None:
    print_pairs(
        [
            (found.source, one.before or "(not there)"),
            (found.target, one.after or "(not there)"),
            ("category", one.category),
            ("guid", one.guid),
            *((("becomes", _becomes(one)),) if one.translation is not None else ()),
            *((("ends", "the other way round"),) if one.translation is not None and one.translation.swaps_ends else ()),
        ]
    )
    moved = one.translation.attributes if one.translation is not None and one.translation.to is not None else {}
    rows = [
        (change.aspect, change.name, change.before, change.after, "yes" if change.inherited else "", "; ".join(moved.get(change.name, ())) or None)
        for change in one.changes
    ]
    listed = {change.name for change in one.changes if change.aspect == "attribute"}
    rows += [("attribute", name, None, None, "", "; ".join(places)) for name, places in moved.items() if name not in listed]
    columns = ("what", "name", found.source, found.target, "inherited", *(("its value goes to",) if moved else ()))
    print_table("Differences", columns, [row[: len(columns)] for row in rows])


def _name(one: TypeDifference) -> str:
    return one.before or one.after or ""


def _becomes(one: TypeDifference) -> str:
    if one.translation is None:
        return "-"
    return one.translation.to if one.translation.to is not None else f"nothing: {one.translation.reason}"


def _brief(change: Change) -> str:
    label = {"attribute": "", "element": "value ", "end": "end ", "standsOn": "stands on ", "supertype": "supertype", "multiLink": "multi-link"}
    what = f"{label.get(change.aspect, change.aspect)}{change.name}"
    if change.before is None:
        return f"+{what}"
    if change.after is None:
        return f"-{what}"
    return f"{what}: {change.before} -> {change.after}"


def _nearest(found: ReleaseDifference, name: str) -> str:
    names = {known for one in (*found.types, *found.attribute_types) for known in (one.before, one.after) if known is not None}
    near = get_close_matches(name, sorted(names), 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"there is no type {name!r} in release {found.source} or {found.target}{hint}"
