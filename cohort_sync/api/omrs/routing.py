"""From the path of a call to its operation: literal segments win over variables, as in Spring (spec repository-rest-api 9)."""

from collections.abc import Iterable

from cohort_sync.api.omrs.operation import Operation


class Router:
    """A tree of path segments. A trailing slash does not matter; an empty segment matches nothing."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._literals: dict[str, Router] = {}
        self._variable: Router | None = None
        self._operation: Operation | None = None
        for operation in operations:
            self._add(operation, _segments(operation.path))

    def find(self, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation at this path with the values of its variables; None when there is none."""
        segments = _segments(path)
        operation = self._find(segments)
        if operation is None:
            return None
        pairs = zip(_segments(operation.path), segments, strict=True)
        return operation, {name[1:-1]: value for name, value in pairs if name.startswith("{")}

    def _add(self, operation: Operation, segments: list[str]) -> None:
        if not segments:
            self._operation = operation
            return
        head, *rest = segments
        if head.startswith("{"):
            self._variable = self._variable or Router()
            self._variable._add(operation, rest)
        else:
            self._literals.setdefault(head, Router())._add(operation, rest)

    def _find(self, segments: list[str]) -> Operation | None:
        if not segments:
            return self._operation
        head, *rest = segments
        literal = self._literals.get(head)
        found = literal._find(rest) if literal is not None else None
        if found is None and self._variable is not None and head:
            found = self._variable._find(rest)
        return found


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")
