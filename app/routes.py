"""Finds the operation for a path as the reference's router does (contract 6.1). It knows no resource."""

from collections import defaultdict
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .declare import Operation
from .errors import FrameworkRefusal

Methods = dict[str, Operation]
_RESOURCE = 3  # where the resource's name stands in ["", "v1", "tms", "client", ...]


class Pattern(NamedTuple):
    """A path with parameters: the segments that must be equal, and those that are taken as values."""

    fixed: list[tuple[int, str]]
    parameters: list[tuple[int, str]]
    methods: Methods


class Routes:
    """All operations: a dict of whole paths, then a few patterns for each length and resource."""

    def __init__(self, operations: list[Operation]) -> None:
        self._whole: dict[str, Methods] = defaultdict(dict)
        self._patterns: dict[tuple[int, str], list[Pattern]] = defaultdict(list)
        for operation in operations:
            self._methods_of(operation.path)[operation.method] = operation

    def find(self, method: str, raw_path: bytes) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation and its path parameters as text, or None for a path that is not one of ours.

        A GET operation also answers HEAD. Raises FrameworkRefusal 400 or 405.
        """
        path = _undamaged(raw_path)
        methods, values = self._match(path)
        if methods is None:
            return None
        operation = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
        if operation is None:
            raise FrameworkRefusal(405, "method not allowed")
        return operation, values

    def _match(self, path: str) -> tuple[Methods | None, dict[str, str]]:
        if path in self._whole:
            return self._whole[path], {}
        segments = path.split("/")
        if len(segments) > _RESOURCE and segments[-1]:
            for pattern in self._patterns.get((len(segments), segments[_RESOURCE]), ()):
                if all(segments[index] == text for index, text in pattern.fixed):
                    return pattern.methods, {name: _decoded(segments[index]) for index, name in pattern.parameters}
        return None, {}

    def _methods_of(self, path: str) -> Methods:
        if "{" not in path:
            return self._whole[path]
        segments = path.split("/")
        patterns = self._patterns[len(segments), segments[_RESOURCE]]
        fixed = [(index, text) for index, text in enumerate(segments) if not text.startswith("{")]
        for pattern in patterns:
            if pattern.fixed == fixed:
                return pattern.methods
        parameters = [(index, text[1:-1]) for index, text in enumerate(segments) if text.startswith("{")]
        patterns.append(Pattern(fixed, parameters, {}))
        patterns.sort(key=lambda pattern: -len(pattern.fixed))
        return self._methods_of(path)


def _undamaged(raw_path: bytes) -> str:
    """Return the undecoded path. Raises FrameworkRefusal where it is not UTF-8 after decoding, whatever the route."""
    try:
        if b"%" in raw_path or not raw_path.isascii():
            unquote_to_bytes(raw_path).decode()
        return raw_path.decode()
    except UnicodeDecodeError:
        raise FrameworkRefusal(400, "invalid path params") from None


def _decoded(segment: str) -> str:
    return unquote_to_bytes(segment).decode() if "%" in segment else segment
