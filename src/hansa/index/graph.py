"""The symbol graph on disk: who defines a name, who uses it, what a file imports."""

from collections.abc import Sequence
from dataclasses import dataclass

from hansa.index.languages import Symbol
from hansa.index.store import Row, Store
from hansa.index.symbols import FileSymbols, Import

PLACES_MAX = 10_000
"""Of one name; what is used more often than this is looked up by other means."""


@dataclass(frozen=True, slots=True)
class Definition:
    path: str
    symbol: Symbol

    @property
    def container(self) -> str:
        """What it is inside of; empty at the top of its file."""
        name, own = self.symbol.name, self.symbol.own
        return name[: -len(own) - 1] if len(own) < len(name) else ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A line that uses a name."""

    path: str
    line: int
    kind: str
    """`call`, `import` or `use`."""


class Graph:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, file_id: int, found: FileSymbols) -> None:
        """Take in what a file defines, uses and imports; inside the store's transaction."""
        each_file = self._store.run_each
        each_file(
            "INSERT INTO definition (name, own, kind, file, start_line, end_line, name_line) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(each.name, each.own, each.kind, file_id, each.start_line, each.end_line,
              each.name_line) for each in found.definitions],
        )  # fmt: skip
        each_file(
            "INSERT INTO used (name, file, kind, lines) VALUES (?, ?, ?, ?)",
            [(each.name, file_id, each.kind, " ".join(map(str, each.lines)))
             for each in found.uses],
        )  # fmt: skip
        each_file(
            "INSERT INTO imported (file, line, module, name) VALUES (?, ?, ?, ?)",
            [(file_id, each.line, each.module, each.name) for each in found.imports],
        )

    def definitions(self, name: str) -> list[Definition]:
        """Where `name` is defined; `method` also finds `Class.method`. By path and line."""
        rows = self._store.run(
            "SELECT file.path, definition.name, kind, start_line, end_line, name_line "
            "FROM definition JOIN file ON file.id = definition.file "
            "WHERE (own = ? AND (definition.name = ? OR substr(definition.name, -length(?)) = ?) "
            "OR kind = 'heading' AND own = ?) ORDER BY file.path, start_line LIMIT ?",
            (*_named(name), PLACES_MAX),
        )
        return [Definition(path, Symbol(*symbol)) for path, *symbol in rows]

    def definition_chunks(self, name: str, limit: int) -> list[Row]:
        """The chunks in which those definitions begin."""
        rows = self._store.run(
            "SELECT file.path, chunk.start_line, chunk.end_line, definition.name, chunk.text, 1.0, "
            "kind FROM definition JOIN file ON file.id = definition.file JOIN chunk ON "
            "chunk.file = file.id AND definition.start_line BETWEEN chunk.start_line AND "
            "chunk.end_line "
            "WHERE (own = ? AND (definition.name = ? OR substr(definition.name, -length(?)) = ?) "
            "OR kind = 'heading' AND own = ?) ORDER BY file.path, definition.start_line LIMIT ?",
            (*_named(name), limit),
        )
        return [Row(*row) for row in rows]

    def references(self, name: str) -> list[Reference]:
        """The lines that use `name`, its last part if it has dots. By path and line."""
        rows = self._store.run(
            "SELECT file.path, lines, kind FROM used JOIN file ON file.id = used.file "
            "WHERE name = ? LIMIT ?",
            (_own(name), PLACES_MAX),
        )
        found = [
            Reference(path, int(line), kind)
            for path, lines, kind in rows
            for line in lines.split(" ")
        ]
        return sorted(found, key=lambda each: (each.path, each.line, each.kind))[:PLACES_MAX]

    def reference_count(self) -> int:
        """How many references there are, to any name."""
        query = (
            "SELECT coalesce(sum(1 + length(lines) - length(replace(lines, ' ', ''))), 0) FROM used"
        )
        return self._store.run(query)[0][0]

    def imports(self, path: str) -> list[Import]:
        """What a file imports, in the order of its lines."""
        rows = self._store.run(
            "SELECT module, name, line FROM imported JOIN file ON file.id = imported.file "
            "WHERE file.path = ? ORDER BY imported.rowid",
            (path,),
        )
        return [Import(*row) for row in rows]

    def importers(self, module: str) -> list[str]:
        """The files that import `module`, as it is written there."""
        rows = self._store.run(
            "SELECT DISTINCT file.path FROM imported JOIN file ON file.id = imported.file "
            "WHERE module = ? ORDER BY file.path",
            (module,),
        )
        return [path for (path,) in rows]


def _named(name: str) -> Sequence[str]:
    return (_own(name), name, f".{name}", f".{name}", name)


def _own(name: str) -> str:
    return name.rpartition(".")[2]
