"""From the path of a call to its operations: literal segments win over variables, as in Spring (spec repository-rest-api 9)."""

from collections.abc import Iterable

from cohort_sync.api.omrs.operation import Operation


class Router:
    """A tree of path segments. A trailing slash does not matter; an empty segment matches nothing."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._literals: dict[str, Router] = {}
        self._variable: Router | None = None
        self._operations: list[Operation] = []
        for operation in operations:
            self._add(operation, _segments(operation.path))

    def find(self, path: str) -> list[Operation]:
        """The operations at this path, which have different verbs; empty when there is none."""
        return self._find(_segments(path))

    def _add(self, operation: Operation, segments: list[str]) -> None:
        if not segments:
            self._operations.append(operation)
            return
        head, *rest = segments
        if head.startswith("{"):
            self._variable = self._variable or Router()
            self._variable._add(operation, rest)
        else:
            self._literals.setdefault(head, Router())._add(operation, rest)

    def _find(self, segments: list[str]) -> list[Operation]:
        if not segments:
            return self._operations
        head, *rest = segments
        literal = self._literals.get(head)
        found = literal._find(rest) if literal is not None else []
        if not found and self._variable is not None and head:
            found = self._variable._find(rest)
        return found


def path_values(operation: Operation, path: str) -> dict[str, str]:
    """The values of the variables in a path at which this operation was found."""
    pairs = zip(_segments(operation.path), _segments(path), strict=True)
    return {name[1:-1]: value for name, value in pairs if name.startswith("{")}


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")
