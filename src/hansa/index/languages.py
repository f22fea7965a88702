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
    """Such as `function`, `method`, `class`, `heading`."""
    start_line: int
    """Where it begins, its decorators included."""
    end_line: int
    name_line: int
    """Where its name stands."""

    @property
    def own(self) -> str:
        """The name without what it is inside of."""
        return self.name if self.kind == "heading" else self.name.rpartition(".")[2]


_JAVASCRIPT = frozenset({
    "function_declaration", "generator_function_declaration", "class_declaration",
    "method_definition", "variable_declarator",
})  # fmt: skip
_TYPESCRIPT = _JAVASCRIPT | {
    "interface_declaration", "type_alias_declaration", "enum_declaration",
    "abstract_class_declaration", "internal_module",
}  # fmt: skip
_EXPORT = frozenset({"export_statement", "lexical_declaration", "variable_declaration"})
_C = frozenset({
    "function_definition", "struct_specifier", "enum_specifier", "union_specifier",
})  # fmt: skip

_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
"""What makes a function of `const draw = () => {}`."""

_KINDS = {
    "function_definition": "function", "function_declaration": "function",
    "generator_function_declaration": "function", "function_item": "function",
    "variable_declarator": "function", "method_definition": "method",
    "method_declaration": "method", "constructor_declaration": "method",
    "class_definition": "class", "class_declaration": "class", "class_specifier": "class",
    "abstract_class_declaration": "class", "record_declaration": "class",
    "struct_item": "struct", "struct_specifier": "struct", "union_specifier": "union",
    "enum_item": "enum", "enum_specifier": "enum", "enum_declaration": "enum",
    "interface_declaration": "interface", "trait_item": "trait", "impl_item": "implementation",
    "type_alias_declaration": "type", "type_spec": "type", "internal_module": "module",
    "mod_item": "module", "namespace_definition": "module", "macro_definition": "macro",
}  # fmt: skip

_HOLD_METHODS = frozenset({"class", "struct", "interface", "trait", "implementation", "enum"})

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
    return tree_sitter.Parser(grammar(language)).parse(source).root_node


@functools.cache
def grammar(language: str) -> tree_sitter.Language:
    """The grammar of a language; loaded when first needed."""
    known = _LANGUAGES[language]
    grammar: object = getattr(importlib.import_module(known.module), known.function)()
    return tree_sitter.Language(grammar)


@functools.cache
def definition_query(language: str) -> tree_sitter.Query:
    """Finds the nodes that may define something, as `definition`."""
    types = " ".join(f"({each})" for each in sorted(_LANGUAGES[language].definitions))
    return tree_sitter.Query(grammar(language), f"[{types}] @definition")


def is_definition(language: str, node: tree_sitter.Node) -> bool:
    """Whether `node` defines something, by itself or inside its decorators."""
    known = _LANGUAGES[language]
    if node.type in known.wrappers:
        return any(is_definition(language, child) for child in node.named_children)
    return _defines(known, node)


def name_of(node: tree_sitter.Node) -> str:
    """The name a definition gives, with dots between its parts; empty if it has none."""
    name = _text(_name_node(node)).partition("<")[0].replace("::", ".")
    if node.type == "method_declaration" and (receiver := _receiver(node)):
        name = f"{receiver}.{name}"
    return name[:NAME_CHARS_MAX]


def end_line(node: tree_sitter.Node) -> int:
    """The last line of a node, 1-based; one that ends at a line's start does not reach into it."""
    row, column = node.end_point
    return row + 1 if column or row == node.start_point.row else row


def _symbols(language: str, root: tree_sitter.Node) -> Iterator[Symbol]:
    known = _LANGUAGES[language]
    found = tree_sitter.QueryCursor(definition_query(language)).captures(root).get("definition", [])
    around: list[tuple[int, str, str]] = []
    for node in sorted(found, key=lambda each: (each.start_byte, -each.end_byte)):
        while around and around[-1][0] <= node.start_byte:
            around.pop()
        if len(around) < NESTED_MAX and _defines(known, node) and (own := name_of(node)):
            name = f"{around[-1][1]}.{own}" if around else own
            kind = _KINDS[node.type]
            if kind == "function" and around and around[-1][2] in _HOLD_METHODS:
                kind = "method"
            around.append((node.end_byte, name, kind))
            outer = _wrapped(known, node)
            name_line = (_name_node(node) or node).start_point.row + 1
            yield Symbol(name, kind, outer.start_point.row + 1, end_line(outer), name_line)


def _wrapped(known: Language, node: tree_sitter.Node) -> tree_sitter.Node:
    """A definition with what belongs to it, such as its decorators."""
    while (parent := node.parent) is not None and parent.type in known.wrappers:
        node = parent
    return node


def _defines(known: Language, node: tree_sitter.Node) -> bool:
    """`struct point p;` uses a struct, only one with a body defines it."""
    if node.type not in known.definitions:
        return False
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return value is not None and value.type in _FUNCTION_VALUES
    return not node.type.endswith("_specifier") or node.child_by_field_name("body") is not None


def _name_node(node: tree_sitter.Node) -> tree_sitter.Node | None:
    named = node.child_by_field_name("name")
    declarator = node.child_by_field_name("declarator")
    while named is None and declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        named, declarator = (declarator, None) if inner is None else (None, inner)
    if named is None and node.type == "impl_item":
        return node.child_by_field_name("type")
    return named


def _receiver(node: tree_sitter.Node) -> str:
    """The type whose method this is, in Go."""
    found = node.child_by_field_name("receiver")
    while found is not None and found.type != "type_identifier":
        types = [each.child_by_field_name("type") for each in (found, *found.named_children)]
        found = next((each for each in types if each is not None), None) or (
            found.named_children[0] if found.type == "pointer_type" else None
        )
    return _text(found)


def _text(node: tree_sitter.Node | None) -> str:
    return node.text.decode(errors="replace") if node is not None and node.text else ""


def _first_error(root: tree_sitter.Node) -> int:
    node = root
    while True:
        if node.is_error or node.is_missing:
            return node.start_point.row + 1
        broken = next((each for each in node.children if each.has_error or each.is_missing), None)
        if broken is None:
            return node.start_point.row + 1
        node = broken


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
