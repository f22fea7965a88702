"""What a file is written in, and its syntax tree; grammars are loaded when first needed."""

import functools
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import tree_sitter

NESTED_MAX = 32
"""Definitions inside one another; what is deeper has no name of its own."""

NAME_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Language:
    name: str
    module: str
    """The wheel's module, such as `tree_sitter_python`."""
    comment: str
    definitions: frozenset[str]
    """Node types that define something with a name."""
    function: str = "language"
    wrappers: frozenset[str] = field(default_factory=frozenset[str])
    """Node types around a definition that belong to it, such as decorators."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition; lines are 1-based and inclusive, a method is named `Class.method`."""

    name: str
    kind: str
    start_line: int
    end_line: int


_JAVASCRIPT = frozenset({
    "function_declaration", "generator_function_declaration", "class_declaration",
    "method_definition",
})  # fmt: skip
_TYPESCRIPT = _JAVASCRIPT | {
    "interface_declaration", "type_alias_declaration", "enum_declaration",
    "abstract_class_declaration", "internal_module",
}  # fmt: skip
_EXPORT = frozenset({"export_statement"})
_C = frozenset({"function_definition", "struct_specifier", "enum_specifier"})

_LANGUAGES = {
    "python": Language(
        "python", "tree_sitter_python", "#",
        frozenset({"function_definition", "class_definition"}),
        wrappers=frozenset({"decorated_definition"}),
    ),
    "javascript": Language(
        "javascript", "tree_sitter_javascript", "//", _JAVASCRIPT, wrappers=_EXPORT
    ),
    "typescript": Language(
        "typescript", "tree_sitter_typescript", "//", _TYPESCRIPT, "language_typescript", _EXPORT
    ),
    "tsx": Language("tsx", "tree_sitter_typescript", "//", _TYPESCRIPT, "language_tsx", _EXPORT),
    "go": Language(
        "go", "tree_sitter_go", "//",
        frozenset({"function_declaration", "method_declaration", "type_spec"}),
        wrappers=frozenset({"type_declaration"}),
    ),
    "rust": Language(
        "rust", "tree_sitter_rust", "//",
        frozenset({
            "function_item", "struct_item", "enum_item", "trait_item", "impl_item", "mod_item",
            "macro_definition",
        }),
    ),
    "java": Language(
        "java", "tree_sitter_java", "//",
        frozenset({
            "class_declaration", "interface_declaration", "enum_declaration",
            "record_declaration", "method_declaration", "constructor_declaration",
        }),
    ),
    "c": Language("c", "tree_sitter_c", "//", _C),
    "cpp": Language(
        "cpp", "tree_sitter_cpp", "//", _C | {"class_specifier", "namespace_definition"},
        wrappers=frozenset({"template_declaration"}),
    ),
}  # fmt: skip

_SUFFIXES = {
    ".py": "python", ".pyi": "python",
    ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
    ".go": "go", ".rs": "rust", ".java": "java", ".c": "c", ".h": "c",
    ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".hh": "cpp",
}  # fmt: skip

_COMMENTS = {
    ".sh": "#", ".toml": "#", ".yaml": "#", ".yml": "#", ".rb": "#", ".r": "#", ".mk": "#",
    ".sql": "--", ".lua": "--", ".hs": "--", ".kt": "//", ".swift": "//", ".scala": "//",
    ".cs": "//", ".php": "//", ".dart": "//", ".zig": "//",
}  # fmt: skip


def language_of(path: str) -> str | None:
    """The name of the language of a file we can parse, by its suffix; else None."""
    return _SUFFIXES.get(_suffix(path))


def comment_prefix(path: str) -> str | None:
    """What begins a comment line in this kind of file; None if it is not known."""
    name = language_of(path)
    return _LANGUAGES[name].comment if name else _COMMENTS.get(_suffix(path))


def parses(path: str, source: bytes) -> bool:
    """Whether the file has no syntax error; also True for languages without a grammar here."""
    return first_error_line(path, source) is None


def first_error_line(path: str, source: bytes) -> int | None:
    """The 1-based line of the first syntax error, if there is one."""
    name = language_of(path)
    if name is None:
        return None
    root = parse(name, source)
    return _first_error(root) if root.has_error else None


def outline(path: str, source: bytes, root: tree_sitter.Node | None = None) -> list[Symbol]:
    """Functions, classes and the like, in the order they begin; empty for unknown languages.

    `root` saves parsing `source` again.
    """
    name = language_of(path)
    return list(_symbols(name, root or parse(name, source))) if name else []


def parse(language: str, source: bytes) -> tree_sitter.Node:
    """The root of the syntax tree of `source`."""
    return tree_sitter.Parser(_grammar(language)).parse(source).root_node


def is_definition(language: str, node: tree_sitter.Node) -> bool:
    """Whether `node` defines something, by itself or inside its decorators."""
    known = _LANGUAGES[language]
    if node.type in known.wrappers:
        return any(_defines(known, child) for child in node.named_children)
    return _defines(known, node)


def name_of(node: tree_sitter.Node) -> str:
    """The name a definition gives; empty if it has none."""
    named = node.child_by_field_name("name")
    declarator = node.child_by_field_name("declarator")
    while named is None and declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        named, declarator = (declarator, None) if inner is None else (None, inner)
    if named is None and node.type == "impl_item":
        named = node.child_by_field_name("type")
    text = named.text if named is not None else None
    return text.decode(errors="replace")[:NAME_CHARS_MAX] if text else ""


def end_line(node: tree_sitter.Node) -> int:
    """The last line of a node, 1-based; one that ends at a line's start does not reach into it."""
    row, column = node.end_point
    return row + 1 if column or row == node.start_point.row else row


def _symbols(language: str, root: tree_sitter.Node) -> Iterator[Symbol]:
    known = _LANGUAGES[language]
    found = tree_sitter.QueryCursor(_definitions(language)).captures(root).get("definition", [])
    around: list[tuple[int, str]] = []
    for node in sorted(found, key=lambda each: (each.start_byte, -each.end_byte)):
        while around and around[-1][0] <= node.start_byte:
            around.pop()
        if len(around) < NESTED_MAX and _defines(known, node) and (own := name_of(node)):
            name = f"{around[-1][1]}.{own}" if around else own
            around.append((node.end_byte, name))
            parent = node.parent
            wrapped = parent is not None and parent.type in known.wrappers
            outer = parent if parent is not None and wrapped else node
            kind = node.type.partition("_")[0]
            yield Symbol(name, kind, outer.start_point.row + 1, end_line(outer))


def _defines(known: Language, node: tree_sitter.Node) -> bool:
    """`struct point p;` uses a struct, only one with a body defines it."""
    uses = node.type.endswith("_specifier") and node.child_by_field_name("body") is None
    return node.type in known.definitions and not uses


def _first_error(root: tree_sitter.Node) -> int:
    node = root
    while True:
        if node.is_error or node.is_missing:
            return node.start_point.row + 1
        broken = next((each for each in node.children if each.has_error or each.is_missing), None)
        if broken is None:
            return node.start_point.row + 1
        node = broken


@functools.cache
def _grammar(language: str) -> tree_sitter.Language:
    known = _LANGUAGES[language]
    grammar: object = getattr(importlib.import_module(known.module), known.function)()
    return tree_sitter.Language(grammar)


@functools.cache
def _definitions(language: str) -> tree_sitter.Query:
    types = " ".join(f"({each})" for each in sorted(_LANGUAGES[language].definitions))
    return tree_sitter.Query(_grammar(language), f"[{types}] @definition")


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
