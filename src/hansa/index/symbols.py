"""What a file defines, uses and imports: the symbol graph's share of one file."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from hansa.index import headings, languages
from hansa.index.languages import NAME_CHARS_MAX, Symbol
from hansa.index.queries import QUERIES

CALL, IMPORT, USE = "call", "import", "use"

_RECEIVERS = frozenset({"self", "cls", "this"})
"""Names of the object itself; nobody looks for these."""


@dataclass(frozen=True, slots=True)
class Use:
    """A name that a file uses without defining it there, and the 1-based lines where it does."""

    name: str
    kind: str
    """`call`, `import` or `use`."""
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    """As the language writes it, without quotes: `a.b`, `./x`, `std::fmt`, `stdio.h`."""
    name: str
    """What is picked from the module; empty if all of it is."""
    line: int


@dataclass(frozen=True, slots=True)
class FileSymbols:
    definitions: list[Symbol]
    uses: list[Use]
    imports: list[Import]


def symbols(path: str, source: bytes, root: tree_sitter.Node | None = None) -> FileSymbols:
    """Everything named in a file; all empty for languages we cannot parse.

    `root` saves parsing `source` again.
    """
    if headings.is_markdown(path):
        return FileSymbols(headings.sections(source), [], [])
    language = languages.language_of(path)
    if language is None:
        return FileSymbols([], [], [])
    root = root or languages.parse(language, source)
    found = tree_sitter.QueryCursor(_names(language)).captures(root)
    defined = languages.outline(path, source, root)
    defined += _constants(language, source, root, {each.name for each in defined})
    imports, imported = _imports(language, source, root)
    return FileSymbols(defined, list(_uses(found, source, defined, imported)), imports)


def load(language: str) -> None:
    """Load a language's grammar and queries now, a tenth of a second, not with its first file."""
    if language in QUERIES:
        for query in (languages.definition_query, _names, _import_statements, _constant_names):
            query(language)


def _constants(
    language: str, source: bytes, root: tree_sitter.Node, known: set[str]
) -> Iterator[Symbol]:
    found = tree_sitter.QueryCursor(_constant_names(language)).captures(root)
    for kind, nodes in found.items():
        for node in nodes:
            name = _text(source, node)
            if name not in known:
                known.add(name)
                statement, line = _statement(node), node.start_point.row + 1
                yield Symbol(name, kind, line, max(line, languages.end_line(statement)), line)


def _statement(node: tree_sitter.Node) -> tree_sitter.Node:
    """The outermost node around a name that begins no earlier than its line."""
    row = node.start_point.row
    while (parent := node.parent) is not None and parent.start_point.row == row and parent.parent:
        node = parent
    return node


def _imports(language: str, source: bytes, root: tree_sitter.Node) -> tuple[list[Import], set[int]]:
    """What is imported, and where in the file such names begin."""
    found: dict[Import, None] = {}
    statements: dict[int, tree_sitter.Node] = {}
    for _, match in tree_sitter.QueryCursor(_import_statements(language)).matches(root):
        statement = match["import"][0]
        statements[statement.start_byte] = statement
        module = _text(source, match["module"][0]) if "module" in match else "__future__"
        name = _text(source, match["name"][0]) if "name" in match else ""
        line = statement.start_point.row + 1
        found[Import(module.strip("\"'<>`"), "" if name == "*" else name, line)] = None
    begins = {
        node.start_byte
        for statement in statements.values()
        for node in _captured(_names(language), statement, "name")
    }
    return sorted(found, key=lambda each: each.line), begins


def _uses(
    found: dict[str, list[tree_sitter.Node]],
    source: bytes,
    defined: list[Symbol],
    imported: set[int],
) -> Iterator[Use]:
    begins = {(each.name_line, each.own) for each in defined}
    called = {node.start_byte for node in found.get("call", ())}
    lines: dict[tuple[str, str], dict[int, None]] = {}
    for node in found.get("name", ()):
        start = node.start_byte
        name = source[start : node.end_byte].decode(errors="replace")
        line = node.start_point.row + 1
        if name in _RECEIVERS or len(name) > NAME_CHARS_MAX or (line, name) in begins:
            continue
        kind = CALL if start in called else IMPORT if start in imported else USE
        lines.setdefault((name, kind), {})[line] = None
    for (name, kind), where in lines.items():
        yield Use(name, kind, tuple(sorted(where)))


def _captured(
    query: tree_sitter.Query, root: tree_sitter.Node, name: str
) -> list[tree_sitter.Node]:
    return tree_sitter.QueryCursor(query).captures(root).get(name, [])


def _text(source: bytes, node: tree_sitter.Node) -> str:
    return source[node.start_byte : node.end_byte].decode(errors="replace")[:NAME_CHARS_MAX]


@functools.cache
def _names(language: str) -> tree_sitter.Query:
    known = QUERIES[language]
    return tree_sitter.Query(languages.grammar(language), f"{known.names}\n{known.calls}")


@functools.cache
def _import_statements(language: str) -> tree_sitter.Query:
    return tree_sitter.Query(languages.grammar(language), QUERIES[language].imports)


@functools.cache
def _constant_names(language: str) -> tree_sitter.Query:
    return tree_sitter.Query(languages.grammar(language), QUERIES[language].constants)
